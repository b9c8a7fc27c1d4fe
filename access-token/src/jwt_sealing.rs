//! The stored form of the keys of JWTs: PKCS #8 documents, sealed as PASETO v4.local.

use jose::Jwk;
use primitives::SigningAlgorithm;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{JwtRing, JwtSigningKey, KeyError, RetiringJwk, SealingKey};

/// The stored keys of JWTs of one algorithm. The seal authenticates all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedJwtRing {
    /// The algorithm, by its name in a header.
    pub algorithm: String,
    /// The active key, since it signs.
    pub active: SealedJwtKey,
    /// The standby key, since it is published.
    pub standby: SealedJwtKey,
    /// The retiring public keys.
    pub retiring: Vec<StoredJwk>,
}

/// A private key of a [`SealedJwtRing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedJwtKey {
    /// Its name.
    pub kid: String,
    /// Since when it is in its state.
    #[serde(with = "crate::timestamp")]
    pub since: OffsetDateTime,
    /// The PKCS #8 document as `v4.local.…`.
    pub sealed: String,
}

/// A retiring key of a [`SealedJwtRing`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredJwk {
    /// The public key (RFC 7517).
    pub key: serde_json::Value,
    /// The first instant at which it no longer verifies.
    #[serde(with = "crate::timestamp")]
    pub until: OffsetDateTime,
}

/// What the seal of each private key binds it to. The active key is bound to the whole ring, the
/// standby key to the active one.
#[derive(Serialize)]
struct Assertion<'a> {
    purpose: &'static str,
    algorithm: &'a str,
    active: &'a str,
    kid: &'a str,
    #[serde(with = "crate::timestamp")]
    since: OffsetDateTime,
    retiring: &'a [StoredJwk],
}

impl Assertion<'_> {
    fn bytes(&self) -> Result<Vec<u8>, KeyError> {
        serde_json::to_vec(self).map_err(|_| KeyError::Seal)
    }
}

impl SealedJwtKey {
    fn open(
        &self,
        algorithm: SigningAlgorithm,
        with: &SealingKey,
        assertion: &[u8],
    ) -> Option<JwtSigningKey> {
        let pkcs8 = with.decrypt(&self.sealed, assertion)?;
        let opened = JwtSigningKey::from_pkcs8(algorithm, pkcs8).ok()?;
        (opened.kid() == self.kid).then_some(opened)
    }
}

impl SealedJwtRing {
    pub(crate) fn seal(ring: &JwtRing, under: &SealingKey) -> Result<Self, KeyError> {
        let stored = |retiring: &RetiringJwk| StoredJwk {
            key: retiring.key.to_published(),
            until: retiring.until,
        };
        let unsealed = |key: &JwtSigningKey, since| SealedJwtKey {
            kid: key.kid().to_owned(),
            since,
            sealed: String::new(),
        };
        let mut sealed = Self {
            algorithm: ring.algorithm().as_str().to_owned(),
            active: unsealed(ring.active(), ring.since()),
            standby: unsealed(ring.standby(), ring.published()),
            retiring: ring.retiring().iter().map(stored).collect(),
        };
        let active = sealed.active_assertion()?;
        sealed.active.sealed = under.encrypt(ring.active().pkcs8(), &active)?;
        let standby = sealed.standby_assertion()?;
        sealed.standby.sealed = under.encrypt(ring.standby().pkcs8(), &standby)?;
        Ok(sealed)
    }

    /// `None` when it was changed without the sealing key.
    pub(crate) fn unseal(&self, with: &SealingKey) -> Option<JwtRing> {
        let algorithm = SigningAlgorithm::parse(&self.algorithm)?;
        let active = self.active_assertion().ok()?;
        let active = self.active.open(algorithm, with, &active)?;
        let standby = self.standby_assertion().ok()?;
        let standby = self.standby.open(algorithm, with, &standby)?;
        let retiring = self.retiring.iter().map(|stored| {
            Some(RetiringJwk {
                key: Jwk::parse(&stored.key)?,
                until: stored.until,
            })
        });
        Some(JwtRing::assemble(
            (active, self.active.since),
            (standby, self.standby.since),
            retiring.collect::<Option<_>>()?,
        ))
    }

    fn active_assertion(&self) -> Result<Vec<u8>, KeyError> {
        let assertion = Assertion {
            purpose: "access-token active JWT key",
            algorithm: &self.algorithm,
            active: &self.active.kid,
            kid: &self.active.kid,
            since: self.active.since,
            retiring: &self.retiring,
        };
        assertion.bytes()
    }

    fn standby_assertion(&self) -> Result<Vec<u8>, KeyError> {
        let assertion = Assertion {
            purpose: "access-token standby JWT key",
            algorithm: &self.algorithm,
            active: &self.active.kid,
            kid: &self.standby.kid,
            since: self.standby.since,
            retiring: &[],
        };
        assertion.bytes()
    }
}

#[cfg(test)]
mod tests {
    use primitives::SigningAlgorithm::{EdDsa, Es256};
    use time::{Duration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn sealing_key(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; 32]).expect("a key")
    }

    fn ring(algorithm: SigningAlgorithm) -> JwtRing {
        let key = || JwtSigningKey::generate(algorithm).expect("a key");
        let first = JwtRing::first(key(), key(), NOON).expect("two keys");
        first.rotate(NOON + Duration::HOUR, key(), Duration::HOUR)
    }

    #[test]
    fn a_sealed_ring_can_be_unsealed() {
        for algorithm in SigningAlgorithm::ALL {
            let ring = ring(algorithm);
            let sealed = SealedJwtRing::seal(&ring, &sealing_key(1)).expect("sealed");
            let stored = serde_json::to_vec(&sealed).expect("JSON");
            let read: SealedJwtRing = serde_json::from_slice(&stored).expect("and back");
            let opened = read.unseal(&sealing_key(1)).expect("unsealed");
            assert_eq!(opened.active().pkcs8(), ring.active().pkcs8());
            assert_eq!(opened.standby().pkcs8(), ring.standby().pkcs8());
            assert_eq!(
                [opened.since(), opened.published()],
                [ring.since(), ring.published()]
            );
            assert_eq!(opened.retiring(), ring.retiring());
        }
    }

    #[test]
    fn write_access_to_the_store_cannot_change_it() {
        let sealed = SealedJwtRing::seal(&ring(EdDsa), &sealing_key(1)).expect("sealed");
        let changed = |change: fn(&mut SealedJwtRing)| {
            let mut changed = sealed.clone();
            change(&mut changed);
            changed.unseal(&sealing_key(1))
        };
        assert!(changed(|_| {}).is_some());
        assert!(sealed.unseal(&sealing_key(2)).is_none());
        assert!(changed(|ring| ring.retiring.clear()).is_none());
        assert!(changed(|ring| ring.retiring[0].until += Duration::HOUR).is_none());
        assert!(changed(|ring| ring.retiring[0].key["x"] = "AAAA".into()).is_none());
        assert!(changed(|ring| ring.active.since += Duration::HOUR).is_none());
        assert!(changed(|ring| ring.standby.since -= Duration::HOUR).is_none());
        assert!(changed(|ring| ring.algorithm = "ES256".to_owned()).is_none());
        assert!(changed(|ring| std::mem::swap(&mut ring.active, &mut ring.standby)).is_none());
        let other = SealedJwtRing::seal(&ring(Es256), &sealing_key(1)).expect("sealed");
        let mut mixed = sealed.clone();
        mixed.standby = other.standby;
        assert!(mixed.unseal(&sealing_key(1)).is_none());
    }

    #[test]
    fn it_shows_no_private_key() {
        let ring = ring(Es256);
        let sealed = SealedJwtRing::seal(&ring, &sealing_key(1)).expect("sealed");
        let shown = format!(
            "{sealed:?} {}",
            serde_json::to_string(&sealed).expect("JSON")
        );
        let private = |key: &JwtSigningKey| {
            use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
            BASE64_URL_SAFE_NO_PAD.encode(key.pkcs8())
        };
        assert!(!shown.contains(&private(ring.active())));
        assert!(!shown.contains(&private(ring.standby())));
        assert!(!shown.contains("\"d\""));
    }
}
