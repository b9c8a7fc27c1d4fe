//! E-mail addresses, as far as a server that sends no mail must understand them.

use crate::{keys, misleading::misleads};

/// The longest address that can receive mail (RFC 5321 section 4.5.3.1.3, less the angle brackets).
const LONGEST: usize = 254;

/// An address that could exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Reads what a person typed. `None` when no mail could ever get there.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let plain = !text.contains(|letter: char| letter.is_whitespace() || misleads(letter)) && !domain.contains('@');
        let sound = text.len() <= LONGEST && !local.is_empty() && domain.split('.').all(|label| !label.is_empty());
        (plain && sound).then(|| Self(text.to_owned()))
    }

    /// The address as it was typed, for people to read.
    pub(crate) fn as_typed(&self) -> &str {
        &self.0
    }

    /// The part after the at sign, in lower case.
    pub(crate) fn domain(&self) -> String {
        self.0.rsplit('@').next().unwrap_or_default().to_lowercase()
    }

    /// The key under which the address leads to its account.
    pub(crate) fn key(&self) -> String {
        keys::email(&folded(&self.0))
    }
}

/// The form in which addresses are compared. Every text has one, so that guesses at any text are counted alike.
pub(crate) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_and_a_domain() {
        let longest = format!("{}@example.com", "a".repeat(LONGEST - 12));
        for good in ["a@example.com", "a@localhost", " Ada.L+x@Example.COM ", "jürgen@bücher.example", &longest] {
            assert_eq!(Email::parse(good).map(|email| email.0), Some(good.trim().to_owned()));
        }
        let too_long = format!("a{longest}");
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@example.com",
            "a@b@c",
            "a b@example.com",
            "a@exa\nmple.com",
            "a@.com",
            "a@b..c",
            "a@b.",
            "a@b\u{0}",
            "bo\u{200b}b@example.com",
            "bob@example.com\u{202e}",
            "bo\u{ad}b@example.com",
            &too_long,
        ] {
            assert_eq!(Email::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_person_has_one_address_however_it_is_typed() {
        let key = |text| Email::parse(text).expect("an address").key();
        assert_eq!(key("Ada@Example.com"), key(" ada@example.COM"));
        assert_ne!(key("ada@example.com"), key("ada@example.org"));
    }
}
