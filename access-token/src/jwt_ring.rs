//! The keys of JWTs of one algorithm.

use jose::Jwk;
use primitives::SigningAlgorithm;
use time::{Duration, OffsetDateTime};

use crate::{Invalid, JwtSigningKey, timestamp::whole_seconds};

/// How long verifiers may cache a set of keys: some gateways do for two hours. A new key is
/// published this long before it signs, an old one this long after its last token has expired.
const PROPAGATION: Duration = Duration::hours(2);

/// The keys of JWTs of one algorithm: like a [`KeyRing`](crate::KeyRing), always with a standby
/// key.
#[derive(Clone, Debug)]
pub struct JwtRing {
    active: JwtSigningKey,
    since: OffsetDateTime,
    standby: JwtSigningKey,
    /// Since when the standby key is published.
    published: OffsetDateTime,
    retiring: Vec<RetiringJwk>,
}

/// A key of JWTs that no longer signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiringJwk {
    /// The public key, which still verifies.
    pub key: Jwk,
    /// The first instant at which it no longer verifies.
    pub until: OffsetDateTime,
}

impl JwtRing {
    /// The first ring, with two keys of one algorithm. `None` of two algorithms.
    pub fn first(
        active: JwtSigningKey,
        standby: JwtSigningKey,
        now: OffsetDateTime,
    ) -> Option<Self> {
        (active.algorithm() == standby.algorithm() && active.kid() != standby.kid()).then(|| {
            let now = whole_seconds(now);
            Self::assemble((active, now), (standby, now), Vec::new())
        })
    }

    /// The active key and since when it signs; the standby key and since when it is published.
    pub(crate) fn assemble(
        (active, since): (JwtSigningKey, OffsetDateTime),
        (standby, published): (JwtSigningKey, OffsetDateTime),
        retiring: Vec<RetiringJwk>,
    ) -> Self {
        Self {
            active,
            since,
            standby,
            published,
            retiring,
        }
    }

    /// The algorithm of its keys.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.active.algorithm()
    }

    /// The active key.
    pub fn active(&self) -> &JwtSigningKey {
        &self.active
    }

    /// Since when the active key signs.
    pub fn since(&self) -> OffsetDateTime {
        self.since
    }

    /// The standby key.
    pub fn standby(&self) -> &JwtSigningKey {
        &self.standby
    }

    /// Since when the standby key is published.
    pub fn published(&self) -> OffsetDateTime {
        self.published
    }

    /// The retiring keys, the youngest first. Some may have expired.
    pub fn retiring(&self) -> &[RetiringJwk] {
        &self.retiring
    }

    /// From when on every verifier has the standby key.
    pub(crate) fn rotates_from(&self) -> OffsetDateTime {
        self.published.saturating_add(PROPAGATION)
    }

    /// The next ring: the standby key becomes active, `next` the standby key.
    pub(crate) fn rotate(
        &self,
        now: OffsetDateTime,
        next: JwtSigningKey,
        overlap: Duration,
    ) -> Self {
        let now = whole_seconds(now);
        let last = RetiringJwk {
            key: self.active.public(),
            until: now.saturating_add(overlap).saturating_add(PROPAGATION),
        };
        let is_retiring = |retiring: &&RetiringJwk| now < retiring.until;
        let earlier = self.retiring.iter().filter(is_retiring).cloned();
        let retiring = std::iter::once(last).chain(earlier).collect();
        Self::assemble((self.standby.clone(), now), (next, now), retiring)
    }

    /// Whether it has this key, in whatever state.
    pub(crate) fn contains(&self, kid: &str) -> bool {
        let mut retiring = self.retiring.iter();
        self.active.kid() == kid
            || self.standby.kid() == kid
            || retiring.any(|retiring| is_named(&retiring.key, kid))
    }

    /// The ring without a key. The standby key replaces the active one at once, and `next` the
    /// standby key.
    pub(crate) fn without(&self, kid: &str, now: OffsetDateTime, next: JwtSigningKey) -> Self {
        let now = whole_seconds(now);
        let mut ring = self.clone();
        ring.retiring
            .retain(|retiring| !is_named(&retiring.key, kid));
        if ring.active.kid() == kid {
            (ring.active, ring.since) = (ring.standby, now);
            (ring.standby, ring.published) = (next, now);
        } else if ring.standby.kid() == kid {
            (ring.standby, ring.published) = (next, now);
        }
        ring
    }

    /// The key of this name, if it may verify now.
    pub fn find(&self, kid: &str, now: OffsetDateTime) -> Result<Jwk, Invalid> {
        for key in [&self.active, &self.standby] {
            if key.kid() == kid {
                return Ok(key.public());
            }
        }
        let mut retiring = self.retiring.iter();
        let found = retiring.find(|retiring| is_named(&retiring.key, kid));
        let found = found.ok_or(Invalid::UnknownKey)?;
        if now < found.until {
            Ok(found.key.clone())
        } else {
            Err(Invalid::RetiredKey)
        }
    }

    /// Every key that verifies now, the active one first.
    pub(crate) fn keys(&self, now: OffsetDateTime) -> impl Iterator<Item = Jwk> {
        let retiring = self.retiring.iter().filter(move |key| now < key.until);
        [self.active.public(), self.standby.public()]
            .into_iter()
            .chain(retiring.map(|retiring| retiring.key.clone()))
    }
}

fn is_named(key: &Jwk, kid: &str) -> bool {
    key.kid.as_deref() == Some(kid)
}

#[cfg(test)]
mod tests {
    use jose::PublicKey;
    use primitives::SigningAlgorithm::{EdDsa, Es256};
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn key() -> JwtSigningKey {
        JwtSigningKey::generate(EdDsa).expect("a key")
    }

    fn first() -> JwtRing {
        JwtRing::first(key(), key(), NOON).expect("two keys")
    }

    fn kids(ring: &JwtRing, now: OffsetDateTime) -> Vec<Option<String>> {
        ring.keys(now).map(|key| key.kid).collect()
    }

    #[test]
    fn a_ring_has_two_keys_of_one_algorithm() {
        let ring = first();
        assert_eq!(ring.algorithm(), EdDsa);
        assert_eq!(ring.keys(NOON).count(), 2);
        let ed25519 = |key: Jwk| matches!(key.key, PublicKey::Ed25519 { .. });
        assert!(ring.keys(NOON).all(ed25519));
        let other = JwtSigningKey::generate(Es256).expect("a key");
        assert!(JwtRing::first(key(), other, NOON).is_none());
        let same = key();
        assert!(JwtRing::first(same.clone(), same, NOON).is_none());
    }

    #[test]
    fn an_old_key_verifies_two_hours_longer_than_its_last_token() {
        let old = first();
        let ring = old.rotate(NOON, key(), Duration::HOUR);
        assert_eq!(ring.active().kid(), old.standby().kid());
        assert_eq!(ring.since(), NOON);
        assert_eq!(ring.rotates_from(), NOON + Duration::hours(2));
        let end = NOON + Duration::hours(3);
        let retiring = old.active().kid();
        assert!(ring.find(retiring, end - Duration::SECOND).is_ok());
        assert_eq!(ring.find(retiring, end), Err(Invalid::RetiredKey));
        assert_eq!(ring.keys(end - Duration::SECOND).count(), 3);
        assert_eq!(ring.keys(end).count(), 2);
        let later = ring.rotate(end, key(), Duration::HOUR);
        assert_eq!(later.find(retiring, NOON), Err(Invalid::UnknownKey));
        assert_eq!(later.retiring().len(), 1);
    }

    #[test]
    fn a_removed_key_verifies_nothing_and_the_standby_key_signs_at_once() {
        let ring = first().rotate(NOON, key(), Duration::HOUR);
        let later = NOON + Duration::MINUTE;
        let active = ring.without(ring.active().kid(), later, key());
        assert_eq!(active.active().kid(), ring.standby().kid());
        assert_eq!(active.since(), later);
        assert_eq!(active.published(), later);
        assert_eq!(active.retiring(), ring.retiring());
        let standby = ring.without(ring.standby().kid(), later, key());
        assert_eq!(standby.active().kid(), ring.active().kid());
        assert_eq!(standby.since(), NOON);
        assert_eq!(standby.published(), later);
        let old = ring.retiring()[0].key.kid.clone().expect("a name");
        let retiring = ring.without(&old, later, key());
        assert!(retiring.retiring().is_empty());
        assert_eq!(retiring.standby().kid(), ring.standby().kid());
        for (ring, kid) in [
            (&active, ring.active().kid()),
            (&standby, ring.standby().kid()),
            (&retiring, &old),
        ] {
            assert_eq!(ring.find(kid, later), Err(Invalid::UnknownKey));
            assert!(!ring.contains(kid) && !kids(ring, later).contains(&Some(kid.to_owned())));
        }
    }
}
