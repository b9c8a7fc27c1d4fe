//! The stored form of a key ring: the secrets sealed as PASETO v4.local.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use pasetors::{
    keys::SymmetricKey,
    paserk::Id,
    token::{Local, UntrustedToken},
    version4::{LocalToken, V4},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    KeyError, KeyId, KeyRing, KeyState, PublishedKey, RetiringKey, SealedJwtRing, SigningKey,
    VerifyingKey, key::paserk,
};

/// The key that seals rings. It has no Display, and its Debug shows the id only.
#[derive(Clone)]
pub struct SealingKey(SymmetricKey<V4>);

/// A stored key ring. The seal encrypts the secrets and authenticates everything else, so that
/// write access to the store is not enough to read a secret or to add a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedRing {
    /// The active key.
    pub active: SealedKey,
    /// The standby key. Earlier releases do not write it, and ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<SealedKey>,
    /// Retiring public keys, as in the published document.
    pub retiring: Vec<PublishedKey>,
    /// The keys of JWTs. Earlier releases do not write them, and keep them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jwt: Vec<SealedJwtRing>,
    /// The PASERK id (`k4.lid.…`) of the sealing key.
    pub sealed_under: String,
}

/// The active or the standby key of a [`SealedRing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// Its id.
    pub kid: KeyId,
    /// Since when it signs; for the standby key, the value of the active key.
    #[serde(with = "crate::timestamp")]
    pub since: OffsetDateTime,
    /// The seed as `v4.local.…`.
    pub sealed: String,
}

/// Why a ring could not be unsealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Sealed under one key, opened with another.
    #[error(
        "the signing keys are encrypted with the sealing key {sealed_under}, but the configured one is {given}"
    )]
    WrongSealingKey {
        /// The id of the key under which it is sealed.
        sealed_under: String,
        /// The id of the given key.
        given: String,
    },
    /// The key id matches, but the stored ring was changed or truncated.
    #[error("the encrypted signing keys are damaged or were changed without the sealing key")]
    Damaged,
}

impl SealingKey {
    /// The key from 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SymmetricKey::from(bytes)
            .map(Self)
            .map_err(|_| KeyError::Sealing)
    }

    /// The secret as PASERK `k4.local.…`, for writing it to its file.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(paserk(&self.0))
    }

    /// Secret bytes as `v4.local.…`.
    pub(crate) fn encrypt(&self, secret: &[u8], assertion: &[u8]) -> Result<String, KeyError> {
        let text = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(secret));
        LocalToken::encrypt(&self.0, text.as_bytes(), None, Some(assertion))
            .map_err(|_| KeyError::Seal)
    }

    /// The secret bytes of a `v4.local.…`, if it was encrypted with this key and this assertion.
    pub(crate) fn decrypt(&self, sealed: &str, assertion: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = UntrustedToken::<Local, V4>::try_from(sealed).ok()?;
        let opened = LocalToken::decrypt(&self.0, &sealed, None, Some(assertion)).ok()?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(opened.payload()).ok()?;
        Some(Zeroizing::new(secret))
    }

    /// Its PASERK id `k4.lid.…`, which reveals nothing about the key.
    pub fn id(&self) -> String {
        paserk(&Id::from(&self.0))
    }
}

impl FromStr for SealingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = Self(SymmetricKey::try_from(text).map_err(|_| KeyError::Sealing)?);
        if *key.expose() == text {
            Ok(key)
        } else {
            Err(KeyError::Sealing)
        }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Seals the ring for the store. Two results differ, since each has a random nonce.
    pub fn seal(&self, under: &SealingKey) -> Result<SealedRing, KeyError> {
        let retiring = self.retiring().iter().map(publish).collect::<Vec<_>>();
        let active = seal(
            self.active(),
            self.since(),
            under,
            &ring_assertion(self.active().id(), self.since(), &retiring)?,
        )?;
        let jwt = self.jwt().iter();
        let jwt = jwt.map(|ring| SealedJwtRing::seal(ring, under));
        Ok(SealedRing {
            standby: self.seal_standby(&active.kid, under)?,
            active,
            retiring,
            jwt: jwt.collect::<Result<_, _>>()?,
            sealed_under: under.id(),
        })
    }

    fn seal_standby(
        &self,
        active: &KeyId,
        under: &SealingKey,
    ) -> Result<Option<SealedKey>, KeyError> {
        let Some(key) = self.standby() else {
            return Ok(None);
        };
        let assertion = standby_assertion(active, key.id())?;
        seal(key, self.since(), under, &assertion).map(Some)
    }
}

fn seal(
    key: &SigningKey,
    since: OffsetDateTime,
    under: &SealingKey,
    assertion: &[u8],
) -> Result<SealedKey, KeyError> {
    Ok(SealedKey {
        kid: key.id().clone(),
        since,
        sealed: under.encrypt(key.seed(), assertion)?,
    })
}

impl SealedKey {
    fn open(&self, with: &SealingKey, assertion: &[u8]) -> Option<SigningKey> {
        let seed = with.decrypt(&self.sealed, assertion)?;
        let key = SigningKey::from_seed(seed.as_slice().try_into().ok()?).ok()?;
        (*key.id() == self.kid).then_some(key)
    }
}

impl SealedRing {
    /// Unseals the ring.
    pub fn unseal(&self, with: &SealingKey) -> Result<KeyRing, UnsealError> {
        let given = with.id();
        if given != self.sealed_under {
            return Err(UnsealError::WrongSealingKey {
                sealed_under: self.sealed_under.clone(),
                given,
            });
        }
        let assertion = ring_assertion(&self.active.kid, self.active.since, &self.retiring)
            .map_err(|_| UnsealError::Damaged)?;
        let active = self
            .active
            .open(with, &assertion)
            .ok_or(UnsealError::Damaged)?;
        let beside =
            |key: &SealedKey| key.open(with, &standby_assertion(&self.active.kid, &key.kid).ok()?);
        let standby = self
            .standby
            .as_ref()
            .map(|key| beside(key).ok_or(UnsealError::Damaged))
            .transpose()?;
        let retiring = self
            .retiring
            .iter()
            .map(retiring)
            .collect::<Option<_>>()
            .ok_or(UnsealError::Damaged)?;
        let jwt = self.jwt.iter().map(|ring| ring.unseal(with));
        let jwt = jwt.collect::<Option<_>>().ok_or(UnsealError::Damaged)?;
        Ok(KeyRing::assemble(active, self.active.since, standby, retiring).having_jwt(jwt))
    }
}

/// The implicit assertion of a standby key, which binds it to the active one.
fn standby_assertion(active: &KeyId, standby: &KeyId) -> Result<Vec<u8>, KeyError> {
    #[derive(Serialize)]
    struct Assertion<'a> {
        purpose: &'static str,
        active: &'a KeyId,
        kid: &'a KeyId,
    }
    let assertion = Assertion {
        purpose: "access-token standby key",
        active,
        kid: standby,
    };
    serde_json::to_vec(&assertion).map_err(|_| KeyError::Seal)
}

/// The implicit assertion of the active key: all unsealed members of the ring.
fn ring_assertion(
    kid: &KeyId,
    since: OffsetDateTime,
    retiring: &[PublishedKey],
) -> Result<Vec<u8>, KeyError> {
    #[derive(Serialize)]
    struct Assertion<'a> {
        purpose: &'static str,
        kid: &'a KeyId,
        #[serde(with = "crate::timestamp")]
        since: OffsetDateTime,
        retiring: &'a [PublishedKey],
    }
    let assertion = Assertion {
        purpose: "access-token key ring",
        kid,
        since,
        retiring,
    };
    serde_json::to_vec(&assertion).map_err(|_| KeyError::Seal)
}

fn publish(retiring: &RetiringKey) -> PublishedKey {
    let RetiringKey { key, until } = retiring.clone();
    PublishedKey {
        key,
        state: KeyState::Retiring,
        until: Some(until),
    }
}

fn retiring(published: &PublishedKey) -> Option<RetiringKey> {
    let key: VerifyingKey = published.key.clone();
    published.until.map(|until| RetiringKey { key, until })
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00.5 UTC);

    fn new_keys(byte: u8) -> crate::NewKeys {
        crate::NewKeys {
            seed: [byte; 32],
            jwt: Vec::new(),
        }
    }

    fn ring() -> KeyRing {
        let first = KeyRing::first(NOON, &[1; 32])
            .and_then(|ring| ring.with_standby(&[2; 32]))
            .expect("first");
        first
            .rotate(NOON, &new_keys(3), Duration::HOUR)
            .expect("second")
    }

    fn sealing_key(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; 32]).expect("a key")
    }

    #[test]
    fn a_sealed_ring_can_be_unsealed() {
        let ring = ring();
        let key = sealing_key(9);
        let bytes = serde_json::to_vec(&ring.seal(&key).expect("sealed")).expect("JSON");
        let back: SealedRing = serde_json::from_slice(&bytes).expect("and back");
        let opened = back.unseal(&key).expect("the same key opens it");
        assert_eq!(opened.active().id(), ring.active().id());
        assert_eq!(opened.active().seed(), ring.active().seed());
        assert_eq!(
            (opened.retiring(), opened.since()),
            (ring.retiring(), ring.since())
        );
        assert_eq!(
            opened.standby().map(SigningKey::seed),
            ring.standby().map(SigningKey::seed)
        );
    }

    #[test]
    fn a_ring_without_a_standby_key_of_an_earlier_release_can_be_unsealed() {
        let ring = ring();
        let key = sealing_key(9);
        let mut record = serde_json::to_value(ring.seal(&key).expect("sealed")).expect("JSON");
        assert!(
            record
                .as_object_mut()
                .expect("an object")
                .remove("standby")
                .is_some()
        );
        let old: SealedRing = serde_json::from_value(record).expect("still read");
        let opened = old
            .unseal(&key)
            .expect("what an earlier release reads of it");
        assert_eq!(
            (opened.active().id(), opened.standby().is_none()),
            (ring.active().id(), true)
        );
    }

    #[test]
    fn the_sealed_form_and_every_debug_hide_the_secrets() {
        let ring = ring();
        let key = sealing_key(9);
        let sealed = ring.seal(&key).expect("sealed");
        let shown = format!(
            "{ring:?} {key:?} {sealed:?} {}",
            serde_json::to_string(&sealed).expect("JSON")
        );
        assert!(!shown.contains(&BASE64_URL_SAFE_NO_PAD.encode([2; 32])));
        assert!(!shown.contains(&BASE64_URL_SAFE_NO_PAD.encode([9; 32])));
        assert!(
            !shown.contains("9, 9, 9") && !shown.contains("2, 2, 2") && !shown.contains("k4.local")
        );
    }

    #[test]
    fn a_wrong_sealing_key_is_reported() {
        let sealed = ring().seal(&sealing_key(9)).expect("sealed");
        let Err(UnsealError::WrongSealingKey {
            sealed_under,
            given,
        }) = sealed.unseal(&sealing_key(8))
        else {
            panic!("opened with the wrong key");
        };
        assert!(
            sealed_under.starts_with("k4.lid.")
                && given.starts_with("k4.lid.")
                && sealed_under != given
        );

        let mut renamed = sealed;
        renamed.sealed_under = sealing_key(8).id();
        assert_eq!(
            renamed.unseal(&sealing_key(8)).err(),
            Some(UnsealError::Damaged)
        );
    }

    #[test]
    fn write_access_to_the_store_cannot_add_or_extend_a_key() {
        let key = sealing_key(9);
        let sealed = ring().seal(&sealing_key(9)).expect("sealed");
        let foreign = SigningKey::from_seed(&[66; 32]).expect("a seed");

        let mut added = sealed.clone();
        added.retiring[0].key = foreign.public().clone();
        let mut extended = sealed.clone();
        extended.retiring[0].until = Some(NOON + Duration::DAY);
        let mut renamed = sealed.clone();
        renamed.active.kid = foreign.id().clone();
        let mut truncated = sealed.clone();
        truncated.active.sealed.pop();
        let mut emptied = sealed;
        emptied.active.sealed.clear();
        let mut moved = ring().seal(&key).expect("sealed");
        let foreign = KeyRing::first(NOON, &[66; 32])
            .and_then(|ring| ring.with_standby(&[67; 32]))
            .expect("a ring");
        moved.standby = foreign.seal(&key).expect("sealed").standby;
        for changed in [added, extended, renamed, truncated, emptied, moved] {
            assert_eq!(changed.unseal(&key).err(), Some(UnsealError::Damaged));
        }
    }

    #[test]
    fn a_sealing_key_has_one_encoding() {
        let text = sealing_key(9).expose();
        assert!(text.starts_with("k4.local."));
        assert_eq!(
            text.parse::<SealingKey>().expect("reads back").id(),
            sealing_key(9).id()
        );
        for wrong in [
            "",
            "k4.local.",
            "k4.local.AAAA",
            &text.replace("local", "public"),
            &format!("{}=", *text),
        ] {
            assert_eq!(
                wrong.parse::<SealingKey>().err(),
                Some(KeyError::Sealing),
                "{wrong}"
            );
        }
    }
}
