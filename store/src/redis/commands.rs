//! Every command and script that the engine sends to change or read a key.

use std::{sync::LazyLock, time::Duration};

use redis::{Cmd, Script, cmd};

use crate::{Ttl, clock};

/// From this lifetime on (300 years) no expiry is set: Redis refuses times that are too far in the
/// future.
const AGES: u64 = 300 * 365 * 24 * 60 * 60 * 1000;

/// A script, by its hash and whole.
pub(super) struct Lua {
    text: &'static str,
    hash: LazyLock<String>,
}

impl Lua {
    /// The script by its hash. A server that does not know the hash has done nothing.
    pub(super) fn short(&self, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        Self::call("EVALSHA", self.hash.as_bytes(), keys, arguments)
    }

    /// The whole script. The server knows it by its hash afterwards.
    pub(super) fn whole(&self, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        Self::call("EVAL", self.text.as_bytes(), keys, arguments)
    }

    fn call(command: &str, script: &[u8], keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        let mut command = cmd(command);
        command.arg(script).arg(keys.len()).arg(keys);
        for argument in arguments {
            command.arg(*argument);
        }
        command
    }
}

/// Returns 1 when swapped, otherwise the current value (nil for none).
pub(super) static SWAP: Lua = Lua {
    text: SWAP_TEXT,
    hash: LazyLock::new(|| Script::new(SWAP_TEXT).get_hash().to_owned()),
};
const SWAP_TEXT: &str = "local there = redis.call('GET', KEYS[1])
if there ~= ARGV[1] then return there end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1";

/// Returns the new sum. The first call sets the expiry.
pub(super) static ADD: Lua = Lua {
    text: ADD_TEXT,
    hash: LazyLock::new(|| Script::new(ADD_TEXT).get_hash().to_owned()),
};
const ADD_TEXT: &str = "local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if sum == tonumber(ARGV[1]) and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sum";

/// The steps of a batch, each on its own key: returns their results. `ARGV` has the name of each
/// step and its arguments; what is skipped has no result.
pub(super) static BATCH: Lua = Lua {
    text: BATCH_TEXT,
    hash: LazyLock::new(|| Script::new(BATCH_TEXT).get_hash().to_owned()),
};
const BATCH_TEXT: &str = "local arguments = {GET = 0, INSERT = 2, SWAP = 3, DEL = 0, ADD = 2, ZADD = 1, ZREM = 1, RANGE = 2}
local results, key, at, changed = {}, 0, 1, false
local function set(name, value, expiry, ...)
if expiry == '' then return redis.call('SET', name, value, ...) end
return redis.call('SET', name, value, 'PX', expiry, ...)
end
while ARGV[at] do
local step, one, two, three = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
local result
if step == 'IF' then
at = at + 1
result = changed and 1 or 0
else
at = at + 1 + arguments[step]
key = key + 1
local name = KEYS[key]
if step == 'GET' then result = redis.call('GET', name)
elseif step == 'RANGE' then result = redis.call('ZRANGEBYLEX', name, one, '+', 'LIMIT', 0, two)
elseif step == 'INSERT' then result = set(name, one, two, 'NX') and 1 or 0
elseif step == 'SWAP' then
result = redis.call('GET', name)
if result == one then
set(name, two, three)
result = 1
end
elseif step == 'ADD' then
result = redis.call('INCRBY', name, one)
if result == tonumber(one) and two ~= '' then redis.call('PEXPIRE', name, two) end
elseif step == 'DEL' then result = redis.call('DEL', name)
elseif step == 'ZADD' then result = redis.call('ZADD', name, 0, one)
else result = redis.call('ZREM', name, one) end
changed = type(result) == 'number' and (step == 'ADD' or result ~= 0)
end
results[#results + 1] = result
if step == 'IF' and not changed then break end
end
return results";

/// The names of keys.
#[derive(Clone)]
pub(super) struct Names {
    record: String,
    list: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            record: format!("{prefix}record:"),
            list: format!("{prefix}list:"),
        }
    }

    pub(super) fn record(&self, key: &str) -> String {
        format!("{}{key}", self.record)
    }

    pub(super) fn list(&self, list: &str) -> String {
        format!("{}{list}", self.list)
    }

    /// How the keys of all records begin.
    pub(super) fn records(&self) -> &str {
        &self.record
    }

    /// How the keys of all lists begin.
    pub(super) fn lists(&self) -> &str {
        &self.list
    }
}

/// A command on one key.
pub(super) fn on(command: &str, key: &str) -> Cmd {
    let mut command = cmd(command);
    command.arg(key);
    command
}

/// Writes if there is no such key; nil if there is.
pub(super) fn insert(key: &str, value: &[u8], ttl: Ttl) -> Cmd {
    let mut command = on("SET", key);
    command.arg(value).arg("NX");
    expiring(&mut command, ttl);
    command
}

/// Writes if the value is `expected`, and returns the value that was there before. Valkey 8.1 and
/// Redis 8.4 have this; older servers answer with a syntax error.
pub(super) fn swap(key: &str, expected: &[u8], new: &[u8], ttl: Ttl) -> Cmd {
    let mut command = on("SET", key);
    command.arg(new).arg("IFEQ").arg(expected).arg("GET");
    expiring(&mut command, ttl);
    command
}

/// Adds, and sets the expiry if there is none: in a transaction, for a server without scripts.
/// Redis 7 has `NX`.
pub(super) fn add(key: &str, amount: u64, ttl: Duration) -> Vec<Cmd> {
    let mut adding = on("INCRBY", key);
    adding.arg(amount);
    let expiring = expiry(Ttl::For(ttl)).map(|milliseconds| {
        let mut command = on("PEXPIRE", key);
        command.arg(milliseconds).arg("NX");
        command
    });
    std::iter::once(adding).chain(expiring).collect()
}

/// Members in byte order: all scores are equal.
pub(super) fn range(key: &str, after: Option<&str>, limit: usize) -> Cmd {
    let (from, limit) = range_text(after, limit);
    let mut command = on("ZRANGEBYLEX", key);
    command.arg(from).arg("+").arg("LIMIT").arg(0).arg(limit);
    command
}

/// Where a range begins, and how many members it has at most.
pub(super) fn range_text(after: Option<&str>, limit: usize) -> (String, i64) {
    let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
    (from, i64::try_from(limit).unwrap_or(i64::MAX))
}

fn expiring(command: &mut Cmd, ttl: Ttl) {
    if let Some(milliseconds) = expiry(ttl) {
        command.arg("PX").arg(milliseconds);
    }
}

/// The lifetime in milliseconds; `None` for no expiry.
fn expiry(ttl: Ttl) -> Option<u64> {
    match ttl {
        Ttl::Forever => None,
        Ttl::For(time) => Some(clock::rounded_up(time)).filter(|milliseconds| *milliseconds < AGES),
    }
}

/// Like [`expiry`], for a script: empty for no expiry.
pub(super) fn expiry_text(ttl: Ttl) -> String {
    expiry(ttl).map_or_else(String::new, |milliseconds| milliseconds.to_string())
}
