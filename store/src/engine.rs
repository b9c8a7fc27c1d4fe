//! What every engine promises.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;

use crate::Export;

/// The atomic verbs, and what each of them guarantees.
///
/// | verb | one atomic step | answer |
/// |---|---|---|
/// | [`get`](Engine::get) | read | the value, unless it has expired |
/// | [`insert`](Engine::insert) | write if nothing is there | true for exactly one of any number of racing callers |
/// | [`compare_and_swap`](Engine::compare_and_swap) | write if `expected` is there | [`CasResult::Done`] for exactly one of those who expected the same |
/// | [`take`](Engine::take) | read and remove | the value for exactly one of the racing callers |
/// | [`remove`](Engine::remove) | remove | true if something was there |
/// | [`count`](Engine::count) | add one | each number once: *n* callers see 1 to *n* |
/// | [`add`](Engine::add) | add a number | the sum so far, with this caller's number |
/// | [`set_add`](Engine::set_add), [`set_remove`](Engine::set_remove) | add or remove a name | true if that changed the list |
/// | [`set_range`](Engine::set_range) | read | names in byte order |
/// | [`export`](Engine::export) | each entry is read in one step | everything, once or more often |
/// | [`probe`](Engine::probe) | several, on names of its own | whether all of the above work |
///
/// *Each verb touches one key*, so that the keys may lie on different machines. No step spans two
/// keys.
///
/// *Records, counters and lists.* A counter is a record whose value is its number in decimal
/// digits: it can be read with `get` and reset with `remove`. Lists have names of their own: the
/// list `a` and the record `a` have nothing in common.
///
/// *Expiry.* A record whose time has passed is gone for every verb, swept or not. Expiry here is
/// hygiene and goes by the machine's clock; what must not be used after a given moment carries that
/// moment itself and is judged elsewhere.
///
/// *Durability.* When the embedded file engine has answered, the change is on disk. With Redis this
/// is as good as that server's settings, which [`durability_warnings`](Engine::durability_warnings) examines.
///
/// *Order.* A verb that begins after another was answered sees what that one did.
///
/// *Failure.* After [`Error::Unavailable`] a write **may or may not have happened**: its answer can
/// be lost on the way back. No engine repeats such a write by itself, since a repeated `take`,
/// `count` or `add` would give the wrong answer; [`Store::resolving`](crate::Store::resolving)
/// finds out what became of it where that can be known. The same holds for a caller that stops
/// waiting: the verb may still be carried out.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The value under `key`.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Writes `value` unless something is there already: then false, and nothing changes.
    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool>;

    /// Replaces the value by `new` if it is `expected`, byte for byte; `ttl` then counts anew.
    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult>;

    /// Reads and removes in one step.
    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Removes; false if nothing was there.
    async fn remove(&self, key: &str) -> Result<bool>;

    /// Adds one to a counter and returns its new value; see [`add`](Engine::add).
    async fn count(&self, key: &str, ttl: Duration) -> Result<u64> {
        self.add(key, 1, ttl).await
    }

    /// Adds `amount` to a counter and returns its new value. The first time starts the counter's
    /// life of `ttl`; later ones do not prolong it. A key that holds something else is an error.
    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64>;

    /// Adds a name to a list, for good; false if it is in already.
    async fn set_add(&self, list: &str, member: &str) -> Result<bool>;

    /// Removes a name from a list; false if it was not in.
    async fn set_remove(&self, list: &str, member: &str) -> Result<bool>;

    /// At most `limit` names in byte order, those strictly after `after` if it is given. To read a
    /// whole list, ask again with the last name received until fewer than `limit` come.
    async fn set_range(&self, list: &str, after: Option<&str>, limit: usize)
    -> Result<Vec<String>>;

    /// Everything in the store, for a backup: records with the time that is left to them, then the
    /// members of lists.
    ///
    /// The embedded engine reads one snapshot. Redis has none to give, and promises less: what is
    /// there from the beginning to the end comes at least once; what is written, removed or expires
    /// meanwhile may come or not, and a record that changes meanwhile comes as it was at some
    /// moment of the export, perhaps twice. Then the later one is the newer. On both, a member that
    /// was listed before its record was exported comes too, since lists come last.
    async fn export(&self) -> Result<Export>;

    /// Succeeds if the engine answers now. It may be unable to write all the same: see
    /// [`probe`](Engine::probe).
    async fn ping(&self) -> Result<()>;

    /// Succeeds if the engine can do its work now: it writes and reads, under names of its own,
    /// with every verb that may be missing by itself. The error says what is wrong and what cures
    /// it. It costs a commit, or a few round trips.
    async fn probe(&self) -> Result<()> {
        each_verb(self).await
    }

    /// Ends when the engine will never write again in this process, with the reason. Only a new
    /// process helps then.
    async fn broken(&self) -> String {
        std::future::pending().await
    }

    /// What could lose data with this engine as it is set up: sentences for the person at the
    /// terminal. None if all is well.
    async fn durability_warnings(&self) -> Result<Vec<String>>;
}

/// The record and the list that probes use, and for how long the record stays.
pub(crate) const PROBE: &str = "probe";
pub(crate) const PROBE_KEPT: Duration = Duration::from_mins(1);

/// Runs every verb once. Other servers may do the same at this moment, so the answers count for
/// nothing, only the errors.
pub(crate) async fn each_verb<E: Engine + ?Sized>(engine: &E) -> Result<()> {
    let ttl = Ttl::For(PROBE_KEPT);
    engine.insert(PROBE, b"1", ttl).await?;
    engine.compare_and_swap(PROBE, b"1", b"2", ttl).await?;
    engine.get(PROBE).await?;
    engine.take(PROBE).await?;
    engine.count(PROBE, PROBE_KEPT).await?;
    engine.remove(PROBE).await?;
    engine.set_add(PROBE, PROBE).await?;
    engine.set_range(PROBE, None, 1).await?;
    engine.set_remove(PROBE, PROBE).await?;
    Ok(())
}

/// How long the store must keep a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Until it is removed.
    Forever,
    /// So long from the moment of the write (to the millisecond, rounded up); it is never gone
    /// sooner.
    For(Duration),
}

/// The answer to [`Engine::compare_and_swap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasResult {
    /// The expected value was there and has been replaced.
    Done,
    /// Nothing was changed. This is there now: another value, or nothing.
    Changed(Option<Vec<u8>>),
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed or did not answer in time. A write may have happened nevertheless.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another process holds this file.
    #[error("{} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The text does not name a store; see [`Location`](crate::Location) for what does.
    #[error("{0}")]
    Location(String),
}

/// What every verb returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
