//! The ring of signing keys in the store: created once, rotated by compare-and-swap, re-read by
//! every running server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use access_token::{
    JwtRing, JwtSigningKey, KeyError, KeyRing, NewKeys, SealedRing, SealingKey, SigningAlgorithm,
    TokenService, UnsealError,
};
use oauth::Timestamp;
use serde::{Deserialize, Serialize};
use store::Ttl;
use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    context::Context,
    records::{self, Swapped, Versioned, keys},
    unavailable::Unavailable,
};

/// The minimum time between two reads for unknown key ids.
const PAUSE: Duration = Duration::from_secs(1);

/// Readings of the ring on demand, one at a time.
#[derive(Default)]
pub(crate) struct Renewal {
    /// How many began.
    started: AtomicU64,
    /// When the latest ended, and how.
    latest: tokio::sync::Mutex<Option<(tokio::time::Instant, Result<(), Unavailable>)>>,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The signing keys do not open with this sealing key.
    #[error(transparent)]
    Sealed(#[from] UnsealError),
    /// A backup is being restored into the store, or a restore was interrupted.
    #[error("a restore is running or was interrupted")]
    Restoring,
    /// A key could not be made or sealed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<store::Error> for OpenError {
    fn from(error: store::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Why the signing keys were not changed.
#[derive(Debug, Error)]
pub(crate) enum KeyChangeError {
    /// The store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// No server has used the store yet.
    #[error("there are no signing keys")]
    NoKeys,
    /// The signing keys do not open with the sealing key.
    #[error(transparent)]
    Sealed(#[from] UnsealError),
    /// A key could not be made or sealed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The standby keys were published less than two hours ago, and verifiers may not have them.
    #[error("the next keys were published too recently")]
    TooEarly {
        /// From when on they can sign.
        from: Timestamp,
    },
}

/// What the command line and the administrator's page show of a signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySummary {
    /// Its id, as in the footer or the header of a token.
    pub kid: String,
    /// The algorithm of a key of JWTs; none of a PASETO key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Its state.
    pub state: SigningKeyState,
    /// Since when it has signed; unknown of a retiring key.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub since: Option<Timestamp>,
    /// Until when a retiring key still verifies.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub until: Option<Timestamp>,
}

/// What a signing key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningKeyState {
    /// It signs.
    Active,
    /// It is published, and signs next.
    Standby,
    /// It signed, and still verifies.
    Retiring,
}

impl SigningKeyState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Standby => "standby",
            Self::Retiring => "retiring",
        }
    }
}

/// Reads the ring, or creates the first one; a ring without a standby key or without the keys of
/// an algorithm gets them. Of two servers that start concurrently, one makes them.
pub(crate) async fn open(
    context: &Context,
    sealing_key: &SealingKey,
    algorithms: &[SigningAlgorithm],
) -> Result<KeyRing, OpenError> {
    let store = context.store();
    let entropy = context.entropy();
    let now = date_time(context.now());
    loop {
        let Some(sealed) = Versioned::read(store, &keys::KEY_RING).await? else {
            let ring = KeyRing::first(now, &entropy.bytes())?.with_standby(&entropy.bytes())?;
            let ring = with_jwt_keys(ring, algorithms, now).await?;
            let sealed = ring.seal(sealing_key)?;
            records::insert(store, &keys::KEY_RING, &sealed, Ttl::Forever).await?;
            continue;
        };
        let ring = sealed.record.unseal(sealing_key)?;
        if ring.standby().is_some() && missing(&ring, algorithms).next().is_none() {
            return Ok(ring);
        }
        let ring = with_jwt_keys(ring, algorithms, now).await?;
        let complete = ring.with_standby(&entropy.bytes())?.seal(sealing_key)?;
        sealed
            .swap(store, &keys::KEY_RING, complete, Ttl::Forever)
            .await?;
    }
}

/// The algorithms that a ring has no keys of.
fn missing(
    ring: &KeyRing,
    algorithms: &[SigningAlgorithm],
) -> impl Iterator<Item = SigningAlgorithm> {
    algorithms
        .iter()
        .copied()
        .filter(|algorithm| ring.jwt_ring(*algorithm).is_none())
}

async fn with_jwt_keys(
    mut ring: KeyRing,
    algorithms: &[SigningAlgorithm],
    now: OffsetDateTime,
) -> Result<KeyRing, KeyError> {
    let missing: Vec<_> = missing(&ring, algorithms).collect();
    for algorithm in missing {
        let mut keys = jwt_keys(vec![algorithm; 2]).await?;
        let standby = keys.pop().ok_or(KeyError::Jwt)?;
        let active = keys.pop().ok_or(KeyError::Jwt)?;
        ring = ring.with_jwt(JwtRing::first(active, standby, now).ok_or(KeyError::Jwt)?);
    }
    Ok(ring)
}

/// A new key of each algorithm. An RSA key takes up to some seconds of one core.
async fn jwt_keys(algorithms: Vec<SigningAlgorithm>) -> Result<Vec<JwtSigningKey>, KeyError> {
    if algorithms.is_empty() {
        return Ok(Vec::new());
    }
    let make = move || {
        algorithms
            .into_iter()
            .map(JwtSigningKey::generate)
            .collect()
    };
    tokio::task::spawn_blocking(make)
        .await
        .unwrap_or(Err(KeyError::Jwt))
}

/// A point in time as `access-token` and PASETO have it.
pub(crate) fn date_time(at: Timestamp) -> OffsetDateTime {
    i64::try_from(at.seconds())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Whether a sealing key opens the signing keys of a store, by their record.
pub fn opens_key_ring(record: &str, sealing_key: &SealingKey) -> bool {
    records::parse::<SealedRing>(record.as_bytes())
        .is_ok_and(|sealed| sealed.unseal(sealing_key).is_ok())
}

fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp::from_seconds(at.unix_timestamp().try_into().unwrap_or_default())
}

/// The signing keys of the server.
pub struct SigningKeys {
    pub(crate) context: Context,
    pub(crate) sealing_key: SealingKey,
    pub(crate) tokens: Arc<TokenService>,
    pub(crate) renewal: Arc<Renewal>,
}

impl SigningKeys {
    /// Reads the ring again, so that a rotation elsewhere takes effect here.
    pub async fn refresh_keys(&self) -> Result<(), Unavailable> {
        let Some(sealed) = records::read(self.context.store(), &keys::KEY_RING).await? else {
            return Ok(());
        };
        match sealed.unseal(&self.sealing_key) {
            Ok(ring) => self.tokens.replace_ring(ring),
            Err(error) => {
                tracing::error!(%error, "the signing keys in the store cannot be decrypted; keeping the current ones");
            }
        }
        Ok(())
    }

    /// Reads the ring again for a token with an unknown key, at most once a second. Every caller
    /// waits for a read that began after its call, so that a key that another server has created by
    /// then is found.
    pub async fn renew_keys(&self) -> Result<(), Unavailable> {
        let Renewal { started, latest } = &*self.renewal;
        let seen = started.load(Ordering::SeqCst);
        let mut latest = latest.lock().await;
        if started.load(Ordering::SeqCst) > seen {
            return latest
                .as_ref()
                .map_or(Ok(()), |(_, outcome)| outcome.clone());
        }
        if let Some((at, _)) = *latest {
            tokio::time::sleep_until(at + PAUSE).await;
        }
        started.fetch_add(1, Ordering::SeqCst);
        let outcome = self.refresh_keys().await;
        *latest = Some((tokio::time::Instant::now(), outcome.clone()));
        outcome
    }

    /// The signing keys, the active one first.
    pub(crate) async fn keys(&self) -> Result<Vec<KeySummary>, KeyChangeError> {
        self.refresh_keys().await?;
        Ok(self.key_summaries())
    }

    /// Makes the keys of algorithms that new settings need, so that the first token that needs one
    /// finds it.
    pub async fn prepare_keys(&self, algorithms: &[SigningAlgorithm]) -> Result<(), OpenError> {
        let ring = open(&self.context, &self.sealing_key, algorithms).await?;
        self.tokens.replace_ring(ring);
        Ok(())
    }

    /// Makes the standby keys active. The old keys verify until every token that they signed has
    /// expired. Keys of JWTs that were published less than two hours ago are not made active, unless
    /// it is urgent.
    pub(crate) async fn rotate_keys(
        &self,
        urgent: bool,
    ) -> Result<Vec<KeySummary>, KeyChangeError> {
        let lifetimes = self.context.settings().lifetimes;
        let overlap = lifetimes.key_overlap.max(lifetimes.access_token);
        let overlap = overlap.try_into().unwrap_or(time::Duration::MAX);
        let now = date_time(self.context.now());
        self.change_keys(|ring, new| {
            let from = ring.rotates_from();
            if !urgent && now < from {
                let from = timestamp(from);
                return Err(KeyChangeError::TooEarly { from });
            }
            Ok(ring.rotate(now, new, overlap).map(Some)?)
        })
        .await
        .map(Option::unwrap_or_default)
    }

    /// Removes a key, so that its signatures are no longer valid. The standby key replaces the
    /// active one. `None` when there is no such key.
    pub(crate) async fn revoke_key(
        &self,
        id: &str,
    ) -> Result<Option<Vec<KeySummary>>, KeyChangeError> {
        let now = date_time(self.context.now());
        self.change_keys(|ring, new| Ok(ring.without(id, now, new)?))
            .await
    }

    /// Changes the ring by compare-and-swap; `None` when there is nothing to change.
    async fn change_keys(
        &self,
        change: impl Fn(&KeyRing, &NewKeys) -> Result<Option<KeyRing>, KeyChangeError>,
    ) -> Result<Option<Vec<KeySummary>>, KeyChangeError> {
        let mut current = Versioned::read(self.context.store(), &keys::KEY_RING).await?;
        while let Some(sealed) = current {
            let ring = sealed.record.unseal(&self.sealing_key)?;
            let algorithms = ring.jwt().iter().map(JwtRing::algorithm).collect();
            let new = NewKeys {
                seed: self.context.entropy().bytes(),
                jwt: jwt_keys(algorithms).await?,
            };
            let Some(next) = change(&ring, &new)? else {
                return Ok(None);
            };
            let next = next
                .with_standby(&self.context.entropy().bytes())?
                .seal(&self.sealing_key)?;
            match sealed
                .swap(self.context.store(), &keys::KEY_RING, next, Ttl::Forever)
                .await?
            {
                Swapped::Done(_) => return self.keys().await.map(Some),
                Swapped::Changed(other) => current = other,
            }
        }
        Err(KeyChangeError::NoKeys)
    }

    fn key_summaries(&self) -> Vec<KeySummary> {
        let ring = self.tokens.ring();
        let now = self.context.now();
        let summary = |kid: &str, state| KeySummary {
            kid: kid.to_owned(),
            algorithm: None,
            state,
            since: None,
            until: None,
        };
        let retiring = |kid: &str, until| KeySummary {
            until: Some(timestamp(until)),
            ..summary(kid, SigningKeyState::Retiring)
        };
        let mut keys = vec![KeySummary {
            since: Some(timestamp(ring.since())),
            ..summary(ring.active().id().as_str(), SigningKeyState::Active)
        }];
        let old = ring.retiring().iter();
        keys.extend(old.map(|key| retiring(key.key.id().as_str(), key.until)));
        let standby = ring.standby();
        keys.extend(standby.map(|key| summary(key.id().as_str(), SigningKeyState::Standby)));
        for jwt in ring.jwt() {
            let of_jwt = |key: KeySummary| KeySummary {
                algorithm: Some(jwt.algorithm().as_str().to_owned()),
                ..key
            };
            keys.push(of_jwt(KeySummary {
                since: Some(timestamp(jwt.since())),
                ..summary(jwt.active().kid(), SigningKeyState::Active)
            }));
            let old = jwt.retiring().iter().filter_map(|old| {
                let kid = old.key.kid.as_deref()?;
                Some(of_jwt(retiring(kid, old.until)))
            });
            keys.extend(old);
            keys.push(of_jwt(summary(
                jwt.standby().kid(),
                SigningKeyState::Standby,
            )));
        }
        keys.retain(|key| key.until.is_none_or(|until| until > now));
        keys
    }
}
