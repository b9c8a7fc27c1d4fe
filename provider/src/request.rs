//! The id of the current request, shared by the log, the pages and failure records.

use std::{fmt, future::Future};

use tokio::task_local;

/// A random id, by which a user's report is found in the log and on the page of failed requests.
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

    /// Runs the work of the request under its id. Tasks that it spawns have no request id.
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
