//! The location of a store.

mod redis_url;

use std::{fmt, path::PathBuf, str::FromStr};

pub(crate) use self::redis_url::{Form, RedisUrl};

use crate::{Error, Result};

/// The location of a store, in the syntax of the setting `--store`: `memory:`, `file:PATH`,
/// `redis://…`, `redis+sentinel://…`, `redis+cluster://…`, each of the last three also over TLS
/// (`rediss://…`).
///
/// `Display` and `Debug` hide the password of a Redis URL.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// In this process only: lost when it ends.
    Memory,
    /// In this folder (created with mode 0700), in the file `store.redb`.
    File(PathBuf),
    /// On Redis:
    ///
    /// - one server: `redis://[user:password@]host[:port][/database]`;
    /// - the primary that sentinels name:
    ///   `redis+sentinel://[user:password@]host[:port],…/name[/database]`, where user and password
    ///   are those of the servers, not of the sentinels;
    /// - a Redis Cluster: `redis+cluster://[user:password@]host[:port],…`, where the hosts are some
    ///   of its nodes.
    ///
    /// `rediss` in place of `redis` means TLS. `?ca=PATH` names a PEM file of certificate
    /// authorities that replace those of the system.
    Redis(String),
}

const NO_FOLDER: &str = "file: requires the path of a folder, as in file:./vestibule-data";

const KINDS: &str = "the store must be memory:, file:PATH, redis://HOST:PORT, redis+sentinel://HOST,HOST/NAME or \
                 redis+cluster://HOST,HOST, or the same with rediss for TLS";

impl FromStr for StoreLocation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match scheme {
            "memory" if rest.is_empty() && text.ends_with(':') => Ok(Self::Memory),
            "file" if rest.is_empty() => Err(Error::Location(NO_FOLDER.into())),
            "file" => Ok(Self::File(PathBuf::from(rest))),
            scheme if scheme.starts_with("redis") => {
                RedisUrl::parse(text).map(|_| Self::Redis(text.to_owned()))
            }
            // The text is not repeated: it may contain a password.
            _ => Err(Error::Location(KINDS.into())),
        }
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::File(folder) => write!(f, "file:{}", folder.display()),
            Self::Redis(url) => f.write_str(&redis_url::redacted(url)),
        }
    }
}

impl fmt::Debug for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreLocation({self})")
    }
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
        let authorities = |url: &str| RedisUrl::parse(url).expect("a URL").ca;
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

    #[test]
    fn sentinels_and_clusters_are_parsed() {
        let url = |text: &str| RedisUrl::parse(text).expect(text);
        let host = |name: &str, port| (name.to_owned(), port);
        let sentinel = url("redis+sentinel://me:hu%2Fsh@a,b:1,[::1]/the-name/3");
        assert_eq!(sentinel.form, Form::Sentinel("the-name".to_owned()));
        assert_eq!(
            sentinel.hosts,
            [host("a", 26379), host("b", 1), host("::1", 26379)]
        );
        assert!(!sentinel.tls);
        assert_eq!(sentinel.settings.db(), 3);
        assert_eq!(sentinel.settings.username(), Some("me"));
        assert_eq!(sentinel.settings.password(), Some("hu/sh"));
        let cluster = url("rediss+cluster://:hush@a:7000,b?ca=/etc/ca.pem");
        assert_eq!(cluster.form, Form::Cluster);
        assert_eq!(cluster.hosts, [host("a", 7000), host("b", 6379)]);
        assert!(cluster.tls);
        assert_eq!(cluster.ca, Some("/etc/ca.pem".into()));
        assert_eq!(url("redis://a/2").form, Form::Single);
        for (text, shown) in [
            (
                "redis+sentinel://me:hush@a,b:1/name/3?x=hush",
                "redis+sentinel://me:***@a,b:1/name/3",
            ),
            (
                "rediss+cluster://hush@a:7000,b",
                "rediss+cluster://***@a:7000,b",
            ),
            ("redis+cluster://a,b", "redis+cluster://a,b"),
        ] {
            assert_eq!(parsed(text).to_string(), shown);
        }
    }

    #[test]
    fn faulty_sentinels_and_clusters_are_refused_with_the_remedy() {
        for (text, remedy) in [
            ("redis+sentinel://me:hush@a,b", "/NAME"),
            ("redis+sentinel://a,b/", "/NAME"),
            ("redis+sentinel://a/name/words", "/NAME/DATABASE"),
            ("redis+sentinel://a,,b/name", "between two commas"),
            ("redis+sentinel://a,b:port/name", "HOST:PORT"),
            ("redis+sentinel:///name", "between two commas"),
            ("redis+cluster://:hush@a,b/2", "database 0"),
            ("redis+cluster://a,b:99999", "HOST:PORT"),
            ("redis://me:hush@a,b/0", "redis+cluster://"),
            ("redis+cluster://:hu/sh@a", "percent-encoded"),
            ("redis+cluster://a?ca=/etc/ca.pem", "rediss+cluster://"),
            ("redis+other://:hush@a", "redis+sentinel://"),
        ] {
            let fault = text.parse::<StoreLocation>().expect_err(text).to_string();
            assert!(
                fault.contains(remedy) && !fault.contains("hush"),
                "{text}: {fault}"
            );
        }
    }
}
