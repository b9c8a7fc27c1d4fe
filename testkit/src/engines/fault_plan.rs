//! A store that fails at one call, or from one call on, to see what is left when an operation stops
//! half way.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use store::{Error, Location, Result, Store};

use super::{Call, Interceptor};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens.
    NotDone,
    /// It happens, and the answer is lost.
    AnswerLost,
}

/// Says which of the calls from now on fail. Clones are the same plan.
#[derive(Clone)]
pub struct FaultPlan {
    part: Part,
    plan: Arc<Mutex<Plan>>,
}

struct Plan {
    calls: usize,
    failing: Range<usize>,
    fault: Fault,
}

/// What of the store fails.
#[derive(Clone, Copy, PartialEq, Eq)]
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

impl FaultPlan {
    /// A store in memory, and a plan for what operations do there. What the audit log does comes
    /// after an operation and is not counted.
    pub async fn store() -> (Store, Self) {
        Self::over(Part::Operations).await
    }

    /// A store in memory, and a plan for what the audit log does there.
    pub async fn store_of_the_audit_log() -> (Store, Self) {
        Self::over(Part::AuditLog).await
    }

    async fn over(part: Part) -> (Store, Self) {
        let plan = Self {
            part,
            plan: Arc::new(Mutex::new(Plan {
                calls: 0,
                failing: 0..0,
                fault: Fault::NotDone,
            })),
        };
        let store = Store::open(&Location::Memory).await.expect("a store");
        (plan.wrap(store), plan)
    }

    /// From now on the calls with these numbers fail, counted from 0.
    pub fn fail(&self, calls: Range<usize>, fault: Fault) {
        *self.plan.lock().expect("no panic") = Plan {
            calls: 0,
            failing: calls,
            fault,
        };
    }

    /// From now on no call fails. Says whether one has failed before.
    pub fn mend(&self) -> bool {
        let mut plan = self.plan.lock().expect("no panic");
        let has_failed = plan.calls > plan.failing.start;
        plan.calls = 0;
        plan.failing = 0..0;
        has_failed
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.plan.lock().expect("no panic");
        plan.calls += 1;
        plan.failing
            .contains(&(plan.calls - 1))
            .then_some(plan.fault)
    }
}

impl Interceptor for FaultPlan {
    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let is_planned = !call.key.is_empty() && Part::of(call.key) == self.part;
        match is_planned.then(|| self.next()).flatten() {
            None => verb.await,
            Some(Fault::NotDone) => Err(Error::Unavailable("not done on purpose".to_owned())),
            Some(Fault::AnswerLost) => verb
                .await
                .and_then(|_| Err(Error::Unavailable("answer lost on purpose".to_owned()))),
        }
    }
}
