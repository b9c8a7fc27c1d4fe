//! The Redis engine: one multiplexed connection, and scripts for operations without a single
//! command.
//!
//! Each operation is one command or one script on one key. Needs Redis 6.2 (`GETDEL`).

mod batch;
mod durability;
mod export;
mod faults;
mod link;

use std::{path::Path, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, ProtocolVersion, RedisError, Script,
    ScriptInvocation, TlsCertificates, Value, aio::ConnectionManager, cmd,
};

use self::{
    batch::Commands,
    faults::{explained, misplaced, nothing_was_done, unavailable},
    link::Link,
};
use crate::{
    BatchStep, CasResult, Engine, Error, Export, Result, StepResult, Ttl, clock,
    engine::each_operation, location,
};

/// How long sent bytes may stay unacknowledged before the connection counts as lost, for example to
/// a machine that has failed.
#[cfg(target_os = "linux")]
const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// The prefixes of the keys of records and of lists.
const RECORD: &str = "vestibule:record:";
const LIST: &str = "vestibule:list:";

/// From this lifetime on (300 years) no expiry is set: Redis refuses times that are too far in the
/// future.
const AGES: u64 = 300 * 365 * 24 * 60 * 60 * 1000;

/// Returns 1 when swapped, otherwise the current value (nil for none).
const SWAP_TEXT: &str = "local there = redis.call('GET', KEYS[1])
if there ~= ARGV[1] then return there end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1";

static SWAP: LazyLock<Script> = LazyLock::new(|| Script::new(SWAP_TEXT));

/// Returns the new sum. The first call sets the expiry.
const ADD_TEXT: &str = "local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if sum == tonumber(ARGV[1]) and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sum";

static ADD: LazyLock<Script> = LazyLock::new(|| Script::new(ADD_TEXT));

/// What is sent to the server.
enum Question<'a> {
    /// A command that changes nothing. It is repeated once if the connection was lost.
    Read(&'a Cmd),
    /// A command that may change something. If its answer is lost, it is unknown whether it was
    /// carried out, and it is not repeated. It is repeated once only if the connection was refused,
    /// so that nothing was sent.
    Write(&'a Cmd),
    /// A script by its hash, with the same rule. A server that does not know the hash has done
    /// nothing and gets the script.
    Script(&'a ScriptInvocation<'a>),
    /// Commands that change nothing, in one round trip.
    Reads(&'a Pipeline),
    /// Commands of which one may change something. They are repeated once only if the connection
    /// was refused.
    Changes(&'a Pipeline),
}

impl Question<'_> {
    async fn send<T: FromRedisValue>(
        &self,
        mut connection: ConnectionManager,
    ) -> Result<T, RedisError> {
        match self.send_once(&mut connection).await {
            Err(fault) if self.may_be_repeated(&fault) => self.send_once(&mut connection).await,
            answer => answer,
        }
    }

    async fn send_once<T: FromRedisValue>(
        &self,
        connection: &mut ConnectionManager,
    ) -> Result<T, RedisError> {
        match self {
            Self::Read(command) | Self::Write(command) => command.query_async(connection).await,
            Self::Script(script) => script.invoke_async(connection).await,
            Self::Reads(pipeline) | Self::Changes(pipeline) => {
                pipeline.query_async(connection).await
            }
        }
    }

    fn may_be_repeated(&self, fault: &RedisError) -> bool {
        match self {
            Self::Read(_) | Self::Reads(_) => fault.is_connection_dropped(),
            Self::Write(_) | Self::Script(_) | Self::Changes(_) => fault.is_connection_refusal(),
        }
    }

    /// Whether the server did nothing if it says so. Of several commands some may have been carried
    /// out before one was refused.
    const fn is_all_or_nothing(&self) -> bool {
        !matches!(self, Self::Changes(_))
    }
}

/// A connection to one Redis server. It is restored in the background when it is lost, and replaced
/// when the server can no longer write.
pub(crate) struct RedisEngine {
    link: Link,
}

impl RedisEngine {
    /// Connects, and fails after a few seconds without an answer.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("rediss:") && rustls::crypto::CryptoProvider::get_default().is_none() {
            // With two crypto providers in one program, rustls does not choose one. An error means
            // that another thread just did.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = client(url)?;
        Ok(Self {
            link: Link::open(client).await.map_err(explained)?,
        })
    }

    /// Sends a question, and repeats it once over a new connection if the server says that it did
    /// nothing because it does not accept writes, or not yet. The address may lead to another
    /// server by then: after a failover the former primary keeps its connections.
    async fn send<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T> {
        let (connection, number) = self.link.current();
        let fault = match question.send(connection).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        if !nothing_was_done(&fault) {
            return Err(unavailable(fault));
        }
        match self.link.renewed(number).await {
            Some(connection) if question.is_all_or_nothing() => {
                question.send(connection).await.map_err(unavailable)
            }
            _ => Err(unavailable(fault)),
        }
    }

    async fn write<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.send(Question::Write(command)).await
    }

    async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T> {
        self.send(Question::Script(script)).await
    }

    async fn read<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.send(Question::Read(command)).await
    }

    /// The greeting of the server, which names its mode and role.
    async fn greeting(&self) -> Result<Value> {
        let (mut connection, _) = self.link.current();
        let hello: Result<Value, RedisError> = cmd("HELLO").query_async(&mut connection).await;
        match hello {
            // A user without this permission may still do everything else.
            Err(fault) if !fault.is_io_error() => Ok(Value::Nil),
            answer => answer.map_err(unavailable),
        }
    }
}

#[async_trait]
impl Engine for RedisEngine {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.read(cmd("GET").arg(record(key))).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        let answer: Value = self.write(&batch::insert(key, value, ttl)).await?;
        Ok(answer != Value::Nil)
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        let mut script = SWAP.key(record(key));
        let answer = self
            .script(script.arg(expected).arg(new).arg(expiry_text(ttl)))
            .await?;
        batch::swap(answer).map_err(unavailable)
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.write(cmd("GETDEL").arg(record(key))).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.write(cmd("DEL").arg(record(key))).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        self.script(
            ADD.key(record(key))
                .arg(amount)
                .arg(expiry_text(Ttl::For(ttl))),
        )
        .await
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        self.write(cmd("ZADD").arg(names(list)).arg(0).arg(member))
            .await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        self.write(cmd("ZREM").arg(names(list)).arg(member)).await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.read(&batch::range(list, after, limit)).await
    }

    /// One pipeline. It is never repeated with a write in it: some of its commands may have been
    /// carried out before the fault.
    async fn batch(&self, steps: &[BatchStep<'_>]) -> Result<Vec<StepResult>> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let commands = Commands::of(steps);
        let pipeline = commands.pipeline();
        let question = if steps.iter().any(BatchStep::is_write) {
            Question::Changes(&pipeline)
        } else {
            Question::Reads(&pipeline)
        };
        let answers = self.send(question).await?;
        commands.results(steps, answers).map_err(unavailable)
    }

    async fn export(&self) -> Result<Export> {
        let (connection, _) = self.link.current();
        Ok(Export::running(|entries| export::read(connection, entries)))
    }

    async fn ping(&self) -> Result<()> {
        self.read(&cmd("PING")).await
    }

    /// The operations come first: a refused write may lead to a new connection, and the greeting
    /// must be from that one.
    async fn probe(&self) -> Result<()> {
        each_operation(self).await?;
        match misplaced(&self.greeting().await?) {
            Some(sentence) => Err(Error::Unavailable(sentence.to_owned())),
            None => Ok(()),
        }
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        durability::warnings(&mut self.link.current().0).await
    }
}

fn client(url: &str) -> Result<Client> {
    let authorities = location::authorities(url)
        .map(|path| read_authorities(&path))
        .transpose()?;
    let info = url.into_connection_info().map_err(unavailable)?;
    // With RESP3 a lost connection is detected and replaced before the next command needs it.
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(ACKNOWLEDGE);
    let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
    match authorities {
        None => Client::open(info).map_err(unavailable),
        root_cert => Client::build_with_tls(
            info,
            TlsCertificates {
                client_tls: None,
                root_cert,
            },
        )
        .map_err(unavailable),
    }
}

/// Certificates in PEM, which replace those of the system.
fn read_authorities(path: &Path) -> Result<Vec<u8>> {
    let fault = |what: &str| {
        Error::Location(format!(
            "the certificate authorities {} cannot be used: {what}",
            path.display()
        ))
    };
    let pem = std::fs::read(path).map_err(|error| fault(&error.to_string()))?;
    let begins = b"-----BEGIN CERTIFICATE-----";
    if pem.windows(begins.len()).any(|part| part == begins) {
        Ok(pem)
    } else {
        Err(fault("there is no certificate in it (PEM)"))
    }
}

fn record(key: &str) -> String {
    format!("{RECORD}{key}")
}

fn names(list: &str) -> String {
    format!("{LIST}{list}")
}

/// The lifetime in milliseconds; `None` for no expiry.
fn expiry(ttl: Ttl) -> Option<u64> {
    match ttl {
        Ttl::Forever => None,
        Ttl::For(time) => Some(clock::rounded_up(time)).filter(|milliseconds| *milliseconds < AGES),
    }
}

/// Like [`expiry`], for a script: empty for no expiry.
fn expiry_text(ttl: Ttl) -> String {
    expiry(ttl).map_or_else(String::new, |milliseconds| milliseconds.to_string())
}
