//! A store that fails on request.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use store::{BatchStep, Error, Result, Store};

use super::{Call, Interceptor};

/// Breaks and repairs a store, and counts its calls. Clones share one switch.
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

impl FaultSwitch {
    /// Wraps a store, which works until the switch is used.
    pub fn around(store: Store) -> (Store, Self) {
        let switch = Self::default();
        (switch.wrap(store), switch)
    }

    /// Every call fails with [`Error::Unavailable`] and has no effect.
    pub fn break_all(&self) {
        self.set(Fault::All);
    }

    /// Every write fails and has no effect; reads work.
    pub fn break_writes(&self) {
        self.set(Fault::Writes);
    }

    /// Every call is carried out and then reported as failed.
    pub fn lose_answers(&self) {
        self.set(Fault::LostAnswers);
    }

    /// Every write is carried out and then reported as failed; reads work.
    pub fn lose_write_answers(&self) {
        self.set(Fault::LostWriteAnswers);
    }

    /// All calls work again.
    pub fn mend(&self) {
        self.set(Fault::None);
    }

    /// The number of calls so far, failed ones included: the round trips. A batch is one.
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

impl Interceptor for FaultSwitch {
    /// A fault is one of a single step.
    fn takes_batch(&self, _steps: &[BatchStep<'_>]) -> bool {
        self.fault() == Fault::None
    }

    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        match (self.fault(), call.verb.is_write()) {
            (Fault::All, _) | (Fault::Writes, true) => {
                Err(Error::Unavailable("broken on purpose".to_owned()))
            }
            (Fault::LostAnswers, _) | (Fault::LostWriteAnswers, true) => {
                verb.await?;
                Err(Error::Unavailable("answer lost on purpose".to_owned()))
            }
            (Fault::None, _) | (Fault::Writes | Fault::LostWriteAnswers, false) => verb.await,
        }
    }
}
