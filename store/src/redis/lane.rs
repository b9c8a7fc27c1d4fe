//! One connection, which is replaced when it is of no more use.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use redis::RedisError;
use tokio::time::{Instant, sleep_until};

use super::{dialer::Dialed, pauses::pause_after};

/// A connection with its number.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) dialed: Dialed,
    pub(super) number: u64,
}

/// A place for one connection. Concurrent callers share it, and share each attempt to replace it.
pub(super) struct Lane {
    current: RwLock<Option<Live>>,
    /// The number of completed attempts to connect.
    attempts: AtomicU64,
    /// Locked during an attempt.
    turn: tokio::sync::Mutex<Turn>,
}

struct Turn {
    /// When the next attempt may begin. The address may still lead to a server that is of no use,
    /// so there is a pause after a success as well.
    next: Instant,
    failures: u32,
    last_fault: Option<RedisError>,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            current: RwLock::new(None),
            attempts: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(Turn {
                next: Instant::now(),
                failures: 0,
                last_fault: None,
            }),
        }
    }

    /// The connection, if there is one that can be used.
    pub(super) fn live(&self) -> Option<Live> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current
            .clone()
            .filter(|live| !live.dialed.closed.load(Ordering::Acquire))
    }

    /// The connection, or a new one by `dial`. An error means that nothing was sent.
    pub(super) async fn connection(
        &self,
        dial: impl Future<Output = Result<Dialed, RedisError>>,
    ) -> Result<Live, RedisError> {
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let attempts = self.attempts.load(Ordering::Acquire);
        let mut turn = self.turn.lock().await;
        if let Some(live) = self.live() {
            return Ok(live);
        }
        if self.attempts.load(Ordering::Acquire) != attempts
            && let Some(fault) = &turn.last_fault
        {
            // Another caller has just tried.
            return Err(fault.clone());
        }
        sleep_until(turn.next).await;
        let made = dial.await;
        let number = self.attempts.fetch_add(1, Ordering::AcqRel) + 1;
        turn.failures = if made.is_ok() { 0 } else { turn.failures + 1 };
        turn.next = Instant::now() + pause_after(turn.failures);
        turn.last_fault = made.as_ref().err().cloned();
        let live = made.map(|dialed| Live { dialed, number })?;
        if number > 1 {
            tracing::warn!("reconnected to Redis");
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
        Ok(live)
    }

    /// The connection with this number is of no more use. Commands that wait for answers over it
    /// may still get them.
    pub(super) fn lost(&self, number: u64) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|live| live.number == number) {
            *current = None;
        }
    }
}
