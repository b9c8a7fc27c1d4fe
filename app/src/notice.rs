//! What a form's answer leaves for the page it leads back to: one message, and the address that was typed.
//!
//! It travels in a cookie of a minute, and not in the URL, so that nobody can put words into our pages with a link.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::words::Message;

const COOKIE: &str = "__Host-vestibule-notice";
/// Longest address that is given back: longer ones are no e-mail addresses (RFC 5321 4.5.3.1).
const EMAIL_LENGTH: usize = 254;

/// A message to be shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// What to say.
    pub(crate) message: Message,
    /// What the box "Email" held. Never a password.
    #[serde(default)]
    pub(crate) email: String,
}

impl Notice {
    /// The `Set-Cookie` value that carries it.
    pub(crate) fn set_cookie(&self) -> String {
        let kept = Self { email: self.email.chars().take(EMAIL_LENGTH).collect(), ..self.clone() };
        let value = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&kept).unwrap_or_default());
        format!("{COOKIE}={value}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax")
    }

    /// The `Set-Cookie` value that ends it.
    pub(crate) fn clear_cookie() -> String {
        format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
    }

    /// Reads it from one `Cookie` header; whatever is not a notice is none.
    pub(crate) fn from_cookies(header: &str) -> Option<Self> {
        let value = header.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(notice: &Notice) -> Option<Notice> {
        let set = notice.set_cookie();
        let pair = set.split(';').next().expect("a first part");
        Notice::from_cookies(&format!("a=b; {pair}; __Host-vestibule-browser=x"))
    }

    #[test]
    fn a_notice_survives_its_cookie() {
        for email in ["", "alice@example.com", "a;b=\"c\", d@\u{fc}\r\n"] {
            let notice = Notice { message: Message::TooManyAttempts { minutes: 3 }, email: email.into() };
            assert_eq!(round_trip(&notice), Some(notice));
        }
    }

    #[test]
    fn the_cookie_is_short_lived_and_hidden_from_script() {
        let cookie = Notice { message: Message::WrongCredentials, email: "x".repeat(5_000) }.set_cookie();
        for part in ["; Path=/", "; Max-Age=60", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(part));
        }
        assert!(cookie.len() < 1_000);
    }

    #[test]
    fn other_cookies_are_no_notice() {
        for header in ["", "a=b", "__Host-vestibule-notice=", "__Host-vestibule-notice=%%", "__Host-vestibule-noticex=e30"] {
            assert_eq!(Notice::from_cookies(header), None);
        }
    }
}
