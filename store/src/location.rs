//! The location of a store.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::{Error, Result};

/// The location of a store, in the syntax of the setting `--store`: `memory:`, `file:PATH`,
/// `redis://…`, `rediss://…`.
///
/// `Display` and `Debug` hide the password of a Redis URL.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// In this process only: lost when it ends.
    Memory,
    /// In this folder (created with mode 0700), in the file `store.redb`.
    File(PathBuf),
    /// On a Redis server: `redis://[user:password@]host[:port][/database]`, or `rediss://…` over
    /// TLS. `?ca=PATH` names a PEM file of certificate authorities that replace those of the
    /// system.
    Redis(String),
}

impl FromStr for StoreLocation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match scheme {
            "memory" if rest.is_empty() && text.ends_with(':') => Ok(Self::Memory),
            "file" if rest.is_empty() => Err(Error::Location(
                "file: needs the path of a folder, as in file:./vestibule-data".into(),
            )),
            "file" => Ok(Self::File(PathBuf::from(rest))),
            "redis" | "rediss" => redis_url(scheme, text),
            // The text is not repeated: it may contain a password.
            _ => Err(Error::Location(
                "a store is one of memory:, file:PATH, redis://HOST:PORT, rediss://HOST:PORT"
                    .into(),
            )),
        }
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::File(folder) => write!(f, "file:{}", folder.display()),
            Self::Redis(url) => f.write_str(&redacted(url)),
        }
    }
}

impl fmt::Debug for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreLocation({self})")
    }
}

/// Accepts what the Redis client accepts, with a host.
fn redis_url(scheme: &str, text: &str) -> Result<StoreLocation> {
    let fault = |what: &str| Err(Error::Location(what.to_owned()));
    if is_cut_short(text) {
        return fault(
            "not a Redis URL: the user name or password has a character that must be percent-encoded there, such as %2F for a \
             slash, %3F for a question mark, %23 for a hash sign, %25 for a percent sign",
        );
    }
    if scheme == "redis" && authorities(text).is_some() {
        return fault(
            "ca names the certificate authorities of a TLS connection, which begins with rediss://",
        );
    }
    let url = redis::parse_redis_url(text)
        .filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
    match url.map(redis::IntoConnectionInfo::into_connection_info) {
        Some(Ok(_)) => Ok(StoreLocation::Redis(text.to_owned())),
        Some(Err(fault)) => Err(Error::Location(format!(
            "not a Redis URL that works here: {fault}"
        ))),
        None => Err(Error::Location(format!(
            "not a Redis URL; one looks like {scheme}://localhost:6379/0"
        ))),
    }
}

/// Whether an unencoded character in the user name or password ends the host part early, so that an
/// @ follows a slash, a question mark or a hash sign. The rest would otherwise be parsed as the
/// host, and shown. An invalid percent-encoding counts as well.
fn is_cut_short(text: &str) -> bool {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let (host, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let secret = host.rsplit_once('@').map_or("", |(secret, _)| secret);
    let is_encoded = |part: &str| {
        part.get(..2)
            .is_some_and(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    after.contains('@') || secret.split('%').skip(1).any(|part| !is_encoded(part))
}

/// The file of certificate authorities in a Redis URL, as `?ca=PATH`.
pub(crate) fn authorities(url: &str) -> Option<PathBuf> {
    let parsed = redis::parse_redis_url(url)?;
    let mut pairs = parsed.query_pairs();
    pairs
        .find(|(name, _)| name == "ca")
        .map(|(_, path)| PathBuf::from(path.as_ref()))
}

/// The URL without its password, and without a user name alone, since that may be a misplaced
/// password.
fn redacted(url: &str) -> String {
    let Some(mut parsed) = redis::parse_redis_url(url) else {
        return "redis://***".to_owned();
    };
    let hidden = match (parsed.username().is_empty(), parsed.password()) {
        (_, Some(_)) => parsed.set_password(Some("***")),
        (false, None) => parsed.set_username("***"),
        (true, None) => Ok(()),
    };
    parsed.set_query(None);
    hidden.map_or_else(|()| "redis://***".to_owned(), |()| parsed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> StoreLocation {
        text.parse().expect("a location")
    }

    #[test]
    fn locations_are_parsed_and_displayed() {
        assert_eq!(parsed("memory:"), StoreLocation::Memory);
        assert_eq!(parsed("file:./data"), StoreLocation::File("./data".into()));
        assert_eq!(
            parsed("file:/var/lib/a b:c"),
            StoreLocation::File("/var/lib/a b:c".into())
        );
        assert_eq!(
            parsed("redis://localhost:6379/2"),
            StoreLocation::Redis("redis://localhost:6379/2".into())
        );
        assert_eq!(
            parsed("rediss://[::1]:6380"),
            StoreLocation::Redis("rediss://[::1]:6380".into())
        );
        for text in ["memory:", "file:./data", "redis://localhost:6379/2"] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_and_not_repeated() {
        for text in [
            "",
            "memory",
            "memory:x",
            "file",
            "file:",
            "redis:",
            "redis://",
            "redis:///0",
            "redis://h/words",
            "reds://a:hush@h",
            "/path",
        ] {
            let fault = text.parse::<StoreLocation>().expect_err(text);
            assert!(matches!(fault, Error::Location(_)), "{text}: {fault}");
            assert!(!fault.to_string().contains("hush"), "{fault}");
        }
    }

    #[test]
    fn an_unencoded_password_is_refused_with_the_remedy() {
        for text in [
            "redis://:hu/sh@h",
            "redis://me:hush?x@h",
            "redis://me:hush#@h:6379/0",
            "rediss://:12/hush@h",
            "redis://hush?x@h",
            "redis://:hush%@h",
            "redis://:%zzhush@h",
            "redis://:hush%2@h",
        ] {
            let fault = text.parse::<StoreLocation>().expect_err(text).to_string();
            assert!(
                fault.contains("percent-encoded") && !fault.contains("hush"),
                "{text}: {fault}"
            );
        }
        for text in [
            "redis://:hu%2Fsh%25%3f@h",
            "redis://me:a@b@h:1/0",
            "redis://h/0?protocol=resp3",
        ] {
            assert!(text.parse::<StoreLocation>().is_ok(), "{text}");
        }
    }

    #[test]
    fn authorities_are_for_tls() {
        assert_eq!(
            authorities("rediss://h:1/0?ca=/etc/a%20b.pem"),
            Some("/etc/a b.pem".into())
        );
        assert_eq!(authorities("rediss://h:1/0"), None);
        let location = parsed("rediss://me:hush@h:1/0?ca=/etc/ca.pem");
        assert_eq!(location.to_string(), "rediss://me:***@h:1/0");
        assert!(
            "redis://h?ca=/etc/ca.pem"
                .parse::<StoreLocation>()
                .is_err_and(|fault| fault.to_string().contains("rediss://"))
        );
    }

    #[test]
    fn passwords_are_not_shown() {
        for url in [
            "redis://:hush@h",
            "redis://me:hush@h:1/0",
            "rediss://hush@h",
            "redis://me:hush@h?password=hush",
            "redis://me:hush@:x",
        ] {
            let location = StoreLocation::Redis(url.into());
            assert!(
                !format!("{location} {location:?}").contains("hush"),
                "{location}"
            );
        }
        assert_eq!(
            parsed("redis://me:hush@h:1/0").to_string(),
            "redis://me:***@h:1/0"
        );
    }
}
