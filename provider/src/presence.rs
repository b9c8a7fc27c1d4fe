//! Whether the client of a request is still connected.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the client of a request still waits for its response. Clones share one state. Expensive
/// work that has not begun is dropped when the client is gone; work that has begun is completed, so
/// that no change is incomplete.
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
