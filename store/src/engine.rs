//! The interface of a store engine.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;

use crate::{BatchStep, Export, StepResult, batch};

/// The atomic operations, and their guarantees.
///
/// | operation | one atomic step | result |
/// |---|---|---|
/// | [`get`](Engine::get) | read | the value, unless it has expired |
/// | [`insert`](Engine::insert) | write if the key does not exist | true for exactly one of several concurrent callers |
/// | [`compare_and_swap`](Engine::compare_and_swap) | write if the value is `expected` | [`CasResult::Done`] for exactly one of several callers with the same `expected` |
/// | [`take`](Engine::take) | read and remove | the value for exactly one of several concurrent callers |
/// | [`remove`](Engine::remove) | remove | true if the key existed |
/// | [`count`](Engine::count) | add one | each number once: *n* callers get 1 to *n* |
/// | [`add`](Engine::add) | add a number | the sum, this caller's number included |
/// | [`set_add`](Engine::set_add), [`set_remove`](Engine::set_remove) | add or remove a member | true if that changed the list |
/// | [`set_range`](Engine::set_range) | read | members in byte order |
/// | [`batch`](Engine::batch) | each of its steps | the result of each step |
/// | [`export`](Engine::export) | each entry is read in one step | every entry, at least once |
/// | [`probe`](Engine::probe) | several, on separate keys | whether all of the above work |
///
/// *Each operation uses one key*, so keys may be on different machines. No step spans two keys.
///
/// *Records, counters and lists.* A counter is a record whose value is its number in decimal
/// digits: it can be read with `get` and reset with `remove`. Lists have a separate namespace: the
/// list `a` and the record `a` are unrelated.
///
/// *Expiry.* An expired record does not exist for any operation, swept or not. Expiry in the store
/// only frees space and uses the machine's clock. A record that must not be used after a given time
/// contains that time, and the caller checks it.
///
/// *Durability.* When the embedded file engine has answered, the change is on disk. With Redis,
/// durability depends on that server's settings, which
/// [`durability_warnings`](Engine::durability_warnings) checks.
///
/// *Order.* An operation that begins after another one was answered sees its effect.
///
/// *Failure.* After [`Error::Unavailable`] a write **may or may not have happened**: its answer can
/// be lost on the way back. No engine repeats such a write, since a repeated `take`, `count` or
/// `add` would return the wrong result. [`Store::resolving`](crate::Store::resolving) finds out
/// what happened, if that can be known. If a caller stops waiting, the operation may still be
/// carried out.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The value under `key`.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Writes `value` if the key does not exist; otherwise returns false and changes nothing.
    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool>;

    /// Replaces the value by `new` if it is `expected`, byte for byte. `ttl` starts again.
    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult>;

    /// Reads and removes in one step.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Removes a record; false if it did not exist.
    async fn remove(&self, key: &str) -> Result<bool>;

    /// Adds one to a counter and returns its new value; see [`add`](Engine::add).
    async fn count(&self, key: &str, ttl: Duration) -> Result<u64> {
        self.add(key, 1, ttl).await
    }

    /// Adds `amount` to a counter and returns its new value. The first call creates the counter
    /// with the lifetime `ttl`; later calls do not extend it. A key with another value is an error.
    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64>;

    /// Adds a member to a list, without expiry; false if it is already in the list.
    async fn set_add(&self, list: &str, member: &str) -> Result<bool>;

    /// Removes a member from a list; false if it was not in the list.
    async fn set_remove(&self, list: &str, member: &str) -> Result<bool>;

    /// At most `limit` members in byte order, strictly after `after` if given. To read a whole
    /// list, call it again with the last member until fewer than `limit` are returned.
    async fn set_range(&self, list: &str, after: Option<&str>, limit: usize)
    -> Result<Vec<String>>;

    /// Several steps in one round trip (Redis) or one commit (embedded file), in this order. Each
    /// step is atomic on its own and uses one key: steps of other callers may come in between. A
    /// step sees the writes before it in the batch. After a condition ([`BatchStep::IfChanged`])
    /// that does not hold, no further step is carried out.
    ///
    /// # Errors
    /// After an error any of the writes may have happened, also without those before it.
    async fn batch(&self, steps: &[BatchStep<'_>]) -> Result<Vec<StepResult>> {
        batch::one_by_one(self, steps).await
    }

    /// Whether a batch with writes is sent at once. Otherwise each of its steps costs a round trip.
    fn sends_batches_at_once(&self) -> bool {
        true
    }

    /// The whole store, for a backup: records with their remaining lifetime, then the members of
    /// lists.
    ///
    /// The embedded engine reads one snapshot. Redis has no snapshots and guarantees less: an entry
    /// that exists during the whole export is returned at least once. An entry that is written,
    /// removed or expires during the export may be missing. A record that changes during the export
    /// has one of its values, and may be returned twice, the newer value last. On both engines, a
    /// member that was listed before its record was exported is returned too, since lists come
    /// last.
    async fn export(&self) -> Result<Export>;

    /// Succeeds if the engine answers. It may still be unable to write: see
    /// [`probe`](Engine::probe).
    async fn ping(&self) -> Result<()>;

    /// Succeeds if the engine works: it writes and reads, under separate keys, with every operation
    /// that may fail on its own. The error names the cause and the remedy. It costs a commit, or a
    /// few round trips.
    async fn probe(&self) -> Result<()> {
        each_operation(self).await
    }

    /// Succeeds once everything that `key` is known to hold is as safe as an answered write would
    /// be. A caller who found by reading that a write without an answer has happened asks this
    /// before it counts the write as done.
    async fn settled(&self, _key: &str) -> Result<()> {
        Ok(())
    }

    /// Ends with the reason when the engine can never write again in this process. A new process is
    /// needed then.
    async fn broken(&self) -> String {
        std::future::pending().await
    }

    /// How this configuration could lose data, as sentences for the operator. Empty if it cannot.
    async fn durability_warnings(&self) -> Result<Vec<String>>;
}

/// Key of the record and the list that probes use, and the lifetime of the record.
pub(crate) const PROBE: &str = "probe";
pub(crate) const PROBE_KEPT: Duration = Duration::from_mins(1);

/// Runs every operation once. Other servers may do the same concurrently, so only errors matter,
/// not results.
pub(crate) async fn each_operation<E: Engine + ?Sized>(engine: &E) -> Result<()> {
    let ttl = Ttl::For(PROBE_KEPT);
    engine.insert(PROBE, b"1", ttl).await?;
    engine.compare_and_swap(PROBE, b"1", b"2", ttl).await?;
    let get = BatchStep::Get { key: PROBE };
    engine.batch(&[get, get]).await?;
    engine.get(PROBE).await?;
    engine.take(PROBE).await?;
    engine.count(PROBE, PROBE_KEPT).await?;
    engine.remove(PROBE).await?;
    engine.set_add(PROBE, PROBE).await?;
    engine.set_range(PROBE, None, 1).await?;
    engine.set_remove(PROBE, PROBE).await?;
    Ok(())
}

/// How long the store keeps a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Until it is removed.
    Forever,
    /// For this time after the write (in milliseconds, rounded up), never shorter.
    For(Duration),
}

/// The result of [`Engine::compare_and_swap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasResult {
    /// The expected value was replaced.
    Done,
    /// Nothing was changed. This is the current value, if any.
    Changed(Option<Vec<u8>>),
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed or did not answer in time. A write may have happened.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another process has this file open.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The text is not a valid location; see [`StoreLocation`](crate::StoreLocation).
    #[error("{0}")]
    Location(String),
}

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;
