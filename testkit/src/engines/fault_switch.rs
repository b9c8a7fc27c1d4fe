//! A store that fails on purpose.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use store::{Error, Result, Store};

use super::{Call, Interceptor};

/// Breaks and mends a store, and counts the verbs that were called. Clones are the same switch.
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
    /// Wraps a store. The new one works until the switch is used.
    pub fn around(store: Store) -> (Store, Self) {
        let switch = Self::default();
        (switch.wrap(store), switch)
    }

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

impl Interceptor for FaultSwitch {
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
