//! Making an account for oneself.

pub(crate) const TITLE: &str = "Create an account";
pub(crate) const SIGN_IN_INSTEAD: &str = "Sign in instead";

/// Who may, where not everybody may.
pub(crate) fn for_domains(domains: &[String]) -> String {
    match domains {
        [] => "Nobody can make an account here.".to_owned(),
        [domain] => format!("For addresses at {domain}."),
        [domains @ .., last] => format!("For addresses at {} and {last}.", domains.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_told_as_a_list() {
        let told = |domains: &[&str]| {
            for_domains(
                &domains
                    .iter()
                    .map(|&domain| domain.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(told(&["a.example"]), "For addresses at a.example.");
        assert_eq!(
            told(&["a.example", "b.example", "c.example"]),
            "For addresses at a.example, b.example and c.example."
        );
    }
}
