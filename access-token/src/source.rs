//! Where a verifier outside the issuer's process gets the keys from, and how long it keeps them.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::{KeyId, KeySet};

/// Keys are asked for anew when they are older than this.
const MAX_AGE: Duration = Duration::minutes(5);
/// The shortest time between two requests while there are keys: unknown key ids cost nothing to
/// invent.
const PAUSE: Duration = Duration::seconds(10);
/// The same while there are none, when every caller is refused.
const PAUSE_WITHOUT_KEYS: Duration = Duration::seconds(1);
/// Keys older than this are not used even when no newer ones can be had: by then a withdrawn key
/// must be dead.
const MAX_STALE: Duration = Duration::DAY;

/// Brings the present public keys of an issuer.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Asks once. The caller caches, so an implementation need not; it must end by itself in a few
    /// seconds.
    async fn fetch(&self) -> Result<KeySet, SourceError>;
}

/// Why the keys could not be had. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's keys are not available: {0}")]
pub struct SourceError(pub String);

/// The keys of one source with a memory.
pub(crate) struct CachedKeys {
    source: Arc<dyn KeySource>,
    /// Held to copy or replace, never across an await.
    memory: RwLock<Memory>,
    /// One request at a time.
    turn: Mutex<()>,
}

#[derive(Clone, Default)]
struct Memory {
    held: Option<(Arc<KeySet>, OffsetDateTime)>,
    tried: Option<OffsetDateTime>,
    attempts: u64,
    fault: Option<SourceError>,
}

impl CachedKeys {
    pub(crate) fn new(source: Arc<dyn KeySource>) -> Self {
        Self {
            source,
            memory: RwLock::default(),
            turn: Mutex::new(()),
        }
    }

    /// The keys to look `id` up in: those at hand when they are fresh and have it, else the best
    /// that can be had.
    pub(crate) async fn with(
        &self,
        id: &KeyId,
        now: OffsetDateTime,
    ) -> Result<Arc<KeySet>, SourceError> {
        let seen = self.recall();
        let usable = seen.usable(now);
        let known = usable.as_ref().is_some_and(|set| set.holds(id));
        if let (Some(set), true) = (usable, known && (seen.fresh(now) || !seen.may_try(now))) {
            return Ok(set);
        }
        if known {
            // One caller asks; the others go on with what there is.
            if let Ok(_turn) = self.turn.try_lock() {
                self.ask(now, seen.attempts).await;
            }
        } else {
            let _turn = self.turn.lock().await;
            self.ask(now, seen.attempts).await;
        }
        let known = self.recall();
        known.usable(now).ok_or_else(|| {
            known
                .fault
                .unwrap_or_else(|| SourceError("not asked yet".into()))
        })
    }

    /// Asks the source, unless somebody did while this caller waited, or did just before. Needs the
    /// turn.
    async fn ask(&self, now: OffsetDateTime, attempts_seen: u64) {
        let seen = self.recall();
        if seen.attempts != attempts_seen || !seen.may_try(now) {
            return;
        }
        // Noted before the request: a caller that goes away in the middle must not open the way for
        // the next at once.
        self.change(|memory| memory.tried = Some(now));
        let answer = self.source.fetch().await;
        if let Err(fault) = &answer {
            tracing::warn!(%fault, "keeping the keys at hand, if any");
        }
        self.change(|memory| {
            memory.attempts += 1;
            match answer {
                Ok(set) => (memory.held, memory.fault) = (Some((Arc::new(set), now)), None),
                Err(fault) => memory.fault = Some(fault),
            }
        });
    }

    fn recall(&self) -> Memory {
        self.memory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Memory {
    fn usable(&self, now: OffsetDateTime) -> Option<Arc<KeySet>> {
        let (set, at) = self.held.as_ref()?;
        (apart(now, *at) < MAX_STALE).then(|| Arc::clone(set))
    }

    fn fresh(&self, now: OffsetDateTime) -> bool {
        self.held
            .as_ref()
            .is_some_and(|(_, at)| apart(now, *at) < MAX_AGE)
    }

    fn may_try(&self, now: OffsetDateTime) -> bool {
        let pause = if self.usable(now).is_some() {
            PAUSE
        } else {
            PAUSE_WITHOUT_KEYS
        };
        self.tried.is_none_or(|at| apart(now, at) >= pause)
    }
}

/// In either direction, so that a clock set back does not keep old keys alive.
fn apart(a: OffsetDateTime, b: OffsetDateTime) -> Duration {
    (a - b).abs()
}

impl fmt::Debug for CachedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, tried) = {
            let memory = self.recall();
            (memory.held.map(|(_, at)| at), memory.tried)
        };
        f.debug_struct("CachedKeys")
            .field("held_since", &held)
            .field("tried", &tried)
            .finish_non_exhaustive()
    }
}
