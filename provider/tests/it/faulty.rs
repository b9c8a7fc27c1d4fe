//! A store that fails at one call, or from one call on, to see what is left when a deed stops half
//! way.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use store::{CasResult, Engine, Error, Export, Location, Result, Store, Ttl};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens.
    NotDone,
    /// It happens, and the answer is lost.
    AnswerLost,
}

/// Says which of the calls from now on fail.
#[derive(Clone)]
pub(crate) struct Plan(Arc<Mutex<(usize, Range<usize>, Fault)>>);

impl Plan {
    /// For what deeds do in the store. What the audit log does comes after a deed, and costs it
    /// nothing.
    pub(crate) async fn store() -> (Store, Self) {
        Self::over(Part::Operations).await
    }

    /// For what the audit log does, which every deed survives.
    pub(crate) async fn store_of_the_audit_log() -> (Store, Self) {
        Self::over(Part::AuditLog).await
    }

    async fn over(part: Part) -> (Store, Self) {
        let plan = Self(Arc::new(Mutex::new((0, 0..0, Fault::NotDone))));
        let store = Store::open(&Location::Memory).await.expect("a store");
        (
            Store::new(Faulty {
                store,
                part,
                plan: plan.clone(),
            }),
            plan,
        )
    }

    pub(crate) fn fail(&self, calls: Range<usize>, fault: Fault) {
        *self.0.lock().expect("no panic") = (0, calls, fault);
    }

    /// From now on all is well. Says whether a call has failed before.
    pub(crate) fn mend(&self) -> bool {
        let (count, failing, fault) = self.0.lock().expect("no panic").clone();
        self.fail(0..0, fault);
        count > failing.start
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.0.lock().expect("no panic");
        plan.0 += 1;
        plan.1.contains(&(plan.0 - 1)).then_some(plan.2)
    }
}

/// What of the store fails.
#[derive(PartialEq, Eq)]
enum Part {
    Operations,
    AuditLog,
}

impl Part {
    fn of(key: &str) -> Self {
        let of_the_audit_log = ["event:", "latest-event", "activity:"]
            .iter()
            .any(|name| key.starts_with(name));
        if of_the_audit_log {
            Self::AuditLog
        } else {
            Self::Operations
        }
    }
}

struct Faulty {
    store: Store,
    part: Part,
    plan: Plan,
}

impl Faulty {
    async fn run<T: Send>(
        &self,
        key: &str,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match (Part::of(key) == self.part)
            .then(|| self.plan.next())
            .flatten()
        {
            None => verb.await,
            Some(Fault::NotDone) => Err(Error::Unavailable("not done on purpose".to_owned())),
            Some(Fault::AnswerLost) => verb
                .await
                .and_then(|_| Err(Error::Unavailable("answer lost on purpose".to_owned()))),
        }
    }
}

#[async_trait]
impl Engine for Faulty {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(key, self.store.get(key)).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        self.run(key, self.store.insert(key, value, ttl)).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        self.run(key, self.store.compare_and_swap(key, expected, new, ttl))
            .await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.run(key, self.store.take(key)).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.run(key, self.store.remove(key)).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        self.run(key, self.store.add(key, amount, ttl)).await
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        self.run(list, self.store.set_add(list, member)).await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        self.run(list, self.store.set_remove(list, member)).await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.run(list, self.store.set_range(list, after, limit))
            .await
    }

    async fn export(&self) -> Result<Export> {
        self.store.export().await
    }

    async fn ping(&self) -> Result<()> {
        self.store.ping().await
    }

    async fn probe(&self) -> Result<()> {
        self.store.probe().await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        self.store.durability_warnings().await
    }
}
