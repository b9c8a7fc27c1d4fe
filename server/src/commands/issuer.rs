//! What it means that a store was used under another issuer.

use provider::IssuerChange;

/// What a changed issuer ends, and what to do about it.
pub(super) fn explained(change: &IssuerChange) -> String {
    let (old, new) = (&change.recorded.issuer, &change.issuer);
    let passkeys = match (change.lost_domain(), &change.recorded.rp_id) {
        (Some(domain), _) => format!(
            " No passkey works any more, since passkeys belong to {domain}: a user who has nothing else needs a link of \
             \"vestibule account reset\"."
        ),
        (None, Some(_)) => " Passkeys still work.".to_owned(),
        (None, None) => String::new(),
    };
    format!(
        "The issuer has changed: this store belongs to {old}, and the configuration says {new}. Access tokens of {old} are \
         refused, people have to connect their applications again, and links that were sent out lead to {old}.{passkeys} \
         If this is a mistake, set the issuer to {old} again. If it is meant, run \"vestibule issuer accept {new}\", which \
         ends this warning."
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
            "belongs to https://a.example",
            "says https://b.example",
            "lead to https://a.example. No passkey works",
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
        assert!(
            address.contains("passkeys belong to localhost"),
            "{address}"
        );
        let addresses = explained("http://127.0.0.1:3000", "http://[::1]:3000");
        assert!(
            !addresses.contains("asskey"),
            "an address has none: {addresses}"
        );
    }
}
