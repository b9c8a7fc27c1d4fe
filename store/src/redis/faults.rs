//! Errors of Redis: whether the command had an effect, and the remedy.

use redis::{RedisError, Value};

use crate::Error;

/// Errors with which a server refuses a command entirely because it does not accept writes, or not
/// yet, or not safely: a former primary after a failover, one without its replicas, one that has
/// just started.
const NOT_HERE: [&str; 6] = [
    "READONLY",
    "MASTERDOWN",
    "LOADING",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOREPLICAS",
];

/// The code of all errors without a specific code.
const UNSPECIFIC: &str = "ERR";

const CLUSTER: &str = "The server is a node of a Redis Cluster, which holds only a part of the keys. Use a Redis server that is not in \
                       cluster mode (cluster-enabled no)";
const REPLICA: &str = "The server is a replica, which cannot be written to. Let the address of the store lead to the primary";

/// Remedies for common errors.
const CURES: [(&str, &str); 13] = [
    ("READONLY", REPLICA),
    (
        "MASTERDOWN",
        "The server is a replica that has lost its primary. Let the address of the store lead to the primary",
    ),
    (
        "LOADING",
        "The server is still reading its data from disk. Wait until it has",
    ),
    ("CLUSTERDOWN", CLUSTER),
    ("MOVED", CLUSTER),
    ("ASK", CLUSTER),
    ("CROSSSLOT", CLUSTER),
    (
        "OOM",
        "Its memory is full (maxmemory), so nothing can be written. Raise maxmemory, or remove what else is in it",
    ),
    (
        "MISCONF",
        "It cannot save to its disk, so it takes no writes. Look for the reason in its log",
    ),
    (
        "NOREPLICAS",
        "Too few replicas are connected (min-replicas-to-write). Look why, or lower that number",
    ),
    (
        "NOPERM",
        "Its user lacks a right. Vestibule needs ~vestibule:* and +get +mget +set +getdel +del +incr +pexpire +zadd +zrem +zrangebylex \
         +eval +evalsha +script|load +ping (docs/STORAGE.md)",
    ),
    (
        "NOAUTH",
        "It wants a password. Name it in the address of the store",
    ),
    (
        "UNKNOWN",
        "The server lacks a command that Vestibule needs: Redis 6.2 or newer has all of them",
    ),
];

/// Whether the server says that it did nothing, and a repetition may succeed, there or on another
/// server.
pub(super) fn nothing_was_done(fault: &RedisError) -> bool {
    NOT_HERE.contains(&answer(fault).as_str())
}

/// The messages of the client crate contain neither keys, values nor the password.
#[expect(clippy::needless_pass_by_value, reason = "reads as a path in map_err")]
pub(super) fn unavailable(fault: RedisError) -> Error {
    let answer = answer(&fault);
    let cure = CURES
        .iter()
        .find(|(code, _)| *code == answer)
        .map_or("", |(_, cure)| cure);
    let stop = if cure.is_empty() { "" } else { ". " };
    Error::Unavailable(format!("Redis: {fault}{stop}{cure}"))
}

/// The error of a failed connection, with a remedy if known.
pub(super) fn explained(fault: RedisError) -> Error {
    let text = fault.to_string();
    let remedy = if text.contains("UnknownIssuer") {
        "; if its certificate comes from an authority of your own, name the authority's PEM file as rediss://HOST:PORT?ca=FILE"
    } else if matches!(fault.code(), Some("WRONGPASS" | "NOAUTH"))
        || fault.kind() == redis::ErrorKind::AuthenticationFailed
    {
        "; user and password stand in the URL, as redis://USER:PASSWORD@HOST:PORT, each percent-encoded"
    } else {
        return unavailable(fault);
    };
    Error::Unavailable(format!("Redis: {text}{remedy}"))
}

/// Why a server that accepts writes is still unsuitable, by its greeting (`HELLO`).
pub(super) fn misplaced(greeting: &Value) -> Option<&'static str> {
    let told = |name: &str| {
        let Value::Map(members) = greeting else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| text(key).as_deref() == Some(name))
            .and_then(|(_, value)| text(value))
    };
    match (told("mode").as_deref(), told("role").as_deref()) {
        (Some("cluster"), _) => Some(CLUSTER),
        (_, Some("replica" | "slave")) => Some(REPLICA),
        _ => None,
    }
}

/// The code of an error. When a command in a script is refused, Redis 7 returns that command's
/// code; Redis 6 has it only in the message of the script error.
fn answer(fault: &RedisError) -> String {
    let said = fault.detail().unwrap_or_default();
    let code = fault.code().unwrap_or_default();
    if code != UNSPECIFIC {
        return code.to_owned();
    }
    let in_script = CURES
        .iter()
        .map(|(code, _)| *code)
        .find(|code| said.contains(&format!(": -{code} ")));
    match in_script {
        Some(code) => code.to_owned(),
        None if said.contains("unknown command") => "UNKNOWN".to_owned(),
        None if said.contains("ACL failure") || said.contains("can't run this command") => {
            "NOPERM".to_owned()
        }
        None => code.to_owned(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}
