//! A store that fails on purpose.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::{CasResult, Engine, Error, Export, Result, Store, Ttl};

/// An engine that passes each verb on to a store until its [`FaultSwitch`] says otherwise.
pub struct Breakable {
    store: Store,
    switch: FaultSwitch,
}

/// Breaks and mends a [`Breakable`], and counts the verbs that were called.
#[derive(Clone, Default)]
pub struct FaultSwitch(Arc<State>);

#[derive(Default)]
struct State {
    fault: Mutex<Fault>,
    calls: AtomicU64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    All,
    Writes,
    LostAnswers,
    LostWriteAnswers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

impl Breakable {
    /// Wraps a store. The new one works until the switch is used.
    #[expect(
        clippy::new_ret_no_self,
        reason = "only the store around it and the switch are of use"
    )]
    pub fn new(store: Store) -> (Store, FaultSwitch) {
        let switch = FaultSwitch::default();
        (
            Store::new(Self {
                store,
                switch: switch.clone(),
            }),
            switch,
        )
    }

    /// Runs a verb, or does not, as the switch says.
    async fn run<T: Send>(
        &self,
        kind: Kind,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.switch.0.calls.fetch_add(1, Ordering::SeqCst);
        match (self.switch.fault(), kind) {
            (Fault::All, _) | (Fault::Writes, Kind::Write) => {
                Err(Error::Unavailable("broken on purpose".to_owned()))
            }
            (Fault::LostAnswers, _) | (Fault::LostWriteAnswers, Kind::Write) => {
                verb.await?;
                Err(Error::Unavailable("answer lost on purpose".to_owned()))
            }
            (Fault::None, _) | (Fault::Writes | Fault::LostWriteAnswers, Kind::Read) => verb.await,
        }
    }
}

impl FaultSwitch {
    /// From now on every verb fails with [`Error::Unavailable`] and does nothing.
    pub fn break_all(&self) {
        self.set(Fault::All);
    }

    /// From now on every verb that could change something fails and does nothing; the others work.
    pub fn break_writes(&self) {
        self.set(Fault::Writes);
    }

    /// From now on every verb is carried out and then reported as failed.
    pub fn lose_answers(&self) {
        self.set(Fault::LostAnswers);
    }

    /// From now on every verb that could change something is carried out and then reported as
    /// failed; the others work.
    pub fn lose_write_answers(&self) {
        self.set(Fault::LostWriteAnswers);
    }

    /// From now on everything works again.
    pub fn mend(&self) {
        self.set(Fault::None);
    }

    /// How many verbs were called so far, failed ones included: the number of round trips.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }

    fn set(&self, fault: Fault) {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn fault(&self) -> Fault {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Engine for Breakable {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(Kind::Read, self.store.get(key)).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        self.run(Kind::Write, self.store.insert(key, value, ttl))
            .await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        self.run(
            Kind::Write,
            self.store.compare_and_swap(key, expected, new, ttl),
        )
        .await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(Kind::Write, self.store.take(key)).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.run(Kind::Write, self.store.remove(key)).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        self.run(Kind::Write, self.store.add(key, amount, ttl))
            .await
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        self.run(Kind::Write, self.store.set_add(list, member))
            .await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        self.run(Kind::Write, self.store.set_remove(list, member))
            .await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.run(Kind::Read, self.store.set_range(list, after, limit))
            .await
    }

    async fn export(&self) -> Result<Export> {
        self.run(Kind::Read, self.store.export()).await
    }

    async fn ping(&self) -> Result<()> {
        self.run(Kind::Read, self.store.ping()).await
    }

    async fn probe(&self) -> Result<()> {
        self.run(Kind::Write, self.store.probe()).await
    }

    async fn broken(&self) -> String {
        self.store.broken().await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        self.run(Kind::Read, self.store.durability_warnings()).await
    }
}
