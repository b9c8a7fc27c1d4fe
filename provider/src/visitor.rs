//! The person's browser, as its cookies and headers describe it.

use std::{net::IpAddr, time::Duration};

use oauth::Secret;

use crate::{Provider, device};

/// Binds an authorization request to the browser it was made in.
const BROWSER_COOKIE: &str = "__Host-vestibule-browser";
/// The session of a signed-in person.
const SESSION_COOKIE: &str = "__Host-vestibule-session";
/// How the person last signed in here, so that the page can say so. It proves nothing.
const WAY_COOKIE: &str = "__Host-vestibule-way";
/// What recovery codes that were just made follow from, until they have been shown.
const CODES_COOKIE: &str = "__Host-vestibule-codes";
const BROWSER_LIFETIME: Duration = Duration::from_hours(400 * 24);
const CODES_LIFETIME: Duration = Duration::from_mins(5);

/// A browser at the door. It always has a browser secret; a session secret proves nothing until it was looked up.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub(crate) browser: Secret,
    pub(crate) session: Option<Secret>,
    pub(crate) address: IpAddr,
    pub(crate) device: String,
    /// What recovery codes that were just made in this browser follow from.
    pub(crate) codes: Option<Secret>,
    way: Option<Way>,
}

/// A way to sign in, as a browser remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a passkey.
    Passkey,
    /// With a password.
    Password,
}

impl Way {
    const fn text(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Password => "password",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Passkey, Self::Password].into_iter().find(|way| way.text() == text)
    }
}

/// A cookie for the response.
#[derive(Clone)]
pub struct SetCookie {
    name: &'static str,
    value: String,
    lifetime: Duration,
}

impl SetCookie {
    /// The value of the `Set-Cookie` header. `__Host-` makes browsers insist on Secure, on the path and on this host alone.
    pub fn header_value(&self) -> String {
        let seconds = self.lifetime.as_secs();
        format!("{}={}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax", self.name, self.value)
    }

    pub(crate) fn session(secret: &Secret, lifetime: Duration) -> Self {
        Self { name: SESSION_COOKIE, value: secret.encode(), lifetime }
    }

    pub(crate) const fn session_end() -> Self {
        Self { name: SESSION_COOKIE, value: String::new(), lifetime: Duration::ZERO }
    }

    pub(crate) fn way(way: Way) -> Self {
        Self { name: WAY_COOKIE, value: way.text().to_owned(), lifetime: BROWSER_LIFETIME }
    }

    pub(crate) fn codes(secret: &Secret) -> Self {
        Self { name: CODES_COOKIE, value: secret.encode(), lifetime: CODES_LIFETIME }
    }

    pub(crate) const fn codes_end() -> Self {
        Self { name: CODES_COOKIE, value: String::new(), lifetime: Duration::ZERO }
    }
}

impl Provider {
    /// Reads the cookies of a request, and the `User-Agent`, which names the device. A browser that comes without its cookie
    /// gets one, to be added to the response.
    pub fn visitor(&self, cookie_header: Option<&str>, user_agent: Option<&str>, address: IpAddr) -> (Visitor, Option<SetCookie>) {
        let text = |name| cookie_header.and_then(|header| cookie(header, name));
        let secret = |name| text(name).and_then(Secret::decode);
        let known = secret(BROWSER_COOKIE);
        let browser = known.clone().unwrap_or_else(|| self.entropy().secret());
        let set = SetCookie { name: BROWSER_COOKIE, value: browser.encode(), lifetime: BROWSER_LIFETIME };
        let visitor = Visitor {
            browser,
            session: secret(SESSION_COOKIE),
            address,
            device: device::name(user_agent.unwrap_or_default()),
            codes: secret(CODES_COOKIE),
            way: text(WAY_COOKIE).and_then(Way::parse),
        };
        (visitor, known.is_none().then_some(set))
    }

    /// The token that every form carries against forgery: bound to the session, or to the browser before there is one.
    pub fn form_token(&self, visitor: &Visitor) -> String {
        visitor.form_token().encode()
    }

    /// Whether a form carries the token of this very browser.
    pub fn form_token_matches(&self, visitor: &Visitor, presented: &str) -> bool {
        Secret::decode(presented).is_some_and(|secret| secret.digest() == visitor.form_token().digest())
    }
}

impl Visitor {
    /// How somebody last signed in with this browser.
    pub const fn way_last_used(&self) -> Option<Way> {
        self.way
    }

    fn form_token(&self) -> Secret {
        self.session.as_ref().unwrap_or(&self.browser).derive("form token", b"")
    }
}

/// The value of a cookie. A name that comes twice is refused: one of the two was not set by us.
fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut values =
        header.split(';').filter_map(|pair| pair.trim().split_once('=')).filter(|(own, _)| *own == name).map(|(_, value)| value);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_its_exact_name_and_only_once() {
        let text = Secret::new([3; 32]).encode();
        assert_eq!(cookie(&format!("a=b; {SESSION_COOKIE}={text}"), SESSION_COOKIE), Some(text.as_str()));
        for bad in [String::new(), format!("x{SESSION_COOKIE}={text}"), format!("{SESSION_COOKIE}={text}; {SESSION_COOKIE}={text}")]
        {
            assert_eq!(cookie(&bad, SESSION_COOKIE), None, "{bad}");
        }
    }
}
