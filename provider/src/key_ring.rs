//! The ring of signing keys in the store: made once, rotated by compare-and-swap, re-read by every running server.

use access_token::{KeyError, KeyRing, SealedRing, SealingKey, UnsealError};
use oauth::Timestamp;
use serde::Serialize;
use store::{Keep, Store, Swap};
use thiserror::Error;
use time::OffsetDateTime;

use crate::{Provider, administration::AdministrationError, environment::Environment, keys, problem::Unavailable, record};

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
    #[error("a backup is being restored into it, or a restore was interrupted: finish it with \"vestibule restore\"")]
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

/// What the command line and the administrator's page show of a signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeySummary {
    /// Its id, as in the footer of a token.
    pub kid: String,
    /// `active` or `retiring`.
    pub state: &'static str,
    /// Since when it has signed; unknown of a retiring key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when a retiring key still verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Reads the ring, or makes the first one. Of two servers that start at once, one makes it.
pub(crate) async fn open(store: &Store, sealing_key: &SealingKey, environment: &Environment) -> Result<KeyRing, OpenError> {
    loop {
        if let Some(bytes) = store.get(keys::KEY_RING).await? {
            return Ok(record::decode::<SealedRing>(keys::KEY_RING, &bytes)?.unseal(sealing_key)?);
        }
        let ring = KeyRing::first(date_time(environment.clock.now()), &environment.entropy.bytes())?;
        record::insert(store, keys::KEY_RING, &ring.seal(sealing_key)?, Keep::Forever).await?;
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
    serde_json::from_str::<SealedRing>(record).is_ok_and(|sealed| sealed.unseal(sealing_key).is_ok())
}

fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp::from_seconds(at.unix_timestamp().try_into().unwrap_or_default())
}

impl Provider {
    /// Reads the ring again, so that a rotation elsewhere takes effect here.
    pub async fn refresh_keys(&self) -> Result<(), Unavailable> {
        let Some(sealed) = record::read::<SealedRing>(self.store(), keys::KEY_RING).await? else { return Ok(()) };
        match sealed.unseal(&self.0.sealing_key) {
            Ok(ring) => self.tokens().replace_ring(ring),
            Err(error) => tracing::error!(%error, "the signing keys in the store do not open; going on with the ones at hand"),
        }
        Ok(())
    }

    /// The signing keys, the active one first.
    pub(crate) async fn keys(&self) -> Result<Vec<KeySummary>, AdministrationError> {
        self.refresh_keys().await?;
        Ok(self.key_summaries())
    }

    /// Makes a new signing key. The old one verifies until every token it signed has expired.
    pub(crate) async fn rotate_keys(&self) -> Result<Vec<KeySummary>, AdministrationError> {
        let lifetimes = self.settings().lifetimes;
        let overlap = lifetimes.key_overlap.max(lifetimes.access_token);
        let overlap = overlap.try_into().unwrap_or(time::Duration::MAX);
        let mut bytes = self.store().get(keys::KEY_RING).await.map_err(Unavailable::from)?;
        while let Some(current) = bytes {
            let sealed: SealedRing = record::decode(keys::KEY_RING, &current)?;
            let ring = sealed.unseal(&self.0.sealing_key).map_err(|error| AdministrationError::Conflict(error.to_string()))?;
            let next = ring
                .rotate(date_time(self.now()), &self.entropy().bytes(), overlap)
                .and_then(|ring| ring.seal(&self.0.sealing_key))
                .map_err(|error| AdministrationError::Conflict(error.to_string()))?;
            let next = record::encode(&next);
            let swap = self.store().compare_and_swap(keys::KEY_RING, &current, &next, Keep::Forever).await;
            match swap.map_err(Unavailable::from)? {
                Swap::Done => return self.keys().await,
                Swap::Changed(other) => bytes = other,
            }
        }
        Err(AdministrationError::NotFound("there are no signing keys yet; start the server once".to_owned()))
    }

    fn key_summaries(&self) -> Vec<KeySummary> {
        let ring = self.tokens().ring();
        let active =
            KeySummary { kid: ring.active().id().to_string(), state: "active", since: Some(timestamp(ring.since())), until: None };
        let now = self.now();
        let retiring = ring.retiring().iter().filter(|key| timestamp(key.until) > now).map(|key| KeySummary {
            kid: key.key.id().to_string(),
            state: "retiring",
            since: None,
            until: Some(timestamp(key.until)),
        });
        std::iter::once(active).chain(retiring).collect()
    }
}
