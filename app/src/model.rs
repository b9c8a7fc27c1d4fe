//! What crosses between server and browser.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A passkey ceremony that waits for the browser: its id in the server, and what the browser is
/// asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ceremony {
    /// Names the ceremony when its answer comes back.
    pub id: String,
    /// The options for `navigator.credentials`, as JSON.
    pub options: String,
}

/// A page of ours. The only thing a form may name as the place to go on to: never an address (
/// T-A8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PagePath {
    /// The sign-in page, for a waiting request if there is one.
    Login(Option<OpaqueToken>),
    /// Signing in with a recovery code, likewise.
    Recover(Option<OpaqueToken>),
    /// Making an account for oneself, likewise.
    SignUp(Option<OpaqueToken>),
    /// The offer of a passkey to somebody who has just signed in without, likewise.
    Offer(Option<OpaqueToken>),
    /// The decision about a waiting request.
    Consent(OpaqueToken),
    /// The first account of this server, by its one-time link.
    Setup(OpaqueToken, Option<OpaqueToken>),
    /// Access to an account by a one-time link.
    Enroll(OpaqueToken, Option<OpaqueToken>),
    /// A new way to sign in, by a one-time link.
    Reset(OpaqueToken, Option<OpaqueToken>),
    /// Showing a credential once more before going on.
    Confirm(ReturnTo),
    /// The signed-in person's own page.
    Account,
    /// The recovery codes that were just made.
    Codes,
    /// A page for whoever runs the server.
    Admin(AdminPage),
}

/// Where a person goes on to who has shown a credential once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnTo {
    /// To their own page.
    Account,
    /// To a page for whoever runs the server.
    Admin(AdminPage),
}

/// The pages for whoever runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminPage {
    /// Accounts.
    Accounts,
    /// Applications.
    Applications,
    /// Resources.
    Resources,
    /// Signing keys.
    Keys,
    /// Failed connections.
    Failures,
    /// The audit log.
    Audit,
}

impl PagePath {
    /// Where somebody signs in: to go on with a request, or with what wanted a newer sign-in when
    /// there is a `then`.
    pub fn sign_in(request: &str, then: &str) -> Self {
        if then.is_empty() {
            Self::Login(OpaqueToken::parse(request))
        } else {
            Self::Confirm(ReturnTo::parse(then))
        }
    }

    /// Where a person who has just signed in on this page goes on to; by way of a passkey, if that
    /// is to be offered. Whoever confirms that it is them wants to get on.
    #[must_use]
    pub fn onward(&self, offers_passkey: bool) -> Self {
        match self {
            Self::Confirm(then) => (*then).into(),
            Self::Login(request) | Self::Recover(request) if offers_passkey => {
                Self::Offer(request.clone())
            }
            Self::Login(request) | Self::Recover(request) => Self::after_sign_in(request.clone()),
            _ => Self::Account,
        }
    }

    /// Where a person who is signed in goes on to.
    pub fn after_sign_in(request: Option<OpaqueToken>) -> Self {
        request.map_or(Self::Account, Self::Consent)
    }

    /// What to come back to after the person showed a credential again for something on this page.
    pub const fn then(&self) -> ReturnTo {
        match self {
            Self::Admin(section) | Self::Confirm(ReturnTo::Admin(section)) => {
                ReturnTo::Admin(*section)
            }
            _ => ReturnTo::Account,
        }
    }
}

impl From<ReturnTo> for PagePath {
    fn from(then: ReturnTo) -> Self {
        match then {
            ReturnTo::Account => Self::Account,
            ReturnTo::Admin(section) => Self::Admin(section),
        }
    }
}

impl ReturnTo {
    /// The place of this slug. Whatever is none means the account.
    pub fn parse(slug: &str) -> Self {
        AdminPage::ALL
            .into_iter()
            .map(Self::Admin)
            .find(|then| then.slug() == slug)
            .unwrap_or(Self::Account)
    }

    /// As it stands in an address or a form.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Admin(section) => section.page(),
        }
    }
}

impl AdminPage {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 6] = [
        Self::Accounts,
        Self::Applications,
        Self::Resources,
        Self::Keys,
        Self::Failures,
        Self::Audit,
    ];

    /// The last part of its address.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Applications => "applications",
            Self::Resources => "resources",
            Self::Keys => "keys",
            Self::Failures => "failures",
            Self::Audit => "audit",
        }
    }

    /// The name of its page: `data-page` of `<main>`.
    pub const fn page(self) -> &'static str {
        match self {
            Self::Accounts => "admin-accounts",
            Self::Applications => "admin-applications",
            Self::Resources => "admin-resources",
            Self::Keys => "admin-keys",
            Self::Failures => "admin-failures",
            Self::Audit => "admin-audit",
        }
    }
}

impl fmt::Display for PagePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, request) = match self {
            Self::Login(request) => ("/login".to_owned(), request.as_ref()),
            Self::Recover(request) => ("/recover".to_owned(), request.as_ref()),
            Self::SignUp(request) => ("/sign-up".to_owned(), request.as_ref()),
            Self::Offer(request) => ("/passkey".to_owned(), request.as_ref()),
            Self::Consent(request) => ("/consent".to_owned(), Some(request)),
            Self::Setup(token, request) => (format!("/setup/{}", token.0), request.as_ref()),
            Self::Enroll(token, request) => (format!("/enroll/{}", token.0), request.as_ref()),
            Self::Reset(token, request) => (format!("/reset/{}", token.0), request.as_ref()),
            Self::Confirm(then) => (format!("/confirm?then={}", then.slug()), None),
            Self::Account => ("/account".to_owned(), None),
            Self::Codes => ("/account/codes".to_owned(), None),
            Self::Admin(section) => (format!("/admin/{}", section.slug()), None),
        };
        formatter.write_str(&path)?;
        request.map_or(Ok(()), |request| {
            write!(formatter, "?request={}", request.0)
        })
    }
}

/// An opaque id or one-time token of ours as it stands in an address: 1 to 128 letters, digits, `-`
/// and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueToken(String);

impl OpaqueToken {
    /// Takes `text` if it has the shape of our ids; whether it names anything is for the provider
    /// to say.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
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
        for hostile in [
            "",
            "//evil",
            "/\\evil",
            "https:evil",
            "a.b",
            "..",
            "a&b",
            "a\r\nb",
            "é",
            &"a".repeat(129),
        ] {
            assert_eq!(OpaqueToken::parse(hostile), None, "{hostile:?}");
        }
        assert!(OpaqueToken::parse("aZ09_-").is_some());
    }

    #[test]
    fn places_are_paths_of_ours() {
        let request = OpaqueToken::parse("r1");
        assert_eq!(PagePath::Login(None).to_string(), "/login");
        assert_eq!(
            PagePath::Login(request.clone()).to_string(),
            "/login?request=r1"
        );
        assert_eq!(
            PagePath::after_sign_in(request.clone()).to_string(),
            "/consent?request=r1"
        );
        let token = OpaqueToken::parse("t").expect("a slug");
        assert_eq!(
            PagePath::Setup(token, request).to_string(),
            "/setup/t?request=r1"
        );
    }
    #[test]
    fn signing_in_leads_on() {
        let onward =
            |request, then, offers| PagePath::sign_in(request, then).onward(offers).to_string();
        assert_eq!(onward("", "", false), "/account");
        assert_eq!(onward("r1", "", false), "/consent?request=r1");
        assert_eq!(onward("r1", "", true), "/passkey?request=r1");
        assert_eq!(onward("", "", true), "/passkey");
        assert_eq!(onward("", "admin-keys", true), "/admin/keys");
        assert_eq!(onward("r1", "//evil", true), "/account");
        assert_eq!(onward("//evil", "", false), "/account");
    }

    #[test]
    fn a_confirmation_comes_back_to_a_page_of_ours() {
        for section in AdminPage::ALL {
            let then = ReturnTo::Admin(section);
            assert_eq!(ReturnTo::parse(then.slug()), then);
            assert_eq!(
                PagePath::Confirm(then).to_string(),
                format!("/confirm?then=admin-{}", section.slug())
            );
            assert_eq!(
                PagePath::from(then).to_string(),
                format!("/admin/{}", section.slug())
            );
            assert_eq!(PagePath::Admin(section).then(), then);
            assert_eq!(PagePath::Confirm(then).then(), then);
        }
        for other in [
            "",
            "account",
            "admin",
            "admin-",
            "//evil",
            "/admin/keys",
            "consent",
        ] {
            assert_eq!(ReturnTo::parse(other), ReturnTo::Account, "{other:?}");
        }
        assert_eq!(PagePath::Codes.then(), ReturnTo::Account);
    }
}
