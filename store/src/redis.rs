//! The Redis engine: on one server, on the primary that sentinels name, or on a Redis Cluster.
//!
//! Each operation is one command, one script or one transaction on one key; a batch with writes is
//! one script on all its keys. Needs Redis 6.2 (`GETDEL`).

mod batch;
mod cluster;
mod commands;
mod dialer;
mod durability;
mod export;
mod faults;
mod lane;
mod link;
mod node;
mod options;
mod pauses;
mod sending;
mod sentinels;
mod slots;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, RedisError, Value, cmd};
use tokio::time::{Instant, sleep};

pub use self::options::{ConnectionPassword, RedisOptions};
use self::{
    batch::{Commands, ScriptSteps},
    commands::{ADD, BATCH, Lua, Names, SWAP, expiry_text, on},
    faults::{
        explained, has_no_scripts, is_unknown_option, is_unknown_script, misplaced, unavailable,
    },
    link::Link,
    sending::{Answer, Question, send},
};
use crate::{
    BatchStep, CasResult, Engine, Error, Export, Result, StepResult, Ttl,
    engine::{PROBE, each_operation},
    location::RedisUrl,
    one_by_one,
};

/// How often replicas are looked at while one is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Redis, and what was found out about its servers.
pub(crate) struct RedisEngine {
    link: Arc<Link>,
    names: Names,
    options: RedisOptions,
    /// Whether a server did not know `SET … IFEQ`.
    swaps_by_script: AtomicBool,
    /// Whether a server ran no scripts.
    runs_no_scripts: AtomicBool,
}

impl RedisEngine {
    /// Connects, and fails after a few seconds without an answer.
    pub(crate) async fn connect(url: &str, options: &RedisOptions) -> Result<Self> {
        let url = RedisUrl::parse(url)?;
        if url.tls && rustls::crypto::CryptoProvider::get_default().is_none() {
            // With two crypto providers in one program, rustls does not choose one. An error means
            // that another thread just did.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Ok(Self {
            link: Arc::new(Link::open(&url, options).await?),
            names: Names::new(&options.prefix),
            options: options.clone(),
            swaps_by_script: AtomicBool::new(false),
            runs_no_scripts: AtomicBool::new(false),
        })
    }

    async fn send(&self, question: &Question) -> Result<Answer, RedisError> {
        send(&self.link, question, self.options.response_timeout).await
    }

    /// Reads.
    async fn read<T: FromRedisValue>(&self, key: &str, command: Cmd) -> Result<T> {
        let answer = self.send(&Question::read(key, command)).await;
        understood(answer.map_err(unavailable)?.value)
    }

    /// Changes a list or a counter.
    async fn write<T: FromRedisValue>(&self, key: &str, command: Cmd) -> Result<T> {
        let answer = self.send(&Question::write(key, command)).await;
        understood(answer.map_err(unavailable)?.value)
    }

    /// Changes a record, and waits for a replica if that is configured. `is_changed` says whether
    /// an answer means that there is something to wait for.
    async fn keep(
        &self,
        key: &str,
        command: Cmd,
        is_changed: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Result<Value, RedisError> {
        let question = Question::write(key, command).kept(self.options.wait());
        let answer = self.send(&question).await?;
        if answer.is_kept || !is_changed(&answer.value) {
            Ok(answer.value)
        } else {
            Err(faults::unkept())
        }
    }

    /// A script by its hash; the whole script if the server does not know it. Its change is kept
    /// like that of a command ([`Self::keep`]).
    async fn script(
        &self,
        script: &Lua,
        keys: &[&str],
        arguments: &[&[u8]],
        is_changed: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Result<Value, RedisError> {
        let key = keys.first().copied().unwrap_or_default();
        let short = script.short(keys, arguments);
        match self.keep(key, short, &is_changed).await {
            Err(fault) if is_unknown_script(&fault) => {
                let whole = script.whole(keys, arguments);
                self.keep(key, whole, is_changed).await
            }
            answer => answer,
        }
    }

    /// The same for a script that changes counters and lists alone, which wait for no replica.
    async fn script_without_wait(
        &self,
        script: &Lua,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Value, RedisError> {
        let key = keys.first().copied().unwrap_or_default();
        let short = script.short(keys, arguments);
        let answer = match self.send(&Question::write(key, short)).await {
            Err(fault) if is_unknown_script(&fault) => {
                let whole = script.whole(keys, arguments);
                self.send(&Question::write(key, whole)).await
            }
            answer => answer,
        };
        answer.map(|answer| answer.value)
    }

    /// Whether an error says that the server runs no scripts, which is remembered. Then the script
    /// has done nothing.
    fn cannot_run(&self, fault: &RedisError) -> bool {
        let cannot = has_no_scripts(fault);
        self.runs_no_scripts.fetch_or(cannot, Ordering::Relaxed);
        cannot
    }

    /// A batch by one script; `None` if the server runs no scripts.
    async fn batch_by_script(&self, steps: &[BatchStep<'_>]) -> Result<Option<Vec<StepResult>>> {
        if self.runs_no_scripts.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let call = ScriptSteps::of(steps, &self.names);
        let keys = call.keys();
        let arguments = call.arguments();
        let answer = if steps.iter().any(batch::writes_record) {
            let is_changed = |answer: &Value| batch::changes_record(steps, answer);
            self.script(&BATCH, &keys, &arguments, is_changed).await
        } else {
            self.script_without_wait(&BATCH, &keys, &arguments).await
        };
        match answer {
            Ok(answer) => batch::script_results(steps, answer)
                .map(Some)
                .map_err(unavailable),
            Err(fault) if self.cannot_run(&fault) => Ok(None),
            Err(fault) => Err(unavailable(fault)),
        }
    }

    /// A batch by one pipeline; `None` if one of its steps needs a script.
    async fn batch_by_pipeline(&self, steps: &[BatchStep<'_>]) -> Result<Option<Vec<StepResult>>> {
        let Some(commands) = Commands::of(steps, &self.names) else {
            return Ok(None);
        };
        let key = self.names.record("");
        let writes = steps.iter().any(BatchStep::is_write);
        let question = Question::batch(&key, commands.commands(), writes);
        let answers = self.send(&question).await.map_err(unavailable)?.value;
        let results = commands.results(steps, answers);
        results.map(Some).map_err(unavailable)
    }

    /// By `SET … IFEQ`; `None` if the server does not know that.
    async fn swap_by_command(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<Option<CasResult>> {
        if self.swaps_by_script.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let is_swapped =
            |before: &Value| matches!(before, Value::BulkString(there) if there == expected);
        let command = commands::swap(key, expected, new, ttl);
        match self.keep(key, command, is_swapped).await {
            Ok(before) if is_swapped(&before) => Ok(Some(CasResult::Done)),
            Ok(there) => Ok(Some(CasResult::Changed(understood(there)?))),
            Err(fault) if is_unknown_option(&fault) => {
                self.swaps_by_script.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(fault) => Err(unavailable(fault)),
        }
    }

    /// The greeting of a server, which names its mode and role.
    async fn greeting(&self) -> Result<Value> {
        let question = Question::read(&self.names.record(PROBE), cmd("HELLO"));
        match self.send(&question).await {
            Ok(greeting) => Ok(greeting.value),
            // A user without this permission may still do everything else.
            Err(fault) if !fault.is_io_error() => Ok(Value::Nil),
            Err(fault) => Err(unavailable(fault)),
        }
    }
}

fn understood<T: FromRedisValue>(value: Value) -> Result<T> {
    T::from_redis_value(value).map_err(|fault| unavailable(fault.into()))
}

/// Whether a server says that it wrote or removed something.
fn did(answer: &Value) -> bool {
    !matches!(answer, Value::Nil | Value::Int(0))
}

#[async_trait]
impl Engine for RedisEngine {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let key = self.names.record(key);
        self.read(&key, on("GET", &key)).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        let key = self.names.record(key);
        let command = commands::insert(&key, value, ttl);
        let answer = self.keep(&key, command, did).await;
        answer.map(|answer| did(&answer)).map_err(unavailable)
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        let key = self.names.record(key);
        if let Some(result) = self.swap_by_command(&key, expected, new, ttl).await? {
            return Ok(result);
        }
        let ttl = expiry_text(ttl);
        let arguments = [expected, new, ttl.as_bytes()];
        let is_swapped = |answer: &Value| matches!(answer, Value::Int(_));
        let answer = self.script(&SWAP, &[&key], &arguments, is_swapped).await;
        match answer.map_err(unavailable)? {
            Value::Int(_) => Ok(CasResult::Done),
            there => Ok(CasResult::Changed(understood(there)?)),
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let key = self.names.record(key);
        let taken = self.keep(&key, on("GETDEL", &key), did).await;
        understood(taken.map_err(unavailable)?)
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        let key = self.names.record(key);
        let removed = self.keep(&key, on("DEL", &key), did).await;
        removed.map(|answer| did(&answer)).map_err(unavailable)
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        let key = self.names.record(key);
        if !self.runs_no_scripts.load(Ordering::Relaxed) {
            let text = amount.to_string();
            let expiry = expiry_text(Ttl::For(ttl));
            let arguments = [text.as_bytes(), expiry.as_bytes()];
            let sum = self.script_without_wait(&ADD, &[&key], &arguments).await;
            match sum {
                Ok(sum) => return understood(sum),
                Err(fault) if self.cannot_run(&fault) => {}
                Err(fault) => return Err(unavailable(fault)),
            }
        }
        let question = Question::transaction(&key, commands::add(&key, amount, ttl));
        let sums = self.send(&question).await.map_err(unavailable)?.value;
        let sum = match sums {
            Value::Array(answers) => answers.into_iter().next(),
            _ => None,
        };
        understood(sum.unwrap_or(Value::Nil))
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        let key = self.names.list(list);
        let mut command = on("ZADD", &key);
        command.arg(0).arg(member);
        self.write(&key, command).await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        let key = self.names.list(list);
        let mut command = on("ZREM", &key);
        command.arg(member);
        self.write(&key, command).await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let key = self.names.list(list);
        self.read(&key, commands::range(&key, after, limit)).await
    }

    /// One script on the one server. Reads, and what a server without scripts can do, are one
    /// pipeline. On a cluster, where the keys are on several, the steps are sent one by one.
    async fn batch(&self, steps: &[BatchStep<'_>]) -> Result<Vec<StepResult>> {
        if steps.len() < 2 || matches!(*self.link, Link::Cluster(_)) {
            return one_by_one(self, steps).await;
        }
        let writes = steps.iter().any(BatchStep::is_write);
        if writes && let Some(results) = self.batch_by_script(steps).await? {
            return Ok(results);
        }
        // A pipeline waits for no replica.
        let waits = writes && self.options.wait().is_some();
        if !waits && let Some(results) = self.batch_by_pipeline(steps).await? {
            return Ok(results);
        }
        one_by_one(self, steps).await
    }

    fn sends_batches_at_once(&self) -> bool {
        !matches!(*self.link, Link::Cluster(_)) && !self.runs_no_scripts.load(Ordering::Relaxed)
    }

    async fn export(&self) -> Result<Export> {
        let (link, names) = (Arc::clone(&self.link), self.names.clone());
        let patience = self.options.response_timeout;
        Ok(Export::running(move |entries| {
            export::read(link, names, patience, entries)
        }))
    }

    async fn ping(&self) -> Result<()> {
        let question = Question::read(&self.names.record(PROBE), cmd("PING"));
        self.send(&question).await.map(|_| ()).map_err(unavailable)
    }

    /// The operations come first: a refused write may lead to a new connection, and the greeting
    /// must be from that one.
    async fn probe(&self) -> Result<()> {
        each_operation(self).await?;
        let in_cluster = matches!(*self.link, Link::Cluster(_));
        match misplaced(&self.greeting().await?, in_cluster) {
            Some(sentence) => Err(Error::Unavailable(sentence.to_owned())),
            None => Ok(()),
        }
    }

    /// Replicas say every second how much they have.
    async fn settled(&self, key: &str) -> Result<()> {
        let Some(wait) = self.options.wait() else {
            return Ok(());
        };
        let key = self.names.record(key);
        let deadline = Instant::now() + wait.time + Duration::from_secs(1);
        let mut written = None;
        loop {
            let role: Value = self.read(&key, cmd("ROLE")).await?;
            let (offset, replicas) = faults::offsets(&role);
            let written = *written.get_or_insert(offset);
            let have = replicas.iter().filter(|replica| **replica >= written);
            if u32::try_from(have.count()).is_ok_and(|have| have >= wait.replicas) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(unavailable(faults::unkept()));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        durability::warnings(&self.link, &self.options).await
    }
}
