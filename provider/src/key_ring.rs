//! The ring of signing keys in the store: created once, rotated by compare-and-swap, re-read by
//! every running server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use access_token::{KeyError, KeyId, KeyRing, SealedRing, SealingKey, TokenService, UnsealError};
use oauth::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Store, Ttl};
use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    context::Context,
    environment::Environment,
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
    #[error("a restore is under way, or was interrupted")]
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
}

/// What the command line and the administrator's page show of a signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySummary {
    /// Its id, as in the footer of a token.
    pub kid: String,
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

/// Reads the ring, or creates the first one; a ring without a standby key gets one. Of two servers
/// that start concurrently, one does.
pub(crate) async fn open(
    store: &Store,
    sealing_key: &SealingKey,
    environment: &Environment,
) -> Result<KeyRing, OpenError> {
    loop {
        if let Some(sealed) = Versioned::read(store, &keys::KEY_RING).await? {
            let ring = sealed.record.unseal(sealing_key)?;
            if ring.standby().is_some() {
                return Ok(ring);
            }
            let complete = ring
                .with_standby(&environment.entropy.bytes())?
                .seal(sealing_key)?;
            sealed
                .swap(store, &keys::KEY_RING, complete, Ttl::Forever)
                .await?;
            continue;
        }
        let ring = KeyRing::first(
            date_time(environment.clock.now()),
            &environment.entropy.bytes(),
        )?;
        let ring = ring.with_standby(&environment.entropy.bytes())?;
        records::insert(
            store,
            &keys::KEY_RING,
            &ring.seal(sealing_key)?,
            Ttl::Forever,
        )
        .await?;
    }
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
                tracing::error!(%error, "the signing keys in the store do not open; going on with the ones at hand");
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

    /// Makes the standby key active. The old key verifies until every token that it signed has
    /// expired.
    pub(crate) async fn rotate_keys(&self) -> Result<Vec<KeySummary>, KeyChangeError> {
        let lifetimes = self.context.settings().lifetimes;
        let overlap = lifetimes.key_overlap.max(lifetimes.access_token);
        let overlap = overlap.try_into().unwrap_or(time::Duration::MAX);
        let now = date_time(self.context.now());
        self.change_keys(|ring, seed| ring.rotate(now, seed, overlap).map(Some))
            .await
            .map(Option::unwrap_or_default)
    }

    /// Removes a key, so that its signatures are no longer valid. The standby key replaces the
    /// active one. `None` when there is no such key.
    pub(crate) async fn revoke_key(
        &self,
        id: &KeyId,
    ) -> Result<Option<Vec<KeySummary>>, KeyChangeError> {
        let now = date_time(self.context.now());
        self.change_keys(|ring, seed| ring.without(id, now, seed))
            .await
    }

    /// Changes the ring by compare-and-swap; `None` when there is nothing to change.
    async fn change_keys(
        &self,
        change: impl Fn(&KeyRing, &[u8; 32]) -> Result<Option<KeyRing>, KeyError>,
    ) -> Result<Option<Vec<KeySummary>>, KeyChangeError> {
        let mut current = Versioned::read(self.context.store(), &keys::KEY_RING).await?;
        while let Some(sealed) = current {
            let ring = sealed.record.unseal(&self.sealing_key)?;
            let Some(next) = change(&ring, &self.context.entropy().bytes())? else {
                return Ok(None);
            };
            let next = next
                .with_standby(&self.context.entropy().bytes())
                .and_then(|ring| ring.seal(&self.sealing_key));
            let next = next?;
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
        let active = KeySummary {
            kid: ring.active().id().to_string(),
            state: SigningKeyState::Active,
            since: Some(timestamp(ring.since())),
            until: None,
        };
        let now = self.context.now();
        let retiring = ring
            .retiring()
            .iter()
            .filter(|key| timestamp(key.until) > now)
            .map(|key| KeySummary {
                kid: key.key.id().to_string(),
                state: SigningKeyState::Retiring,
                since: None,
                until: Some(timestamp(key.until)),
            });
        let standby = ring.standby().map(|key| KeySummary {
            kid: key.id().to_string(),
            state: SigningKeyState::Standby,
            since: None,
            until: None,
        });
        std::iter::once(active)
            .chain(retiring)
            .chain(standby)
            .collect()
    }
}
