//! How often work waits for the store, whatever it asks for at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use store::{CasResult, Engine, Export, Result, Store, Ttl};
use tokio::sync::{Notify, Semaphore};

/// Holds verbs back, and lets all that are waiting go at once: each time is one wait.
#[derive(Clone)]
pub(crate) struct StallSwitch(Arc<State>);

struct State {
    holds: AtomicBool,
    waiting: AtomicUsize,
    arrived: Notify,
    gate: Semaphore,
}

struct StallingEngine {
    store: Store,
    stall: StallSwitch,
}

impl StallSwitch {
    /// A store that comes and goes with the stall; at first it lets everything pass.
    pub(crate) fn around(store: Store) -> (Store, Self) {
        let (holds, waiting) = (AtomicBool::new(false), AtomicUsize::new(0));
        let stall = Self(Arc::new(State {
            holds,
            waiting,
            arrived: Notify::new(),
            gate: Semaphore::new(0),
        }));
        (
            Store::new(StallingEngine {
                store,
                stall: stall.clone(),
            }),
            stall,
        )
    }

    /// How often `work` waits for the store. Nothing else may use it meanwhile.
    pub(crate) async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        self.0.holds.store(true, Ordering::SeqCst);
        let mut work = std::pin::pin!(work);
        let mut waits = 0;
        let result = loop {
            tokio::select! {
                biased;
                result = &mut work => break result,
                () = self.everyone() => {
                    waits += 1;
                    self.release();
                }
            }
        };
        self.0.holds.store(false, Ordering::SeqCst);
        // What goes on after the answer is held back no longer.
        self.release();
        (waits, result)
    }

    /// Begins `work`, and gives it up while it waits for the store for the first time.
    pub(crate) async fn abandon(&self, work: impl Future) {
        self.0.holds.store(true, Ordering::SeqCst);
        tokio::select! {
            biased;
            _ = work => panic!("it never waited for the store"),
            () = self.everyone() => {}
        }
        self.0.holds.store(false, Ordering::SeqCst);
        self.release();
    }

    /// Begins `work`, lets the store answer it so many times, does `meanwhile` while it waits for
    /// the next answer, and lets it end. `false` when it does not wait that often; then nothing
    /// happened meanwhile.
    pub(crate) async fn between<T>(
        &self,
        answers: u64,
        work: impl Future<Output = T>,
        meanwhile: impl Future,
    ) -> (T, bool) {
        self.0.holds.store(true, Ordering::SeqCst);
        let mut work = std::pin::pin!(work);
        for _ in 0..answers {
            tokio::select! {
                biased;
                result = &mut work => {
                    self.0.holds.store(false, Ordering::SeqCst);
                    return (result, false);
                }
                () = self.anyone() => self.release(),
            }
        }
        tokio::select! {
            biased;
            result = &mut work => {
                self.0.holds.store(false, Ordering::SeqCst);
                return (result, false);
            }
            () = self.anyone() => self.0.holds.store(false, Ordering::SeqCst),
        }
        meanwhile.await;
        self.release();
        (work.await, true)
    }

    fn release(&self) {
        self.0
            .gate
            .add_permits(self.0.waiting.swap(0, Ordering::SeqCst));
    }

    /// Until all are waiting that will: the work is in another task, and asks for several things at
    /// once.
    async fn everyone(&self) {
        self.someone().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Until somebody is waiting, and usually whoever asks at the same time.
    async fn anyone(&self) {
        self.someone().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    async fn someone(&self) {
        while self.0.waiting.load(Ordering::SeqCst) == 0 {
            self.0.arrived.notified().await;
        }
    }

    async fn pass(&self) {
        if self.0.holds.load(Ordering::SeqCst) {
            self.0.waiting.fetch_add(1, Ordering::SeqCst);
            self.0.arrived.notify_one();
            self.0
                .gate
                .acquire()
                .await
                .expect("the gate stays")
                .forget();
        }
    }
}

#[async_trait]
impl Engine for StallingEngine {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.stall.pass().await;
        self.store.get(key).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        self.stall.pass().await;
        self.store.insert(key, value, ttl).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        self.stall.pass().await;
        self.store.compare_and_swap(key, expected, new, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.stall.pass().await;
        self.store.take(key).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.stall.pass().await;
        self.store.remove(key).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        self.stall.pass().await;
        self.store.add(key, amount, ttl).await
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        self.stall.pass().await;
        self.store.set_add(list, member).await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        self.stall.pass().await;
        self.store.set_remove(list, member).await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.stall.pass().await;
        self.store.set_range(list, after, limit).await
    }

    async fn export(&self) -> Result<Export> {
        self.stall.pass().await;
        self.store.export().await
    }

    async fn ping(&self) -> Result<()> {
        self.stall.pass().await;
        self.store.ping().await
    }

    async fn probe(&self) -> Result<()> {
        self.stall.pass().await;
        self.store.probe().await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        self.store.durability_warnings().await
    }
}
