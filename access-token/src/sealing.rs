//! The form in which a key ring is kept: the secret sealed as PASETO v4.local.

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
    KeyError, KeyId, KeyRing, KeyState, PublicKey, PublishedKey, RetiringKey, SigningKey,
    key::paserk,
};

/// The key under which rings are sealed. It has no Display, and its Debug shows the id only.
#[derive(Clone)]
pub struct SealingKey(SymmetricKey<V4>);

/// A key ring at rest. The seal encrypts the secret and authenticates everything else, so that
/// write access to the store is not enough to read the secret or to add a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedRing {
    /// The key that signs.
    pub active: SealedKey,
    /// The key that signs next; earlier releases write none, and read over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<SealedKey>,
    /// Public keys on their way out, as in the public document.
    pub retiring: Vec<PublishedKey>,
    /// The PASERK id (`k4.lid.…`) of the key it is sealed under.
    pub sealed_under: String,
}

/// The active or the standby key of a [`SealedRing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// Its id.
    pub kid: KeyId,
    /// Since when it signs; of the standby key, the same of the active one beside it.
    #[serde(with = "crate::timestamp")]
    pub since: OffsetDateTime,
    /// The seed as `v4.local.…`.
    pub sealed: String,
}

/// Why a ring did not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Sealed under one key, opened with another.
    #[error(
        "the signing keys are sealed under {sealed_under}, and the sealing key given is {given}"
    )]
    WrongSealingKey {
        /// The id of the key it needs.
        sealed_under: String,
        /// The id of the key that was tried.
        given: String,
    },
    /// Right key by its id, but what is kept was changed or cut.
    #[error(
        "the sealed signing keys are damaged, or were changed by something that has no sealing key"
    )]
    Damaged,
}

impl SealingKey {
    /// The key made of 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SymmetricKey::from(bytes)
            .map(Self)
            .map_err(|_| KeyError::Sealing)
    }

    /// The secret itself as PASERK `k4.local.…`, for the one moment when it is written down.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(paserk(&self.0))
    }

    /// Its PASERK id `k4.lid.…`, which tells nothing of the key.
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
    /// The form for the store. Two sealings of one ring differ, as each has a nonce of its own.
    pub fn seal(&self, under: &SealingKey) -> Result<SealedRing, KeyError> {
        let retiring = self.retiring().iter().map(publish).collect::<Vec<_>>();
        let active = seal(
            self.active(),
            self.since(),
            under,
            &vouched(self.active().id(), self.since(), &retiring)?,
        )?;
        let beside = |key: &SigningKey| {
            seal(
                key,
                self.since(),
                under,
                &vouched_beside(&active.kid, key.id())?,
            )
        };
        let standby = self.standby().map(beside).transpose()?;
        Ok(SealedRing {
            active,
            standby,
            retiring,
            sealed_under: under.id(),
        })
    }
}

fn seal(
    key: &SigningKey,
    since: OffsetDateTime,
    under: &SealingKey,
    vouched: &[u8],
) -> Result<SealedKey, KeyError> {
    let seed = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(key.seed()));
    let sealed = LocalToken::encrypt(&under.0, seed.as_bytes(), None, Some(vouched))
        .map_err(|_| KeyError::Seal)?;
    Ok(SealedKey {
        kid: key.id().clone(),
        since,
        sealed,
    })
}

impl SealedKey {
    fn open(&self, with: &SealingKey, vouched: &[u8]) -> Option<SigningKey> {
        let sealed = UntrustedToken::<Local, V4>::try_from(&self.sealed).ok()?;
        let opened = LocalToken::decrypt(&with.0, &sealed, None, Some(vouched)).ok()?;
        let seed = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(opened.payload()).ok()?);
        let key = SigningKey::from_seed(seed.as_slice().try_into().ok()?).ok()?;
        (*key.id() == self.kid).then_some(key)
    }
}

impl SealedRing {
    /// Opens the ring.
    pub fn unseal(&self, with: &SealingKey) -> Result<KeyRing, UnsealError> {
        let given = with.id();
        if given != self.sealed_under {
            return Err(UnsealError::WrongSealingKey {
                sealed_under: self.sealed_under.clone(),
                given,
            });
        }
        let vouched = vouched(&self.active.kid, self.active.since, &self.retiring)
            .map_err(|_| UnsealError::Damaged)?;
        let active = self
            .active
            .open(with, &vouched)
            .ok_or(UnsealError::Damaged)?;
        let beside =
            |key: &SealedKey| key.open(with, &vouched_beside(&self.active.kid, &key.kid).ok()?);
        let standby = self
            .standby
            .as_ref()
            .map(|key| beside(key).ok_or(UnsealError::Damaged))
            .transpose()?;
        let retiring = self
            .retiring
            .iter()
            .map(recall)
            .collect::<Option<_>>()
            .ok_or(UnsealError::Damaged)?;
        Ok(KeyRing::assemble(
            active,
            self.active.since,
            standby,
            retiring,
        ))
    }
}

/// The implicit assertion of a standby key, which ties it to the active one.
fn vouched_beside(active: &KeyId, standby: &KeyId) -> Result<Vec<u8>, KeyError> {
    #[derive(Serialize)]
    struct Vouched<'a> {
        purpose: &'static str,
        active: &'a KeyId,
        kid: &'a KeyId,
    }
    let vouched = Vouched {
        purpose: "access-token standby key",
        active,
        kid: standby,
    };
    serde_json::to_vec(&vouched).map_err(|_| KeyError::Seal)
}

/// The implicit assertion: everything of the ring that is not sealed.
fn vouched(
    kid: &KeyId,
    since: OffsetDateTime,
    retiring: &[PublishedKey],
) -> Result<Vec<u8>, KeyError> {
    #[derive(Serialize)]
    struct Vouched<'a> {
        purpose: &'static str,
        kid: &'a KeyId,
        #[serde(with = "crate::timestamp")]
        since: OffsetDateTime,
        retiring: &'a [PublishedKey],
    }
    let vouched = Vouched {
        purpose: "access-token key ring",
        kid,
        since,
        retiring,
    };
    serde_json::to_vec(&vouched).map_err(|_| KeyError::Seal)
}

fn publish(retiring: &RetiringKey) -> PublishedKey {
    let RetiringKey { key, until } = retiring.clone();
    PublishedKey {
        key,
        state: KeyState::Retiring,
        until: Some(until),
    }
}

fn recall(published: &PublishedKey) -> Option<RetiringKey> {
    let key: PublicKey = published.key.clone();
    published.until.map(|until| RetiringKey { key, until })
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00.5 UTC);

    fn ring() -> KeyRing {
        let first = KeyRing::first(NOON, &[1; 32])
            .and_then(|ring| ring.with_standby(&[2; 32]))
            .expect("first");
        first
            .rotate(NOON, &[3; 32], Duration::HOUR)
            .expect("second")
    }

    fn sealing_key(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; 32]).expect("a key")
    }

    #[test]
    fn a_ring_comes_back_from_the_store_as_it_went() {
        let (ring, key) = (ring(), sealing_key(9));
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
    fn a_ring_of_an_earlier_release_has_no_standby_key_and_one_with_it_is_still_read_there() {
        let (ring, key) = (ring(), sealing_key(9));
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
        let (ring, key) = (ring(), sealing_key(9));
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
    fn the_wrong_sealing_key_is_named_as_the_fault() {
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
    fn whoever_writes_to_the_store_cannot_plant_or_prolong_a_key() {
        let (key, sealed) = (
            sealing_key(9),
            ring().seal(&sealing_key(9)).expect("sealed"),
        );
        let foreign = SigningKey::from_seed(&[66; 32]).expect("a seed");

        let mut planted = sealed.clone();
        planted.retiring[0].key = foreign.public().clone();
        let mut prolonged = sealed.clone();
        prolonged.retiring[0].until = Some(NOON + Duration::DAY);
        let mut renamed = sealed.clone();
        renamed.active.kid = foreign.id().clone();
        let mut cut = sealed.clone();
        cut.active.sealed.pop();
        let mut emptied = sealed;
        emptied.active.sealed.clear();
        let mut moved = ring().seal(&key).expect("sealed");
        let foreign = KeyRing::first(NOON, &[66; 32])
            .and_then(|ring| ring.with_standby(&[67; 32]))
            .expect("a ring");
        moved.standby = foreign.seal(&key).expect("sealed").standby;
        for changed in [planted, prolonged, renamed, cut, emptied, moved] {
            assert_eq!(changed.unseal(&key).err(), Some(UnsealError::Damaged));
        }
    }

    #[test]
    fn a_sealing_key_has_one_spelling() {
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
