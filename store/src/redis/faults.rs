//! What Redis answers when it cannot do its work: whether anything was done, and what cures it.

use redis::{RedisError, Value};

use crate::Error;

/// Answers with which a server refuses a command whole because it is not the one to write to, or
/// not yet, or not safely: an old primary after a failover, one that is cut off from its replicas,
/// one that has just started.
const NOT_HERE: [&str; 6] = [
    "READONLY",
    "MASTERDOWN",
    "LOADING",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOREPLICAS",
];

/// The code of every answer that has none of its own.
const UNSPECIFIC: &str = "ERR";

const CLUSTER: &str = "The server is a node of a Redis Cluster, which holds only a part of the keys. Use a Redis server that is not in \
                       cluster mode (cluster-enabled no)";
const REPLICA: &str = "The server is a replica, which cannot be written to. Let the address of the store lead to the primary";

/// What cures the answers that people run into.
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
        "Its user lacks a right. Vestibule needs ~vestibule:* and +get +set +getdel +del +incr +pexpire +zadd +zrem +zrangebylex \
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

/// Whether the server says that it did nothing, and another one, or the same one later, may.
pub(super) fn nothing_was_done(fault: &RedisError) -> bool {
    NOT_HERE.contains(&answer(fault).as_str())
}

/// The client's messages name neither keys, values nor the password.
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

/// Why no connection comes about, with what helps where that is known.
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

/// What is wrong with a server that writes, but is not one to keep a store in: by its greeting
/// (`HELLO`).
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

/// The code of an answer. Where a command in a script was refused, Redis 7 answers as that command
/// would; Redis 6 says so in the words of an error of the script.
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
