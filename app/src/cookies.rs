//! The cookies by which a browser is known.
//!
//! `__Host-` makes browsers insist on `Secure`, on the path and on this host alone. Cookies do not
//! tell ports apart, so other programs on the same host may send any others along: only our own are
//! read.

use std::{borrow::Cow, str, time::Duration};

use oauth::{Digest, Secret};
use provider::{BrowserState, BrowserUpdate, SignInMethod};

/// Binds an authorization request to the browser it was made in.
const BROWSER_COOKIE: &str = "__Host-vestibule-browser";
/// The same secret for half an hour under a name of its own, which no other first answer
/// overwrites: see [`read`].
const FIRST_COOKIE: &str = "__Host-vestibule-browser-";
/// The session of a signed-in user.
const SESSION_COOKIE: &str = "__Host-vestibule-session";
/// How the user last signed in here, so that the page can say so. It proves nothing.
const METHOD_COOKIE: &str = "__Host-vestibule-way";
/// What recovery codes that were just made follow from, until they have been shown.
const CODES_COOKIE: &str = "__Host-vestibule-codes";
const BROWSER_LIFETIME: Duration = Duration::from_hours(400 * 24);
const CODES_LIFETIME: Duration = Duration::from_mins(5);
/// As long as an authorization request waits.
const FIRST_LIFETIME: Duration = Duration::from_mins(30);
/// How many letters of its digest tell one first cookie from another.
const FIRST_NAME_LENGTH: usize = 8;
/// How many secrets of one browser count. Tabs that are restored together bring one each.
const MOST_SECRETS: usize = 32;

/// A cookie for the response.
#[derive(Clone)]
pub struct SetCookie {
    name: Cow<'static, str>,
    value: String,
    lifetime: Duration,
    /// Whether it is for the jar that browsers keep apart for each top-level site (CHIPS).
    partitioned: bool,
}

impl From<&BrowserUpdate> for SetCookie {
    fn from(update: &BrowserUpdate) -> Self {
        match update {
            BrowserUpdate::SessionBegun { secret, lifetime } => {
                Self::new(SESSION_COOKIE, secret.encode(), *lifetime)
            }
            BrowserUpdate::SessionEnded => Self::removal(SESSION_COOKIE),
            BrowserUpdate::SignedInBy(method) => Self::new(
                METHOD_COOKIE,
                method_name(*method).to_owned(),
                BROWSER_LIFETIME,
            ),
            BrowserUpdate::RecoveryCodesMade(secret) => {
                Self::new(CODES_COOKIE, secret.encode(), CODES_LIFETIME)
            }
            BrowserUpdate::RecoveryCodesShown => Self::removal(CODES_COOKIE),
        }
    }
}

impl SetCookie {
    /// The value of the `Set-Cookie` header (RFC 6265 section 4.1).
    pub fn header_value(&self) -> String {
        let partitioned = if self.partitioned {
            "; Partitioned"
        } else {
            ""
        };
        format!(
            "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax{partitioned}",
            self.name,
            self.value,
            self.lifetime.as_secs(),
        )
    }

    /// The two cookies of a new browser.
    fn new_browser(secret: &Secret) -> Vec<Self> {
        let digest = secret.digest();
        let name = format!(
            "{FIRST_COOKIE}{}",
            digest.as_str().get(..FIRST_NAME_LENGTH).unwrap_or_default()
        );
        vec![
            Self::browser(secret),
            Self::new(name, secret.encode(), FIRST_LIFETIME),
        ]
    }

    fn browser(secret: &Secret) -> Self {
        Self::new(BROWSER_COOKIE, secret.encode(), BROWSER_LIFETIME)
    }

    /// Removes every session cookie, in both jars.
    fn sessions_end() -> Vec<Self> {
        let removal = Self::removal(SESSION_COOKIE);
        let partitioned = Self {
            partitioned: true,
            ..removal.clone()
        };
        vec![removal, partitioned]
    }

    fn removal(name: &'static str) -> Self {
        Self::new(name, String::new(), Duration::ZERO)
    }

    fn new(name: impl Into<Cow<'static, str>>, value: String, lifetime: Duration) -> Self {
        Self {
            name: name.into(),
            value,
            lifetime,
            partitioned: false,
        }
    }
}

/// Reads the cookies of a request. `fresh` makes the secret of a browser without one. The second
/// half of the answer holds cookies for the response; they go before any cookie that the request
/// itself leads to.
///
/// A browser without a cookie gets a secret under two names: one that stays, and one of its own for
/// half an hour. The first requests of a browser often come at the same time (two tabs, a
/// prefetch). Each then gets a secret, and the last answer decides which of them stays; what began
/// under another is still this browser's by the second cookie.
pub fn read(cookies: &[u8], fresh: impl FnOnce() -> Secret) -> (BrowserState, Vec<SetCookie>) {
    let lasting = secrets(cookies, |name| name == BROWSER_COOKIE);
    let first = secrets(cookies, |name| name.starts_with(FIRST_COOKIE));
    let mut known = lasting.iter().chain(&first).take(MOST_SECRETS).cloned();
    let secret = known.next().unwrap_or_else(fresh);
    let others = known.collect();
    let mut set = match (lasting.is_empty(), first.is_empty()) {
        (true, true) => SetCookie::new_browser(&secret),
        (true, false) => vec![SetCookie::browser(&secret)],
        (false, _) => Vec::new(),
    };
    // Two different sessions: one was not set by us, and which of them cannot be told. Both end, so
    // that signing in helps.
    let sessions = secrets(cookies, |name| name == SESSION_COOKIE);
    let session = match sessions.as_slice() {
        [] => None,
        [session] => Some(session.clone()),
        _ => {
            set.extend(SetCookie::sessions_end());
            None
        }
    };
    let codes = secrets(cookies, |name| name == CODES_COOKIE);
    let state = BrowserState {
        secret,
        others,
        session,
        recovery_codes: codes.into_iter().next(),
        last_sign_in_method: values(cookies, |name| name == METHOD_COOKIE).find_map(method_of),
    };
    (state, set)
}

/// The session that a `Set-Cookie` header begins.
pub fn session_begun_by(header_value: &str) -> Option<Digest> {
    let value = header_value
        .strip_prefix(SESSION_COOKIE)?
        .strip_prefix('=')?
        .split(';')
        .next()?;
    Secret::decode(value).map(|secret| secret.digest())
}

/// How a sign-in method is spelled in its cookie.
const fn method_name(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::Passkey => "passkey",
        SignInMethod::Password => "password",
    }
}

fn method_of(text: &str) -> Option<SignInMethod> {
    [SignInMethod::Passkey, SignInMethod::Password]
        .into_iter()
        .find(|method| method_name(*method) == text)
}

/// The values of cookies, each once, that are secrets of our making; in the order in which they
/// came.
fn secrets(cookies: &[u8], is_meant: impl Fn(&str) -> bool) -> Vec<Secret> {
    let mut found = Vec::new();
    for secret in values(cookies, is_meant).filter_map(Secret::decode) {
        if found.len() < MOST_SECRETS && !found.contains(&secret) {
            found.push(secret);
        }
    }
    found
}

/// The values of cookies. Those of other programs may hold any bytes (RFC 6265 section 5.4 sends
/// what was stored).
fn values(cookies: &[u8], is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    let pairs = cookies
        .split(|byte| *byte == b';')
        .filter_map(|pair| str::from_utf8(pair).ok()?.trim().split_once('='));
    pairs
        .filter(move |(name, _)| is_meant(name))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_its_exact_name_whatever_comes_along() {
        let read = |header: &[u8]| secrets(header, |name| name == SESSION_COOKIE);
        let (secret, other) = (Secret::new([3; 32]), Secret::new([4; 32]));
        let (own, others) = (
            format!("{SESSION_COOKIE}={}", secret.encode()),
            format!("{SESSION_COOKIE}={}", other.encode()),
        );
        for good in [
            own.clone(),
            format!("a=b; {own}"),
            format!("user=Zo\u{eb}; {own}"),
            format!("{own};{own}"),
            format!("{SESSION_COOKIE}=x; {SESSION_COOKIE}; ; =; {own}"),
        ] {
            assert_eq!(
                read(good.as_bytes()),
                std::slice::from_ref(&secret),
                "{good}"
            );
        }
        let latin = [b"user=Zo\xeb; ", own.as_bytes(), b"; \xff\xfe=\x80"].concat();
        assert_eq!(read(&latin), std::slice::from_ref(&secret));
        assert_eq!(read(format!("{own}; {others}").as_bytes()), [secret, other]);
        for bad in [
            String::new(),
            format!("x{own}"),
            format!("{SESSION_COOKIE}x={own}"),
            own.replacen('=', "==", 1),
        ] {
            assert_eq!(read(bad.as_bytes()), [], "{bad}");
        }
    }
}
