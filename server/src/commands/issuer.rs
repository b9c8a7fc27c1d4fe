//! The warning about a changed issuer.

use provider::IssuerChange;

/// What stops working after the issuer changed, and what to do.
pub(super) fn explained(change: &IssuerChange) -> String {
    let (old, new) = (&change.recorded.issuer, &change.issuer);
    let passkeys = match (change.lost_domain(), &change.recorded.rp_id) {
        (Some(domain), _) => format!(
            " Passkeys no longer work, because they belong to {domain}: users without a password need a reset link from \
             \"vestibule account reset\"."
        ),
        (None, Some(_)) => " Passkeys still work.".to_owned(),
        (None, None) => String::new(),
    };
    format!(
        "The issuer has changed: the store was created for {old}, but the configured issuer is {new}. Access tokens of {old} \
         are refused, applications have to be connected again, and links that were already sent point to {old}.{passkeys} \
         If this is a mistake, set the issuer to {old} again. If it is intended, run \"vestibule issuer accept {new}\" to \
         remove this warning."
    )
}

#[cfg(test)]
mod tests {
    use oauth::{Issuer, Timestamp};
    use provider::StoreIdentity;

    fn explained(old: &str, new: &str) -> String {
        let issuer = |text| Issuer::parse(text).expect("an issuer");
        let change = StoreIdentity::of(&issuer(old), Timestamp::from_seconds(0))
            .change_to(&issuer(new))
            .expect("a change");
        super::explained(&change)
    }

    #[test]
    fn what_happens_to_passkeys_is_said() {
        let moved = explained("https://a.example", "https://b.example");
        for part in [
            "created for https://a.example",
            "issuer is https://b.example",
            "point to https://a.example. Passkeys no longer work",
            "issuer accept https://b.example",
        ] {
            assert!(moved.contains(part), "{part}: {moved}");
        }
        let port = explained("https://a.example", "https://a.example:8443");
        assert!(
            port.contains("https://a.example. Passkeys still work. If"),
            "{port}"
        );
        let address = explained("http://localhost:3000", "http://127.0.0.1:3000");
        assert!(address.contains("they belong to localhost"), "{address}");
        let addresses = explained("http://127.0.0.1:3000", "http://[::1]:3000");
        assert!(
            !addresses.contains("asskey"),
            "an address has none: {addresses}"
        );
    }
}
