//! The table of pages, and their addresses.
//!
//! Each page is one row of [`pages!`]: its path, its name in `data-page`, its title and the
//! function that loads it. Paths are made from the rows here, routes in `document`, and the titles
//! of the pages for administrators in `admin::sections`.

use provider::{LinkPages, NextStep};
use std::fmt;

/// Calls the macro `$use` with the table of pages.
///
/// The rows of `pages` are open to every browser, and their loaders decide what they require. The
/// rows of `admin` require an administrator with a recent sign-in; their titles and leads are
/// `TITLE` and `LEAD` of the texts of the named module. Their order is that of the navigation.
macro_rules! pages {
    ($use:ident) => {
        $use! {
            redirects {
                "/" account::page::start;
                "/admin" admin::context::start;
            }
            pages {
                /// The sign-in page.
                Login "/login" "login" (login::messages::TITLE) login::page::load;
                /// Signing in with a recovery code.
                Recover "/recover" "recover" (recovery::messages::TITLE) recovery::page::load;
                /// Creating an account without a link.
                SignUp "/sign-up" "sign-up" (sign_up::messages::TITLE) sign_up::page::load;
                /// The offer of a passkey after a sign-in without one.
                Offer "/passkey" "offer" (passkey_offer::messages::TITLE) passkey_offer::page::load;
                /// The decision about an authorization request.
                Consent "/consent" "consent" (consent::messages::TITLE) consent::page::load;
                /// Showing a credential again.
                Confirm "/confirm" "confirm" (confirm::messages::TITLE) confirm::page::load;
                /// The first account of the server, by a one-time link.
                Setup "/setup/:token" "setup"
                    (enrolment::messages::FIRST_TITLE) enrolment::page::load;
                /// Access to an account, by a one-time link.
                Enroll "/enroll/:token" "enroll"
                    (enrolment::messages::ENROL_TITLE) enrolment::page::load;
                /// A new way to sign in, by a one-time link.
                Reset "/reset/:token" "reset"
                    (enrolment::messages::RESET_TITLE) enrolment::page::load;
                /// The page of the signed-in user.
                Account "/account" "account" (account::messages::TITLE) account::page::load;
                /// The recovery codes that were just made.
                Codes "/account/codes" "codes"
                    (recovery::messages::CODES_TITLE) recovery::codes::load;
            }
            admin {
                /// Accounts.
                Accounts "/admin/accounts" "admin-accounts" accounts;
                /// Clients.
                Applications "/admin/applications" "admin-applications" applications;
                /// Resources.
                Resources "/admin/resources" "admin-resources" resources;
                /// Signing keys.
                Keys "/admin/keys" "admin-keys" keys;
                /// Failed requests of clients.
                Failures "/admin/failures" "admin-failures" failures;
                /// The audit log.
                Audit "/admin/audit" "admin-audit" audit;
            }
        }
    };
}
pub(crate) use pages;

macro_rules! declare_pages {
    (
        redirects { $($redirects:tt)* }
        pages {
            $($(#[$doc:meta])* $page:ident $path:literal $name:literal ($title:expr) $load:path;)*
        }
        admin {
            $($(#[$admin_doc:meta])*
            $section:ident $admin_path:literal $admin_name:literal $module:ident;)*
        }
    ) => {
        /// A page for every browser.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum PageId {
            $($(#[$doc])* $page,)*
        }

        impl PageId {
            /// Its path; `:token` is the place of a token.
            pub(crate) const fn path(self) -> &'static str {
                match self {
                    $(Self::$page => $path,)*
                }
            }

            /// Its name: `data-page` of `<main>`.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$page => $name,)*
                }
            }
        }

        /// The paths of all pages; `:token` is the place of a token.
        pub const PATHS: &[&str] = &["/", "/admin", $($path,)* $($admin_path,)*];

        /// A page for administrators.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AdminPage {
            $($(#[$admin_doc])* $section,)*
        }

        impl AdminPage {
            /// All of them, in the order of the navigation.
            pub(crate) const ALL: &[Self] = &[$(Self::$section,)*];

            /// Its path.
            pub(crate) const fn path(self) -> &'static str {
                match self {
                    $(Self::$section => $admin_path,)*
                }
            }

            /// Its name: `data-page` of `<main>`.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$section => $admin_name,)*
                }
            }
        }
    };
}
pages!(declare_pages);

/// The address of a page of this server. A form can name nothing else as the place to go on to, and
/// never a URL (T-A8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PagePath {
    /// The sign-in page, for a pending request if there is one.
    Login(Option<OpaqueToken>),
    /// Signing in with a recovery code.
    Recover(Option<OpaqueToken>),
    /// Creating an account without a link.
    SignUp(Option<OpaqueToken>),
    /// The offer of a passkey after a sign-in without one.
    Offer(Option<OpaqueToken>),
    /// The decision about a pending request.
    Consent(OpaqueToken),
    /// The first account of this server, by its one-time link.
    Setup(OpaqueToken, Option<OpaqueToken>),
    /// Access to an account, by a one-time link.
    Enroll(OpaqueToken, Option<OpaqueToken>),
    /// A new way to sign in, by a one-time link.
    Reset(OpaqueToken, Option<OpaqueToken>),
    /// Showing a credential again before going on.
    Confirm(ReturnTo),
    /// The page of the signed-in user.
    Account,
    /// The recovery codes that were just made.
    Codes,
    /// A page for administrators.
    Admin(AdminPage),
}

/// The next page after showing a credential again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnTo {
    /// The page of the signed-in user.
    Account,
    /// A page for administrators.
    Admin(AdminPage),
}

impl PagePath {
    /// The page to sign in: to continue with a request, or, if there is a `then`, with the page that
    /// requires a newer sign-in.
    pub fn sign_in(request: &str, then: &str) -> Self {
        if then.is_empty() {
            Self::Login(OpaqueToken::parse(request))
        } else {
            Self::Confirm(ReturnTo::parse(then))
        }
    }

    /// Where a pending authorization request goes on.
    pub fn of_request(next: NextStep, request: &str) -> Self {
        let request = OpaqueToken::parse(request);
        match (next, request) {
            (NextStep::Login, request) => Self::Login(request),
            (NextStep::Consent, Some(request)) => Self::Consent(request),
            (NextStep::Consent, None) => Self::Login(None),
        }
    }

    /// Where a user who has just signed in on this page goes on to; by way of a passkey, if that
    /// is to be offered. A confirmation leads back without an offer.
    #[must_use]
    pub fn onward(&self, offers_passkey: bool) -> Self {
        match self {
            Self::Confirm(then) => (*then).into(),
            Self::Login(request) | Self::Recover(request) if offers_passkey => {
                Self::Offer(request.clone())
            }
            Self::Login(request) | Self::Recover(request) => Self::after_sign_in(request.clone()),
            Self::SignUp(_)
            | Self::Offer(_)
            | Self::Consent(_)
            | Self::Setup(..)
            | Self::Enroll(..)
            | Self::Reset(..)
            | Self::Account
            | Self::Codes
            | Self::Admin(_) => Self::Account,
        }
    }

    /// The next page of a signed-in user.
    pub fn after_sign_in(request: Option<OpaqueToken>) -> Self {
        request.map_or(Self::Account, Self::Consent)
    }

    /// What to come back to after the user showed a credential again for something on this page.
    pub const fn return_to(&self) -> ReturnTo {
        match self {
            Self::Admin(page) => ReturnTo::Admin(*page),
            Self::Confirm(then) => *then,
            Self::Login(_)
            | Self::Recover(_)
            | Self::SignUp(_)
            | Self::Offer(_)
            | Self::Consent(_)
            | Self::Setup(..)
            | Self::Enroll(..)
            | Self::Reset(..)
            | Self::Account
            | Self::Codes => ReturnTo::Account,
        }
    }
}

/// The pages that one-time links lead to.
pub fn link_pages() -> LinkPages {
    let before_token = |page: PageId| page.path().trim_end_matches(":token");
    LinkPages {
        setup: before_token(PageId::Setup),
        enrolment: before_token(PageId::Enroll),
        reset: before_token(PageId::Reset),
    }
}

impl From<ReturnTo> for PagePath {
    fn from(then: ReturnTo) -> Self {
        match then {
            ReturnTo::Account => Self::Account,
            ReturnTo::Admin(page) => Self::Admin(page),
        }
    }
}

impl ReturnTo {
    /// The page of this name; the account page for any other text.
    pub fn parse(slug: &str) -> Self {
        AdminPage::ALL
            .iter()
            .copied()
            .map(Self::Admin)
            .find(|return_to| return_to.as_str() == slug)
            .unwrap_or(Self::Account)
    }

    /// Its form in an address or a form field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Admin(page) => page.name(),
        }
    }
}

impl fmt::Display for PagePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |page: PageId| page.path().to_owned();
        let with_token = |page: PageId, token: &OpaqueToken| row(page).replace(":token", &token.0);
        let (path, request) = match self {
            Self::Login(request) => (row(PageId::Login), request.as_ref()),
            Self::Recover(request) => (row(PageId::Recover), request.as_ref()),
            Self::SignUp(request) => (row(PageId::SignUp), request.as_ref()),
            Self::Offer(request) => (row(PageId::Offer), request.as_ref()),
            Self::Consent(request) => (row(PageId::Consent), Some(request)),
            Self::Setup(token, request) => (with_token(PageId::Setup, token), request.as_ref()),
            Self::Enroll(token, request) => (with_token(PageId::Enroll, token), request.as_ref()),
            Self::Reset(token, request) => (with_token(PageId::Reset, token), request.as_ref()),
            Self::Confirm(return_to) => {
                let path = row(PageId::Confirm);
                (format!("{path}?then={}", return_to.as_str()), None)
            }
            Self::Account => (row(PageId::Account), None),
            Self::Codes => (row(PageId::Codes), None),
            Self::Admin(page) => (page.path().to_owned(), None),
        };
        formatter.write_str(&path)?;
        request.map_or(Ok(()), |request| {
            write!(formatter, "?request={}", request.0)
        })
    }
}

/// An opaque id or one-time token of this server in an address: 1 to 128 letters, digits, `-`
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
        for &section in AdminPage::ALL {
            let then = ReturnTo::Admin(section);
            assert_eq!(ReturnTo::parse(then.as_str()), then);
            assert_eq!(
                PagePath::Confirm(then).to_string(),
                format!(
                    "/confirm?then=admin-{}",
                    section.path().trim_start_matches("/admin/")
                )
            );
            assert_eq!(
                PagePath::from(then).to_string(),
                format!("/admin/{}", section.path().trim_start_matches("/admin/"))
            );
            assert_eq!(PagePath::Admin(section).return_to(), then);
            assert_eq!(PagePath::Confirm(then).return_to(), then);
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
        assert_eq!(PagePath::Codes.return_to(), ReturnTo::Account);
    }
}
