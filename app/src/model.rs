//! What crosses between server and browser.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A passkey ceremony that waits for the browser: its id in the server, and what the browser is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ceremony {
    /// Names the ceremony when its answer comes back.
    pub id: String,
    /// The options for `navigator.credentials`, as JSON.
    pub options: String,
}

/// A page of ours. The only thing a form may name as the place to go on to: never an address (cases A8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The sign-in page, for a waiting request if there is one.
    Login(Option<Slug>),
    /// The decision about a waiting request.
    Consent(Slug),
    /// The first account of this server, by its one-time link.
    Setup(Slug, Option<Slug>),
    /// Access to an account by a one-time link.
    Enroll(Slug, Option<Slug>),
    /// The signed-in person's own page.
    Account,
}

impl Place {
    /// Where a person who has just signed in goes on to.
    pub fn after_sign_in(request: Option<Slug>) -> Self {
        request.map_or(Self::Account, Self::Consent)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, request) = match self {
            Self::Login(request) => ("/login".to_owned(), request.as_ref()),
            Self::Consent(request) => ("/consent".to_owned(), Some(request)),
            Self::Setup(token, request) => (format!("/setup/{}", token.0), request.as_ref()),
            Self::Enroll(token, request) => (format!("/enroll/{}", token.0), request.as_ref()),
            Self::Account => ("/account".to_owned(), None),
        };
        formatter.write_str(&path)?;
        request.map_or(Ok(()), |request| write!(formatter, "?request={}", request.0))
    }
}

/// An opaque id or one-time token of ours as it stands in an address: 1 to 128 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug(String);

impl Slug {
    /// Takes `text` if it has the shape of our ids; whether it names anything is for the provider to say.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        fits.then(|| Self(text.to_owned()))
    }

    /// The id itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_cannot_carry_an_address() {
        for hostile in ["", "//evil", "/\\evil", "https:evil", "a.b", "..", "a&b", "a\r\nb", "é", &"a".repeat(129)] {
            assert_eq!(Slug::parse(hostile), None, "{hostile:?}");
        }
        assert!(Slug::parse("aZ09_-").is_some());
    }

    #[test]
    fn places_are_paths_of_ours() {
        let request = Slug::parse("r1");
        assert_eq!(Place::Login(None).to_string(), "/login");
        assert_eq!(Place::Login(request.clone()).to_string(), "/login?request=r1");
        assert_eq!(Place::after_sign_in(request.clone()).to_string(), "/consent?request=r1");
        let token = Slug::parse("t").expect("a slug");
        assert_eq!(Place::Setup(token, request).to_string(), "/setup/t?request=r1");
    }
}
