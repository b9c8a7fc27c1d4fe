//! What a form's answer leaves for the page it leads back to: one message, the address or the name
//! that was typed, and what is to be shown this once.
//!
//! It travels in a cookie of a minute, and not in the URL, so that a link cannot
//! put text into a page.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::messages::Message;

const COOKIE: &str = "__Host-vestibule-notice";
/// Longest address that is given back: longer ones are no e-mail addresses (RFC 5321 4.5.3.1).
const EMAIL_LENGTH: usize = 254;

/// A message to be shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flash<M = Message> {
    /// What to say.
    pub(crate) message: M,
    /// What the box held that it is about: "Email", or "Name". Never a password.
    #[serde(default)]
    pub(crate) email: String,
    /// What an administrator has just made, and sees this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<OneTimeSecret>,
}

/// A one-time link, or the secret of a client. Its Debug does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OneTimeSecret(pub(crate) String);

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OneTimeSecret")
    }
}

impl Flash {
    /// The message, and what the box held, of what a form may have left.
    pub(crate) fn parts(flash: Option<Self>) -> (Option<Message>, String) {
        flash.map_or((None, String::new()), |flash| {
            (Some(flash.message), flash.email)
        })
    }
}

impl<M: Serialize> Flash<M> {
    /// The `Set-Cookie` value that carries it.
    pub(crate) fn set_cookie(&self) -> String {
        let email = self.email.chars().take(EMAIL_LENGTH).collect();
        let kept = Flash {
            message: &self.message,
            email,
            secret: self.secret.clone(),
        };
        let value = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&kept).unwrap_or_default());
        format!("{COOKIE}={value}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax")
    }
}

impl<M: DeserializeOwned> Flash<M> {
    /// Reads it from one `Cookie` header; `None` if there is no valid one.
    pub(crate) fn from_cookies(header: &[u8]) -> Option<Self> {
        let own = |pair: &[u8]| {
            pair.trim_ascii()
                .strip_prefix(COOKIE.as_bytes())?
                .strip_prefix(b"=")
                .map(<[u8]>::to_owned)
        };
        let read =
            |value: Vec<u8>| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok();
        header
            .split(|byte| *byte == b';')
            .filter_map(own)
            .find_map(read)
    }
}

/// The `Set-Cookie` value that ends it.
pub(crate) fn clear_cookie() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::messages::Done,
        admin::flash::{Attempt, Fault, FlashMessage},
    };

    fn round_trip<M: Serialize + DeserializeOwned>(flash: &Flash<M>) -> Option<Flash<M>> {
        let set = flash.set_cookie();
        let pair = set.split(';').next().expect("a first part");
        Flash::from_cookies(format!("a=Zo\u{eb}; {pair}; __Host-vestibule-browser=x").as_bytes())
    }

    #[test]
    fn a_notice_survives_its_cookie() {
        for email in ["", "alice@example.com", "a;b=\"c\", d@\u{fc}\r\n"] {
            let flash = Flash {
                message: Message::TooManyAttempts { minutes: 3 },
                email: email.into(),
                secret: None,
            };
            assert_eq!(round_trip(&flash), Some(flash));
        }
        let secret = Some(OneTimeSecret(
            "https://auth.example.com/enroll/x".to_owned(),
        ));
        let flash = Flash {
            message: FlashMessage::LinkMade {
                outcome: "a@b was invited.".to_owned(),
                email: "a@b".to_owned(),
            },
            email: String::new(),
            secret,
        };
        assert_eq!(round_trip(&flash).as_ref(), Some(&flash));
        assert!(!format!("{flash:?}").contains("enroll"), "it is a secret");
    }

    #[test]
    fn a_notice_for_another_page_stays_for_it() {
        let flash = Flash {
            message: FlashMessage::done("Signing key rotated."),
            email: String::new(),
            secret: None,
        };
        let set = flash.set_cookie();
        let pair = set.split(';').next().expect("a first part");
        assert_eq!(Flash::<Message>::from_cookies(pair.as_bytes()), None);
        assert_eq!(
            Flash::<FlashMessage>::from_cookies(pair.as_bytes()),
            Some(flash)
        );
    }

    #[test]
    fn what_was_done_is_told_on_the_account_page_alone() {
        for &done in Done::ALL {
            let flash = Flash {
                message: done,
                email: String::new(),
                secret: None,
            };
            let set = flash.set_cookie();
            let pair = set.split(';').next().expect("a first part");
            assert_eq!(
                Flash::<Message>::from_cookies(pair.as_bytes()),
                None,
                "{done:?}"
            );
            assert_eq!(
                Flash::<FlashMessage>::from_cookies(pair.as_bytes()),
                None,
                "{done:?}"
            );
            assert_eq!(Flash::<Done>::from_cookies(pair.as_bytes()), Some(flash));
            assert!(done.text().ends_with('.'));
        }
    }

    #[test]
    fn no_browser_finds_the_cookie_too_long() {
        for letter in ["x", "\"", "\\", "\u{1f980}", "\u{1}"] {
            let long = letter.repeat(10_000);
            let attempts = [
                Attempt::invite(&long, &long),
                Attempt::add_client(&long, &long, true),
                Attempt::add_client(&long, &"\n".repeat(500), true),
                Attempt::block_host(&long),
            ];
            for attempt in attempts {
                let message = FlashMessage::Refused {
                    attempt,
                    why: Fault::said(&long),
                };
                let length = Flash {
                    message,
                    email: String::new(),
                    secret: None,
                }
                .set_cookie()
                .len();
                assert!(length < 4_000, "{length} bytes of {letter:?}");
            }
        }
    }

    #[test]
    fn the_cookie_is_short_lived_and_hidden_from_script() {
        let cookie = Flash {
            message: Message::WrongCredentials,
            email: "x".repeat(5_000),
            secret: None,
        }
        .set_cookie();
        for part in [
            "; Path=/",
            "; Max-Age=60",
            "; Secure",
            "; HttpOnly",
            "; SameSite=Lax",
        ] {
            assert!(cookie.contains(part));
        }
        assert!(cookie.len() < 1_000);
    }

    #[test]
    fn other_cookies_are_no_notice() {
        for header in [
            "",
            "a=b",
            "__Host-vestibule-notice=",
            "__Host-vestibule-notice=%%",
            "__Host-vestibule-noticex=e30",
        ] {
            assert_eq!(Flash::<Message>::from_cookies(header.as_bytes()), None);
        }
    }
}
