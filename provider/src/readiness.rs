//! Whether the server can do its work: the store is asked to do each kind of thing, not only to
//! answer.

use crate::context::Context;
use oauth::Timestamp;
use std::sync::Arc;
use tokio::sync::Mutex;

use crate::unavailable::Unavailable;

/// What the last probe of the store found, and when it ended. Whoever holds the lock makes the next
/// one.
#[derive(Default)]
pub(crate) struct Probe(Mutex<Option<(Timestamp, Result<(), Unavailable>)>>);

/// Whether the store does its work.
pub(crate) struct Readiness {
    pub(crate) context: Context,
    pub(crate) probe: Arc<Probe>,
}

impl Readiness {
    /// Whether the store does its work: it is written to, and read. One probe a second is made at
    /// the most, whoever asks: those who ask in the same second, or while one is made, get its
    /// answer.
    pub(crate) async fn ready(&self) -> Result<(), Unavailable> {
        let asked_at = self.context.now();
        let mut last = self.probe.0.lock().await;
        if let Some((ended_at, answer)) = &*last
            && (asked_at..=self.context.now()).contains(ended_at)
        {
            return answer.clone();
        }
        let answer = self
            .context
            .plain_store()
            .probe()
            .await
            .map_err(Unavailable::from);
        *last = Some((self.context.now(), answer.clone()));
        answer
    }
}
