//! The person's browser, as two cookies describe it.

use std::{net::IpAddr, time::Duration};

use oauth::Secret;

use crate::Provider;

/// Binds an authorization request to the browser it was made in.
const BROWSER_COOKIE: &str = "__Host-vestibule-browser";
/// The session of a signed-in person.
const SESSION_COOKIE: &str = "__Host-vestibule-session";
const BROWSER_LIFETIME: Duration = Duration::from_hours(400 * 24);

/// A browser at the door. It always has a browser secret; a session secret proves nothing until it was looked up.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub(crate) browser: Secret,
    pub(crate) session: Option<Secret>,
    pub(crate) address: IpAddr,
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
}

impl Provider {
    /// Reads the cookies of a request. A browser that comes without its cookie gets one, to be added to the response.
    pub fn visitor(&self, cookie_header: Option<&str>, address: IpAddr) -> (Visitor, Option<SetCookie>) {
        let cookie = |name| cookie_header.and_then(|header| secret_cookie(header, name));
        let session = cookie(SESSION_COOKIE);
        if let Some(browser) = cookie(BROWSER_COOKIE) {
            return (Visitor { browser, session, address }, None);
        }
        let browser = self.entropy().secret();
        let set = SetCookie { name: BROWSER_COOKIE, value: browser.encode(), lifetime: BROWSER_LIFETIME };
        (Visitor { browser, session, address }, Some(set))
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
    fn form_token(&self) -> Secret {
        self.session.as_ref().unwrap_or(&self.browser).derive("form token", b"")
    }
}

/// The secret in a cookie. A name that comes twice is refused: one of the two was not set by us.
fn secret_cookie(header: &str, name: &str) -> Option<Secret> {
    let mut values =
        header.split(';').filter_map(|pair| pair.trim().split_once('=')).filter(|(own, _)| *own == name).map(|(_, value)| value);
    let first = values.next()?;
    if values.next().is_some() { None } else { Secret::decode(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_its_exact_name_and_only_once() {
        let text = Secret::new([3; 32]).encode();
        assert!(secret_cookie(&format!("a=b; {SESSION_COOKIE}={text}"), SESSION_COOKIE).is_some());
        for bad in [
            String::new(),
            format!("x{SESSION_COOKIE}={text}"),
            format!("{SESSION_COOKIE}={text}x"),
            format!("{SESSION_COOKIE}={text}; {SESSION_COOKIE}={text}"),
        ] {
            assert!(secret_cookie(&bad, SESSION_COOKIE).is_none(), "{bad}");
        }
    }
}
