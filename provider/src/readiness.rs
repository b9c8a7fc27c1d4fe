//! Readiness: the store is tested with each kind of operation.

use std::sync::Arc;

use oauth::Timestamp;
use tokio::sync::Mutex;

use crate::{context::Context, unavailable::Unavailable};

/// The result and time of the last probe of the store. The holder of the lock makes the next one.
#[derive(Default)]
pub(crate) struct Probe(Mutex<Option<(Timestamp, Result<(), Unavailable>)>>);

/// Whether the store does its work.
pub(crate) struct Readiness {
    pub(crate) context: Context,
    pub(crate) probe: Arc<Probe>,
}

impl Readiness {
    /// Whether the store works: it is written and read. There is at most one probe a second;
    /// concurrent and later callers in that second share its result.
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
