//! Errors of Redis: whether the command had an effect, and the remedy.

use redis::{ErrorKind, RedisError, Value};

use crate::Error;

/// Errors with which a server refuses a command entirely because it does not accept writes, or not
/// yet, or not safely: a former primary after a failover, one without its replicas, one that has
/// just started.
const NOT_HERE: [&str; 4] = ["READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS"];

/// Errors with which the nodes of a cluster refuse a command entirely for the moment.
const LATER: [&str; 2] = ["CLUSTERDOWN", "TRYAGAIN"];

/// The code of all errors without a specific code.
const UNSPECIFIC: &str = "ERR";

const CLUSTER: &str = "The server is a node of a Redis Cluster, which has only a part of the keys. Set store to redis+cluster://HOST,HOST, or use a \
         Redis server that is not in cluster mode (cluster-enabled no)";
const REPLICA: &str = "The server is a read-only replica. Set store to the address of the primary";

/// Remedies for common errors.
const CURES: [(&str, &str); 13] = [
    ("READONLY", REPLICA),
    (
        "MASTERDOWN",
        "The server is a replica that has lost its primary. Set store to the address of the primary",
    ),
    (
        "LOADING",
        "The server is still loading its data from disk. Wait until it is done",
    ),
    ("CLUSTERDOWN", CLUSTER),
    ("MOVED", CLUSTER),
    ("ASK", CLUSTER),
    ("CROSSSLOT", CLUSTER),
    (
        "OOM",
        "The memory of the server is full (maxmemory). Raise maxmemory, or remove other data",
    ),
    (
        "MISCONF",
        "The server cannot save to disk and refuses writes. Check its log",
    ),
    (
        "NOREPLICAS",
        "Too few replicas are connected (min-replicas-to-write). Check the replicas, or lower that number",
    ),
    (
        "NOPERM",
        "The Redis user lacks a permission. Vestibule needs ~vestibule:* (or the prefix in [redis]) and +get +mget +set +getdel +del +incrby +pexpire +zadd +zrem \
         +zrangebylex +eval +evalsha +ping (docs/STORAGE.md)",
    ),
    (
        "NOAUTH",
        "The server requires a password. Add it to the store URL or to [redis]",
    ),
    (
        "UNKNOWN",
        "The server lacks a command that Vestibule needs. Use Redis 6.2 or newer",
    ),
];

/// What an error says about the command.
pub(super) enum Verdict {
    /// Nothing was done. Another server has the key, for the next command alone if `asking`.
    Redirected { to: String, asking: bool },
    /// Nothing was done, and the same server may do it soon.
    Later,
    /// Nothing was done. Another server, or the same one later, may do it.
    NotHere,
    /// The connection is lost, or the answer is late.
    Lost,
    /// No server can be found at the moment.
    NoServer,
    /// It would fail again.
    Final,
}

pub(super) fn verdict(fault: &RedisError) -> Verdict {
    let code = answer(fault);
    if let Some((to, _)) = fault.redirect_node() {
        let asking = code == "ASK";
        let to = to.to_owned();
        return Verdict::Redirected { to, asking };
    }
    if NOT_HERE.contains(&code.as_str()) {
        return Verdict::NotHere;
    }
    if LATER.contains(&code.as_str()) {
        return Verdict::Later;
    }
    match fault.kind() {
        ErrorKind::Io | ErrorKind::Parse => Verdict::Lost,
        ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::Client => Verdict::NoServer,
        _ => Verdict::Final,
    }
}

/// Whether a server knows no script by this hash. It has done nothing.
pub(super) fn is_unknown_script(fault: &RedisError) -> bool {
    fault.code() == Some("NOSCRIPT")
}

/// Whether a server runs no scripts, so that a script did nothing.
pub(super) fn has_no_scripts(fault: &RedisError) -> bool {
    let said = fault.detail().unwrap_or_default().to_lowercase();
    answer(fault) == "UNKNOWN" || said.contains("lua") && said.contains("disabled")
}

/// Whether a server does not know an option of a command. It has done nothing.
pub(super) fn is_unknown_option(fault: &RedisError) -> bool {
    let said = fault.detail().unwrap_or_default();
    fault.code() == Some(UNSPECIFIC) && said.contains("syntax error")
}

/// Whether the answer to `ROLE` is that of a primary.
pub(super) fn is_primary(role: &Value) -> bool {
    matches!(role, Value::Array(members) if members.first().and_then(text).as_deref() == Some("master"))
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

/// Whether the server does not accept user and password.
fn is_wrong_password(fault: &RedisError) -> bool {
    matches!(fault.code(), Some("WRONGPASS" | "NOAUTH"))
        || fault.kind() == ErrorKind::AuthenticationFailed
}

const SENTINELS: &str = "a sentinel refused the user or password";

/// A fault of a sentinel, which must not be taken for one of a server.
pub(super) fn of_sentinel(fault: RedisError) -> RedisError {
    if is_wrong_password(&fault) {
        (
            ErrorKind::AuthenticationFailed,
            SENTINELS,
            fault.to_string(),
        )
            .into()
    } else {
        fault
    }
}

/// The error of a failed connection, with a remedy if known.
pub(super) fn explained(fault: RedisError) -> Error {
    let text = fault.to_string();
    let remedy = if text.contains("UnknownIssuer") {
        "; if its certificate is from your own certificate authority, set tls_ca in [redis] to its PEM file, or use \
         rediss://HOST:PORT?ca=FILE"
    } else if text.contains("cluster support disabled") {
        "; it is not a cluster node: use redis://HOST:PORT"
    } else if text.contains(SENTINELS) {
        "; set the user and password of the sentinels with sentinel_username, sentinel_password or sentinel_password_file \
         in [redis]"
    } else if is_wrong_password(&fault) {
        "; set user and password in the URL, as redis://USER:PASSWORD@HOST:PORT, each percent-encoded, or in [redis], as username and \
             password_file"
    } else {
        return unavailable(fault);
    };
    Error::Unavailable(format!("Redis: {text}{remedy}"))
}

/// Why a server that accepts writes is still unsuitable, by its greeting (`HELLO`).
pub(super) fn misplaced(greeting: &Value, in_cluster: bool) -> Option<&'static str> {
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
        (Some("cluster"), _) if !in_cluster => Some(CLUSTER),
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

/// The error of a change that no replica has acknowledged.
pub(super) fn unkept() -> RedisError {
    (
        ErrorKind::Extension,
        "no replica acknowledged the change in time (wait_for_replica), so a failover may lose it",
    )
        .into()
}

/// From the answer of a primary to `ROLE`: how much it has written, and how much of that its
/// replicas have.
pub(super) fn offsets(role: &Value) -> (i64, Vec<i64>) {
    let Value::Array(members) = role else {
        return (i64::MAX, Vec::new());
    };
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        value => text(value).and_then(|text| text.parse().ok()),
    };
    let written = members.get(1).and_then(number).unwrap_or(i64::MAX);
    let replicas = match members.get(2) {
        Some(Value::Array(replicas)) => replicas
            .iter()
            .filter_map(|replica| match replica {
                Value::Array(of) => of.get(2).and_then(number),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    (written, replicas)
}
