//! "Did you mean": the known name that is closest to one that is not known.

/// `; did you mean NAME` where a known name is close enough to `given`, and nothing otherwise.
pub(super) fn suggestion<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(given, known).map_or_else(String::new, |name| format!("; did you mean {name}"))
}

/// The known name with the fewest differing letters. More than a third of the letters is no typing
/// error any longer.
pub(super) fn closest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let given = plain(given);
    let most = (given.chars().count() / 3).max(1);
    let distances = known
        .into_iter()
        .map(|name| (strsim::osa_distance(&given, &plain(name)), name));
    distances
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_leads_to_the_name_that_was_meant() {
        let known = ["issuer", "listen", "store", "site", "server_name"];
        for (given, meant) in [
            ("isuer", "issuer"),
            ("Issuer", "issuer"),
            ("lsiten", "listen"),
            ("server-nam", "server_name"),
        ] {
            assert_eq!(closest(given, known), Some(meant), "{given}");
        }
        for stranger in ["colour", "x", "", "database"] {
            assert_eq!(closest(stranger, known), None, "{stranger}");
        }
        assert_eq!(suggestion("stor", known), "; did you mean store");
        assert_eq!(suggestion("colour", known), "");
    }
}
