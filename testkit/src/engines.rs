//! Engines that wrap a store. One type passes every call on, and an [`Interceptor`] changes it: the
//! call fails ([`FaultSwitch`], [`FaultPlan`]), waits ([`StallSwitch`]) or is recorded
//! ([`Recorder`]).

mod fault_plan;
mod fault_switch;
mod recorder;
mod stall_switch;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use store::{BatchStep, CasResult, Engine, Export, Result, StepResult, Store, Ttl, one_by_one};

pub use fault_plan::{Fault, FaultPlan};
pub use fault_switch::FaultSwitch;
pub use recorder::Recorder;
pub use stall_switch::StallSwitch;

/// An operation of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the methods of `Engine`")]
pub enum Verb {
    Get,
    Insert,
    CompareAndSwap,
    Take,
    Remove,
    Add,
    SetAdd,
    SetRemove,
    SetRange,
    Batch,
    Export,
    Ping,
    Probe,
    DurabilityWarnings,
}

impl Verb {
    /// Whether it may change the store.
    pub const fn is_write(self) -> bool {
        match self {
            Self::Insert
            | Self::CompareAndSwap
            | Self::Take
            | Self::Remove
            | Self::Add
            | Self::SetAdd
            | Self::SetRemove
            | Self::Batch
            | Self::Probe => true,
            Self::Get | Self::SetRange | Self::Export | Self::Ping | Self::DurabilityWarnings => {
                false
            }
        }
    }
}

/// One call of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation.
    pub verb: Verb,
    /// The key or list; empty without one.
    pub key: &'a str,
    /// The new value, if any.
    pub value: &'a [u8],
}

/// Code around each call.
pub trait Interceptor: Clone + Send + Sync + 'static {
    /// Runs `verb` or not, and returns its result or another one.
    fn around<T: Send>(
        &self,
        call: Call<'_>,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Whether a batch of these steps is one call now. Otherwise each of its steps is one.
    fn takes_batch(&self, _steps: &[BatchStep<'_>]) -> bool {
        false
    }

    /// A store whose calls `self` intercepts.
    fn wrap(&self, store: Store) -> Store {
        Store::new(Wrapped {
            store,
            interceptor: self.clone(),
        })
    }
}

/// A store with an interceptor.
struct Wrapped<I> {
    store: Store,
    interceptor: I,
}

impl<I: Interceptor> Wrapped<I> {
    async fn run<T: Send>(
        &self,
        verb: Verb,
        key: &str,
        value: &[u8],
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.interceptor
            .around(Call { verb, key, value }, work)
            .await
    }
}

#[async_trait]
impl<I: Interceptor> Engine for Wrapped<I> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(Verb::Get, key, b"", self.store.get(key)).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        let work = self.store.insert(key, value, ttl);
        self.run(Verb::Insert, key, value, work).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        let work = self.store.compare_and_swap(key, expected, new, ttl);
        self.run(Verb::CompareAndSwap, key, new, work).await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(Verb::Take, key, b"", self.store.take(key)).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        let work = self.store.remove(key);
        self.run(Verb::Remove, key, b"", work).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        let work = self.store.add(key, amount, ttl);
        self.run(Verb::Add, key, b"", work).await
    }

    async fn set_add(&self, set: &str, member: &str) -> Result<bool> {
        let work = self.store.set_add(set, member);
        self.run(Verb::SetAdd, set, member.as_bytes(), work).await
    }

    async fn set_remove(&self, set: &str, member: &str) -> Result<bool> {
        let work = self.store.set_remove(set, member);
        self.run(Verb::SetRemove, set, member.as_bytes(), work)
            .await
    }

    async fn set_range(&self, set: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let work = self.store.set_range(set, after, limit);
        self.run(Verb::SetRange, set, b"", work).await
    }

    async fn batch(&self, steps: &[BatchStep<'_>]) -> Result<Vec<StepResult>> {
        if self.interceptor.takes_batch(steps) {
            let work = self.store.batch(steps);
            self.run(Verb::Batch, "", b"", work).await
        } else {
            one_by_one(self, steps).await
        }
    }

    fn sends_batches_at_once(&self) -> bool {
        self.store.sends_batches_at_once()
    }

    async fn export(&self) -> Result<Export> {
        self.run(Verb::Export, "", b"", self.store.export()).await
    }

    async fn ping(&self) -> Result<()> {
        self.run(Verb::Ping, "", b"", self.store.ping()).await
    }

    async fn probe(&self) -> Result<()> {
        self.run(Verb::Probe, "", b"", self.store.probe()).await
    }

    async fn broken(&self) -> String {
        self.store.broken().await
    }

    async fn settled(&self, key: &str) -> Result<()> {
        self.store.settled(key).await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        let work = self.store.durability_warnings();
        self.run(Verb::DurabilityWarnings, "", b"", work).await
    }
}
