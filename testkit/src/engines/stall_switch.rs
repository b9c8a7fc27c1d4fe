//! How often work waits for the store, whatever it asks for at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use store::{Result, Store};
use tokio::sync::{Notify, Semaphore};

use super::{Call, Interceptor, Verb};

/// Holds verbs back, and lets all that are waiting go at once: each time is one wait. Clones are the
/// same switch.
#[derive(Clone)]
pub struct StallSwitch(Arc<State>);

struct State {
    holds: AtomicBool,
    waiting: AtomicUsize,
    arrived: Notify,
    gate: Semaphore,
}

impl StallSwitch {
    /// Wraps a store. At first the new one lets everything pass.
    pub fn around(store: Store) -> (Store, Self) {
        let switch = Self(Arc::new(State {
            holds: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            arrived: Notify::new(),
            gate: Semaphore::new(0),
        }));
        (switch.wrap(store), switch)
    }

    /// How often `work` waits for the store. Nothing else may use it meanwhile.
    pub async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
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
    pub async fn abandon(&self, work: impl Future) {
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
    pub async fn between<T>(
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

impl Interceptor for StallSwitch {
    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        // Only the command line asks for these warnings.
        if call.verb != Verb::DurabilityWarnings {
            self.pass().await;
        }
        verb.await
    }
}
