//! The Redis engine: one multiplexed connection, and a script where no single command is the verb.
//!
//! Each verb is one command or one script on one key, so a Redis Cluster can hold the keys. Needs Redis 6.2 (`GETDEL`).

mod export;
mod hazards;

use std::{path::Path, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion, RedisError, Script, ScriptInvocation, TlsCertificates, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cmd,
};

use crate::{Engine, Error, Export, Keep, Result, Swap, clock, location};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long one attempt to connect may take; after a lost connection there are [`RETRIES`] more, half a second apart at most.
const CONNECT: Duration = Duration::from_secs(1);
const RETRIES: usize = 2;

/// How long sent bytes may stay unacknowledged before the connection counts as lost (a machine that has vanished).
#[cfg(target_os = "linux")]
const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// How many commands may wait for the socket.
const WAITING: usize = 1024;

/// From here on (300 years) an expiry is left out: Redis refuses times beyond its calendar.
const AGES: u64 = 300 * 365 * 24 * 60 * 60 * 1000;

/// Answers 1 when swapped, otherwise what is there (nil for nothing).
static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local there = redis.call('GET', KEYS[1])
         if there ~= ARGV[1] then return there end
         if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
         else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
         return 1",
    )
});

/// Answers the new count; the first one sets the expiry.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local count = redis.call('INCR', KEYS[1])
         if count == 1 and ARGV[1] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
         return count",
    )
});

/// A connection to one Redis server, made anew in the background when it is lost.
pub(crate) struct RedisEngine {
    connection: ConnectionManager,
}

impl RedisEngine {
    /// Connects, and fails after a few seconds if nobody answers.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("rediss:") && rustls::crypto::CryptoProvider::get_default().is_none() {
            // With two providers in one program, rustls would not choose. Failing means that another thread just did.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let connecting = async {
            let client = client(url)?;
            ConnectionManager::new_with_config(client, manners()).await.map_err(explained)
        };
        Ok(Self { connection: connecting.await? })
    }

    /// Runs a command that may change something. If its answer is lost, nobody knows whether it was carried out, and it
    /// is not repeated; only a refused connection, over which nothing was sent, is tried once more.
    async fn write<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let mut connection = self.connection.clone();
        let answer = match command.query_async(&mut connection).await {
            Err(fault) if fault.is_connection_refusal() => command.query_async(&mut connection).await,
            answer => answer,
        };
        answer.map_err(unavailable)
    }

    /// Runs a script by its hash, with the same care. A server that does not know it has done nothing and is told it.
    async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T> {
        let mut connection = self.connection.clone();
        let answer = match script.invoke_async(&mut connection).await {
            Err(fault) if fault.is_connection_refusal() => script.invoke_async(&mut connection).await,
            answer => answer,
        };
        answer.map_err(unavailable)
    }

    /// Runs a command that changes nothing, and once more if the connection was lost meanwhile.
    async fn read<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let mut connection = self.connection.clone();
        let answer = match command.query_async(&mut connection).await {
            Err(fault) if fault.is_connection_dropped() => command.query_async(&mut connection).await,
            answer => answer,
        };
        answer.map_err(unavailable)
    }
}

#[async_trait]
impl Engine for RedisEngine {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.read(cmd("GET").arg(record(key))).await
    }

    async fn insert(&self, key: &str, value: &[u8], keep: Keep) -> Result<bool> {
        let mut command = cmd("SET");
        command.arg(record(key)).arg(value).arg("NX");
        if let Some(milliseconds) = expiry(keep) {
            command.arg("PX").arg(milliseconds);
        }
        let answer: Value = self.write(&command).await?;
        Ok(answer != Value::Nil)
    }

    async fn compare_and_swap(&self, key: &str, expected: &[u8], new: &[u8], keep: Keep) -> Result<Swap> {
        let mut script = SWAP.key(record(key));
        match self.script(script.arg(expected).arg(new).arg(expiry_text(keep))).await? {
            Value::Int(_) => Ok(Swap::Done),
            there => Ok(Swap::Changed(FromRedisValue::from_redis_value(there).map_err(|fault| unavailable(fault.into()))?)),
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.write(cmd("GETDEL").arg(record(key))).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.write(cmd("DEL").arg(record(key))).await
    }

    async fn count(&self, key: &str, keep: Duration) -> Result<u64> {
        self.script(COUNT.key(record(key)).arg(expiry_text(Keep::For(keep)))).await
    }

    async fn enlist(&self, list: &str, member: &str) -> Result<bool> {
        self.write(cmd("ZADD").arg(names(list)).arg(0).arg(member)).await
    }

    async fn delist(&self, list: &str, member: &str) -> Result<bool> {
        self.write(cmd("ZREM").arg(names(list)).arg(member)).await
    }

    async fn members(&self, list: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        // All scores are equal, so the set is in byte order.
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(cmd("ZRANGEBYLEX").arg(names(list)).arg(from).arg("+").arg("LIMIT").arg(0).arg(limit)).await
    }

    async fn export(&self) -> Result<Export> {
        let connection = self.connection.clone();
        Ok(Export::running(|entries| export::read(connection, entries)))
    }

    async fn ping(&self) -> Result<()> {
        self.read(&cmd("PING")).await
    }

    async fn hazards(&self) -> Result<Vec<String>> {
        hazards::of(&mut self.connection.clone()).await
    }
}

fn client(url: &str) -> Result<Client> {
    let authorities = location::authorities(url).map(|path| read_authorities(&path)).transpose()?;
    let info = url.into_connection_info().map_err(unavailable)?;
    // With RESP3 a lost connection is noticed, and replaced, before the next command needs it.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(ACKNOWLEDGE);
    let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
    match authorities {
        None => Client::open(info).map_err(unavailable),
        root_cert => Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).map_err(unavailable),
    }
}

/// Certificates in PEM, which count instead of the system's.
fn read_authorities(path: &Path) -> Result<Vec<u8>> {
    let fault = |what: &str| Error::Location(format!("the certificate authorities {} cannot be used: {what}", path.display()));
    let pem = std::fs::read(path).map_err(|error| fault(&error.to_string()))?;
    let begins = b"-----BEGIN CERTIFICATE-----";
    if pem.windows(begins.len()).any(|part| part == begins) { Ok(pem) } else { Err(fault("there is no certificate in it (PEM)")) }
}

/// Why no connection comes about, with what helps where that is known.
fn explained(fault: RedisError) -> Error {
    let text = fault.to_string();
    let remedy = if text.contains("UnknownIssuer") {
        "; if its certificate comes from an authority of your own, name the authority's PEM file as rediss://HOST:PORT?ca=FILE"
    } else if matches!(fault.code(), Some("WRONGPASS" | "NOAUTH")) || fault.kind() == redis::ErrorKind::AuthenticationFailed {
        "; user and password stand in the URL, as redis://USER:PASSWORD@HOST:PORT, each percent-encoded"
    } else {
        return unavailable(fault);
    };
    Error::Unavailable(format!("Redis: {text}{remedy}"))
}

fn manners() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_response_timeout(Some(ANSWER))
        .set_connection_timeout(Some(CONNECT))
        .set_number_of_retries(RETRIES)
        .set_max_delay(Duration::from_millis(500))
        .set_pipeline_buffer_size(WAITING)
}

/// What the keys of records begin with.
const RECORD: &str = "vestibule:record:";
/// What the keys of lists begin with.
const LIST: &str = "vestibule:list:";

fn record(key: &str) -> String {
    format!("{RECORD}{key}")
}

fn names(list: &str) -> String {
    format!("{LIST}{list}")
}

/// The lifetime in milliseconds; none for a record to keep.
fn expiry(keep: Keep) -> Option<u64> {
    match keep {
        Keep::Forever => None,
        Keep::For(time) => Some(clock::rounded_up(time)).filter(|milliseconds| *milliseconds < AGES),
    }
}

/// The same for a script: empty for a record to keep.
fn expiry_text(keep: Keep) -> String {
    expiry(keep).map_or_else(String::new, |milliseconds| milliseconds.to_string())
}

/// The client's messages name neither keys, values nor the password.
#[expect(clippy::needless_pass_by_value, reason = "reads as a path in map_err")]
fn unavailable(fault: RedisError) -> Error {
    let is_forbidden = fault.code() == Some("NOPERM");
    let remedy = if is_forbidden { "; docs/STORAGE.md lists what the Redis user must be allowed" } else { "" };
    Error::Unavailable(format!("Redis: {fault}{remedy}"))
}
