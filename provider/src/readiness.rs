//! Whether the server can do its work: the store is asked to do each kind of thing, not only to
//! answer.

use oauth::Timestamp;
use tokio::sync::Mutex;

use crate::{Provider, problem::Unavailable};

/// What the last probe of the store found, and when it ended. Whoever holds the lock makes the next
/// one.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Timestamp, Result<(), Unavailable>)>>);

impl Provider {
    /// Whether the store does its work: it is written to, and read. One probe a second is made at
    /// the most, whoever asks: those who ask in the same second, or while one is made, get its
    /// answer.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        let asked_at = self.now();
        let mut last = self.0.readiness.0.lock().await;
        if let Some((ended_at, answer)) = &*last
            && (asked_at..=self.now()).contains(ended_at)
        {
            return answer.clone();
        }
        let answer = self.plain_store().probe().await.map_err(Unavailable::from);
        *last = Some((self.now(), answer.clone()));
        answer
    }
}
