//! Counts how often work waits for the store, where concurrent calls are one wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use store::{BatchStep, Result, Store};
use tokio::sync::{Notify, Semaphore};

use super::{Call, Interceptor, Verb};

/// Delays calls, and releases all waiting calls together: each time is one wait. Clones share one
/// switch.
#[derive(Clone)]
pub struct StallSwitch(Arc<State>);

struct State {
    holds: AtomicBool,
    /// Whether each step of a batch that writes is a call of its own.
    parts_batches: AtomicBool,
    waiting: AtomicUsize,
    arrived: Notify,
    gate: Semaphore,
}

impl StallSwitch {
    /// Wraps a store. It delays no calls at first.
    pub fn around(store: Store) -> (Store, Self) {
        let switch = Self(Arc::new(State {
            holds: AtomicBool::new(false),
            parts_batches: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            arrived: Notify::new(),
            gate: Semaphore::new(0),
        }));
        (switch.wrap(store), switch)
    }

    /// Counts how often `work` waits for the store. Nothing else may use the store during this.
    pub async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        self.0.holds.store(true, Ordering::SeqCst);
        let mut work = std::pin::pin!(work);
        let mut waits = 0;
        let result = loop {
            tokio::select! {
                biased;
                result = &mut work => break result,
                () = self.all_waiting() => {
                    waits += 1;
                    self.release();
                }
            }
        };
        self.let_go();
        (waits, result)
    }

    /// Begins `work`, and drops it at its first wait for the store.
    pub async fn abandon(&self, work: impl Future) {
        self.0.holds.store(true, Ordering::SeqCst);
        tokio::select! {
            biased;
            _ = work => panic!("it never waited for the store"),
            () = self.all_waiting() => {}
        }
        self.0.holds.store(false, Ordering::SeqCst);
        self.release();
    }

    /// Begins `work`, releases this number of waits, runs `action` during the next wait, and
    /// completes `work`. Returns `false` when there are not that many waits; `action` did not
    /// run then. A batch that writes is carried out step by step, as on a cluster, so that `action`
    /// runs between its steps too.
    pub async fn between<T>(
        &self,
        answers: u64,
        work: impl Future<Output = T>,
        action: impl Future,
    ) -> (T, bool) {
        self.0.parts_batches.store(true, Ordering::SeqCst);
        let result = self.during(answers, work, action).await;
        self.0.parts_batches.store(false, Ordering::SeqCst);
        result
    }

    async fn during<T>(
        &self,
        answers: u64,
        work: impl Future<Output = T>,
        action: impl Future,
    ) -> (T, bool) {
        self.0.holds.store(true, Ordering::SeqCst);
        let mut work = std::pin::pin!(work);
        for _ in 0..answers {
            tokio::select! {
                biased;
                result = &mut work => {
                    self.let_go();
                    return (result, false);
                }
                () = self.some_waiting() => self.release(),
            }
        }
        tokio::select! {
            biased;
            result = &mut work => {
                self.let_go();
                return (result, false);
            }
            () = self.some_waiting() => self.0.holds.store(false, Ordering::SeqCst),
        }
        action.await;
        self.release();
        (work.await, true)
    }

    /// Delays no calls any more, also of work after the answer.
    fn let_go(&self) {
        self.0.holds.store(false, Ordering::SeqCst);
        self.release();
    }

    fn release(&self) {
        self.0
            .gate
            .add_permits(self.0.waiting.swap(0, Ordering::SeqCst));
    }

    /// Waits until all concurrent calls of work in another task are waiting.
    async fn all_waiting(&self) {
        self.first_waiting().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Waits until a call is waiting, and usually its concurrent ones.
    async fn some_waiting(&self) {
        self.first_waiting().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    async fn first_waiting(&self) {
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
                .expect("the semaphore is open")
                .forget();
        }
    }
}

impl Interceptor for StallSwitch {
    fn takes_batch(&self, steps: &[BatchStep<'_>]) -> bool {
        let is_parted = self.0.parts_batches.load(Ordering::SeqCst);
        !is_parted || !steps.iter().any(BatchStep::is_write)
    }

    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        // Only the command line reads these warnings.
        if call.verb != Verb::DurabilityWarnings {
            self.pass().await;
        }
        verb.await
    }
}
