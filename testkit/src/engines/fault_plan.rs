//! A store that fails at one call, or from one call on, to test interrupted operations.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

use store::{Error, Result, Store, StoreLocation};

use super::{Call, Interceptor};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call has no effect.
    NotDone,
    /// The call is carried out, and its answer is lost.
    AnswerLost,
}

/// Defines which future calls fail. Clones share one plan.
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

/// Which calls the plan counts.
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
    /// A store in memory, and a plan for the calls of operations. Calls of the audit log happen
    /// after an operation and are not counted.
    pub async fn store() -> (Store, Self) {
        Self::over(Part::Operations).await
    }

    /// A store in memory, and a plan for the calls of the audit log.
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
        let store = Store::open(&StoreLocation::Memory).await.expect("a store");
        (plan.wrap(store), plan)
    }

    /// Calls with these numbers fail, counted from 0 from now on.
    pub fn fail(&self, calls: Range<usize>, fault: Fault) {
        *self.plan.lock().expect("no panic") = Plan {
            calls: 0,
            failing: calls,
            fault,
        };
    }

    /// Stops all failures; returns whether a call has failed.
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
