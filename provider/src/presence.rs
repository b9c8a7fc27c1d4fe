//! Whether somebody still waits for the answer to a request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the client of a request still waits for its answer. Clones share one state. Expensive
/// work that has not begun is dropped when nobody waits for it; work that has begun is finished, so
/// that no change is left half done.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<AtomicBool>);

impl Presence {
    /// The client has closed its connection.
    pub fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the client has closed its connection.
    pub fn has_ended(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
