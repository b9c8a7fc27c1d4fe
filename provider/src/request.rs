//! The number of the request that is being answered: the log, the pages and what is noted of
//! failures share it.

use std::{fmt, future::Future};

use tokio::task_local;

/// A random number by which a person's report is found in the log, and on the page of failed
/// requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// The number `label`.
    pub const fn new(label: u64) -> Self {
        Self(label)
    }

    /// Does the work of the request under its number. What the work spawns as tasks of their own
    /// belongs to no request.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// The number of the request that this code works for, if it works for one.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|id| *id).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
