//! The parts of a Redis URL.

use std::path::PathBuf;

use redis::{IntoConnectionInfo as _, RedisConnectionInfo};

use crate::{Error, Result};

/// What the hosts of a URL are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One server.
    Single,
    /// Sentinels, which know the primary by this name.
    Sentinel(String),
    /// Nodes of a Redis Cluster.
    Cluster,
}

/// A Redis URL, taken apart.
pub(crate) struct RedisUrl {
    pub(crate) form: Form,
    pub(crate) tls: bool,
    /// At least one host, with its port.
    pub(crate) hosts: Vec<(String, u16)>,
    /// User, password and database of the servers that hold the data.
    pub(crate) settings: RedisConnectionInfo,
    /// The file of certificate authorities, from `?ca=PATH`.
    pub(crate) ca: Option<PathBuf>,
}

/// The parts of the text, not yet understood.
struct Parts<'a> {
    scheme: &'a str,
    /// User and password, with the `@`.
    secret: &'a str,
    hosts: &'a str,
    /// Without the first slash.
    path: &'a str,
    /// With the question mark.
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (rest, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (secret, hosts) = host.split_at(host.rfind('@').map_or(0, |at| at + 1));
        Some(Self {
            scheme,
            secret,
            hosts,
            path,
            query,
        })
    }
}

fn fault<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::Location(what.into()))
}

impl RedisUrl {
    /// Accepts what the Redis client accepts, with a host; and the two forms with several hosts.
    /// Errors do not repeat the text, which may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if is_cut_short(text) {
            return fault(
                "not a Redis URL: the user name or password has a character that must be percent-encoded there, such as %2F for a \
                 slash, %3F for a question mark, %23 for a hash sign, %25 for a percent sign",
            );
        }
        let Some(parts) = Parts::of(text) else {
            return fault("not a Redis URL; one looks like redis://localhost:6379/0");
        };
        let (base, kind) = parts.scheme.split_once('+').unwrap_or((parts.scheme, ""));
        let tls = match base {
            "redis" => false,
            "rediss" => true,
            _ => return fault("a Redis URL starts with redis:// or rediss://"),
        };
        let (form, database, port) = form(kind, parts.path)?;
        let hosts = hosts(&parts, base, &form, port)?;
        let (settings, ca) = first(&parts, base, &database)?;
        if ca.is_some() && !tls {
            let scheme = parts.scheme.replacen("redis", "rediss", 1);
            return fault(format!("ca requires TLS: use {scheme}://"));
        }
        Ok(Self {
            form,
            tls,
            hosts,
            settings,
            ca,
        })
    }
}

/// The form, the path of the database, and the port of hosts without one.
fn form(kind: &str, path: &str) -> Result<(Form, String, u16)> {
    match kind {
        "" => Ok((Form::Single, path.to_owned(), 6379)),
        "cluster" if ["", "0"].contains(&path) => Ok((Form::Cluster, String::new(), 6379)),
        "cluster" => fault("a Redis Cluster has only database 0; remove the path"),
        "sentinel" => {
            let (name, database) = path.split_once('/').unwrap_or((path, "0"));
            if name.is_empty() || database.parse::<u32>().is_err() {
                return fault(
                    "Sentinel requires the name of the primary: redis+sentinel://HOST,HOST/NAME or /NAME/DATABASE",
                );
            }
            Ok((Form::Sentinel(name.to_owned()), database.to_owned(), 26379))
        }
        _ => fault(
            "a Redis URL starts with redis://, redis+sentinel:// or redis+cluster://, or the same with rediss",
        ),
    }
}

fn hosts(parts: &Parts<'_>, base: &str, form: &Form, port: u16) -> Result<Vec<(String, u16)>> {
    if *form == Form::Single && parts.hosts.contains(',') {
        return fault(
            "several hosts require Sentinel or a cluster: redis+sentinel://HOST,HOST/NAME or redis+cluster://HOST,HOST",
        );
    }
    parts
        .hosts
        .split(',')
        .map(|host| {
            if host.is_empty() && *form != Form::Single {
                return fault("a host is missing between two commas, or the hosts are missing");
            }
            let url = redis::parse_redis_url(&format!("{base}://{host}"));
            let Some((url, name)) = url.as_ref().and_then(|url| Some((url, url.host_str()?)))
            else {
                return fault(format!(
                    "not a Redis URL; a host is HOST:PORT, as in {base}://localhost:6379/0"
                ));
            };
            let name = name.trim_matches(['[', ']']).to_owned();
            Ok((name, url.port().unwrap_or(port)))
        })
        .collect()
}

/// The settings, as the Redis client reads them from a URL with the first host alone.
fn first(
    parts: &Parts<'_>,
    base: &str,
    database: &str,
) -> Result<(RedisConnectionInfo, Option<PathBuf>)> {
    let host = parts.hosts.split(',').next().unwrap_or_default();
    let Parts { secret, query, .. } = parts;
    let url = redis::parse_redis_url(&format!("{base}://{secret}{host}/{database}{query}"));
    let Some(url) = url else {
        return fault(format!(
            "not a Redis URL; one looks like {base}://localhost:6379/0"
        ));
    };
    let mut pairs = url.query_pairs();
    let ca = pairs.find(|(name, _)| name == "ca");
    let ca = ca.map(|(_, path)| PathBuf::from(path.as_ref()));
    match url.into_connection_info() {
        Ok(info) => Ok((info.redis_settings().clone(), ca)),
        Err(why) => fault(format!("unsupported Redis URL: {why}")),
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

/// The URL without its password and its query, and without a user name alone, since that may be a
/// misplaced password.
pub(super) fn redacted(url: &str) -> String {
    let hidden = || "redis://***".to_owned();
    if RedisUrl::parse(url).is_err() {
        return hidden();
    }
    let Some(parts) = Parts::of(url) else {
        return hidden();
    };
    let secret = match parts.secret.split_once(':') {
        _ if parts.secret.is_empty() => String::new(),
        Some((user, _)) => format!("{user}:***@"),
        None => "***@".to_owned(),
    };
    let slash = if parts.path.is_empty() { "" } else { "/" };
    let Parts {
        scheme,
        hosts,
        path,
        ..
    } = parts;
    format!("{scheme}://{secret}{hosts}{slash}{path}")
}
