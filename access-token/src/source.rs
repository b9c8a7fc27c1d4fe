//! The keys of a verifier outside the issuer's process, and their cache.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use jose::Jwks;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::{JWKS_PATH, KEYS_PATH, KeySet};

/// Keys that are older than this are fetched again.
const MAX_AGE: Duration = Duration::minutes(5);
/// The minimum time between two fetches while there are keys, since every client can invent unknown key
/// ids.
const PAUSE: Duration = Duration::seconds(10);
/// The minimum time without keys, when every request is refused.
const PAUSE_WITHOUT_KEYS: Duration = Duration::seconds(1);
/// Keys that are older than this are not used even if no newer ones are available, so that a
/// revoked key stops working.
const MAX_STALE: Duration = Duration::DAY;

/// A document of public keys: a [`KeySet`] of PASETO keys or a [`Jwks`].
pub trait KeyDocument: Clone + fmt::Debug + Send + Sync + 'static {
    /// Its path at the issuer.
    const PATH: &'static str;

    /// Whether it has a key of this id.
    fn has(&self, id: &str) -> bool;
}

impl KeyDocument for KeySet {
    const PATH: &'static str = KEYS_PATH;

    fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.key.id().as_str() == id)
    }
}

impl KeyDocument for Jwks {
    const PATH: &'static str = JWKS_PATH;

    fn has(&self, id: &str) -> bool {
        self.find(id).is_some()
    }
}

/// Fetches the current public keys of an issuer.
#[async_trait]
pub trait KeySetSource<K = KeySet>: Send + Sync {
    /// Fetches the keys once. The caller caches, so an implementation need not. It must end by
    /// itself in a few seconds.
    async fn fetch(&self) -> Result<K, SourceError>;
}

/// Why the keys are unavailable. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's keys are not available: {0}")]
pub struct SourceError(pub String);

/// The cached keys of one source.
pub(crate) struct CachedKeys<K> {
    source: Arc<dyn KeySetSource<K>>,
    /// Locked to copy or replace, never across an await.
    cache: RwLock<Cache<K>>,
    /// One fetch at a time.
    turn: Mutex<()>,
}

#[derive(Clone)]
struct Cache<K> {
    held: Option<(Arc<K>, OffsetDateTime)>,
    tried: Option<OffsetDateTime>,
    attempts: u64,
    fault: Option<SourceError>,
}

impl<K: KeyDocument> CachedKeys<K> {
    pub(crate) fn new(source: Arc<dyn KeySetSource<K>>) -> Self {
        let empty = Cache {
            held: None,
            tried: None,
            attempts: 0,
            fault: None,
        };
        Self {
            source,
            cache: RwLock::new(empty),
            turn: Mutex::new(()),
        }
    }

    /// The keys in which to find `id`: the cached ones if they are fresh and contain it, otherwise
    /// the newest available.
    pub(crate) async fn with(&self, id: &str, now: OffsetDateTime) -> Result<Arc<K>, SourceError> {
        let seen = self.cached();
        let usable = seen.usable(now);
        let known = usable.as_ref().is_some_and(|set| set.has(id));
        if let (Some(set), true) = (usable, known && (seen.is_fresh(now) || !seen.may_try(now))) {
            return Ok(set);
        }
        if known {
            // One caller fetches; the others use the cached keys.
            if let Ok(_turn) = self.turn.try_lock() {
                self.fetch(now, seen.attempts).await;
            }
        } else {
            let _turn = self.turn.lock().await;
            self.fetch(now, seen.attempts).await;
        }
        let known = self.cached();
        known.usable(now).ok_or_else(|| {
            known
                .fault
                .unwrap_or_else(|| SourceError("not asked yet".into()))
        })
    }

    /// Fetches the keys, unless another caller did while this one waited, or just before. Needs the
    /// lock.
    async fn fetch(&self, now: OffsetDateTime, attempts_seen: u64) {
        let seen = self.cached();
        if seen.attempts != attempts_seen || !seen.may_try(now) {
            return;
        }
        // Set before the request: a caller that is cancelled during the request must not let the
        // next one fetch at once.
        self.change(|cache| cache.tried = Some(now));
        let answer = self.source.fetch().await;
        if let Err(fault) = &answer {
            tracing::warn!(%fault, "could not read the keys; keeping the current ones");
        }
        self.change(|cache| {
            cache.attempts += 1;
            match answer {
                Ok(set) => (cache.held, cache.fault) = (Some((Arc::new(set), now)), None),
                Err(fault) => cache.fault = Some(fault),
            }
        });
    }

    fn cached(&self) -> Cache<K> {
        self.cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut Cache<K>)) {
        change(&mut self.cache.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<K> Cache<K> {
    fn usable(&self, now: OffsetDateTime) -> Option<Arc<K>> {
        let (set, at) = self.held.as_ref()?;
        (apart(now, *at) < MAX_STALE).then(|| Arc::clone(set))
    }

    fn is_fresh(&self, now: OffsetDateTime) -> bool {
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

/// In either direction, so that a clock that is set back does not extend the life of old keys.
fn apart(a: OffsetDateTime, b: OffsetDateTime) -> Duration {
    (a - b).abs()
}

impl<K: KeyDocument> fmt::Debug for CachedKeys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, tried) = {
            let cache = self.cached();
            (cache.held.map(|(_, at)| at), cache.tried)
        };
        f.debug_struct("CachedKeys")
            .field("held_since", &held)
            .field("tried", &tried)
            .finish_non_exhaustive()
    }
}
