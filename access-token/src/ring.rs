//! The keys of an issuer: the active key, the standby key, and retiring keys.

use jose::{Jwk, Jwks};
use primitives::SigningAlgorithm;
use time::{Duration, OffsetDateTime};

use crate::{
    JwtRing, JwtSigningKey, KeyError, KeyId, KeySet, KeyState, PublishedKey, SigningKey,
    VerifyingKey, invalid::Invalid, timestamp::whole_seconds,
};

/// One active signing key, its standby successor, and the public keys of its predecessors.
///
/// ```text
/// standby ──rotate──▶ active ──rotate──▶ retiring until now + overlap ──next rotation after that──▶ gone
/// ```
///
/// The standby key is published long before it signs, so that verifiers with cached keys already
/// have it. The keys of JWTs are in rings of their own, one for each algorithm in use.
#[derive(Debug)]
pub struct KeyRing {
    active: SigningKey,
    since: OffsetDateTime,
    standby: Option<SigningKey>,
    retiring: Vec<RetiringKey>,
    jwt: Vec<JwtRing>,
}

/// Fresh keys for a change of a ring.
#[derive(Debug)]
pub struct NewKeys {
    /// 32 random bytes, for a PASETO key.
    pub seed: [u8; 32],
    /// A key for each algorithm in use.
    pub jwt: Vec<JwtSigningKey>,
}

impl NewKeys {
    fn jwt_key(&self, algorithm: SigningAlgorithm) -> Result<JwtSigningKey, KeyError> {
        let mut keys = self.jwt.iter();
        keys.find(|key| key.algorithm() == algorithm)
            .cloned()
            .ok_or(KeyError::NoNewKey)
    }
}

/// A key that no longer signs. Its private key is discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiringKey {
    /// The public key, which still verifies.
    pub key: VerifyingKey,
    /// The first instant at which it no longer verifies.
    pub until: OffsetDateTime,
}

impl KeyRing {
    /// The first ring of an issuer, with a key from 32 random bytes.
    pub fn first(now: OffsetDateTime, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ok(Self::assemble(
            SigningKey::from_seed(seed)?,
            now,
            None,
            Vec::new(),
        ))
    }

    /// The same ring with a standby key. If there is none, it is derived from `seed`.
    pub fn with_standby(self, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let standby = if self.standby.is_some() {
            self.standby
        } else {
            Some(self.active.other(seed)?)
        };
        Ok(Self { standby, ..self })
    }

    /// The same ring with keys for one more algorithm. Keys that are there already stay.
    #[must_use]
    pub fn with_jwt(mut self, ring: JwtRing) -> Self {
        if self.jwt_ring(ring.algorithm()).is_none() {
            self.jwt.push(ring);
        }
        self
    }

    /// From when on the next rotation is safe: every verifier that caches a set of JWT keys for two
    /// hours has the standby keys then.
    pub fn rotates_from(&self) -> OffsetDateTime {
        let published = self.jwt.iter().map(JwtRing::rotates_from);
        published.fold(self.since, OffsetDateTime::max)
    }

    /// The next ring. The standby keys become active, or a new one if there is none. The old keys
    /// retire for `overlap`, and expired keys are dropped. `overlap` must be at least the lifetime
    /// of a token and the maximum age of keys in verifiers; JWT keys retire two hours later.
    pub fn rotate(
        &self,
        now: OffsetDateTime,
        new: &NewKeys,
        overlap: Duration,
    ) -> Result<Self, KeyError> {
        let last = RetiringKey {
            key: self.active.public().clone(),
            until: now.saturating_add(overlap),
        };
        let is_retiring = |retiring: &&RetiringKey| now < retiring.until;
        let earlier = self.retiring.iter().filter(is_retiring).cloned();
        let (active, standby) = self.successors(&new.seed)?;
        let retiring = std::iter::once(last).chain(earlier).collect();
        let jwt = self.rotated_jwt(now, new, overlap)?;
        Ok(Self::assemble(active, now, standby, retiring).having_jwt(jwt))
    }

    fn rotated_jwt(
        &self,
        now: OffsetDateTime,
        new: &NewKeys,
        overlap: Duration,
    ) -> Result<Vec<JwtRing>, KeyError> {
        let rotated =
            |ring: &JwtRing| Ok(ring.rotate(now, new.jwt_key(ring.algorithm())?, overlap));
        self.jwt.iter().map(rotated).collect()
    }

    /// The ring without a key, so that its signatures are no longer valid. The standby key replaces
    /// the active one. `id` is a PASERK id or the `kid` of a JWT key. `None` when there is no such
    /// key.
    pub fn without(
        &self,
        id: &str,
        now: OffsetDateTime,
        new: &NewKeys,
    ) -> Result<Option<Self>, KeyError> {
        if let Some(at) = self.jwt.iter().position(|ring| ring.contains(id)) {
            let mut jwt = self.jwt.clone();
            jwt[at] = jwt[at].without(id, now, new.jwt_key(jwt[at].algorithm())?);
            return Ok(Some(self.duplicate()?.having_jwt(jwt)));
        }
        let without = match id.parse() {
            Ok(id) => self.without_paseto(&id, now, &new.seed)?,
            Err(_) => None,
        };
        Ok(without.map(|ring| ring.having_jwt(self.jwt.clone())))
    }

    fn without_paseto(
        &self,
        id: &KeyId,
        now: OffsetDateTime,
        seed: &[u8; 32],
    ) -> Result<Option<Self>, KeyError> {
        let mut retiring = self.retiring.clone();
        retiring.retain(|retiring| retiring.key.id() != id);
        if id == self.active.id() {
            let (active, standby) = self.successors(seed)?;
            return Ok(Some(Self::assemble(active, now, standby, retiring)));
        }
        let mut standby = self.standby_copy()?;
        let is_standby = standby.as_ref().is_some_and(|standby| standby.id() == id);
        if !is_standby && retiring.len() == self.retiring.len() {
            return Ok(None);
        }
        if is_standby {
            standby = Some(self.active.other(seed)?);
        }
        let active = self.active.duplicate()?;
        Ok(Some(Self::assemble(active, self.since, standby, retiring)))
    }

    /// A copy of the PASETO keys.
    fn duplicate(&self) -> Result<Self, KeyError> {
        Ok(Self::assemble(
            self.active.duplicate()?,
            self.since,
            self.standby_copy()?,
            self.retiring.clone(),
        ))
    }

    /// The next active key, and the next standby key.
    fn successors(&self, seed: &[u8; 32]) -> Result<(SigningKey, Option<SigningKey>), KeyError> {
        match self.standby_copy()? {
            Some(standby) => {
                let next = standby.other(seed)?;
                Ok((standby, Some(next)))
            }
            None => Ok((self.active.other(seed)?, None)),
        }
    }

    fn standby_copy(&self) -> Result<Option<SigningKey>, KeyError> {
        self.standby.as_ref().map(SigningKey::duplicate).transpose()
    }

    pub(crate) fn assemble(
        active: SigningKey,
        since: OffsetDateTime,
        standby: Option<SigningKey>,
        mut retiring: Vec<RetiringKey>,
    ) -> Self {
        for key in &mut retiring {
            key.until = whole_seconds(key.until);
        }
        Self {
            active,
            since: whole_seconds(since),
            standby,
            retiring,
            jwt: Vec::new(),
        }
    }

    pub(crate) fn having_jwt(self, jwt: Vec<JwtRing>) -> Self {
        Self { jwt, ..self }
    }

    /// The keys of JWTs.
    pub fn jwt(&self) -> &[JwtRing] {
        &self.jwt
    }

    /// The keys of JWTs of an algorithm.
    pub fn jwt_ring(&self, algorithm: SigningAlgorithm) -> Option<&JwtRing> {
        self.jwt.iter().find(|ring| ring.algorithm() == algorithm)
    }

    /// The key of JWTs of this name, if it may verify now.
    pub fn jwt_key(&self, kid: &str, now: OffsetDateTime) -> Result<Jwk, Invalid> {
        let ring = self.jwt.iter().find(|ring| ring.contains(kid));
        ring.ok_or(Invalid::UnknownKey)?.find(kid, now)
    }

    /// The published keys of JWTs: every key that verifies now (RFC 7517).
    pub fn jwks(&self, now: OffsetDateTime) -> Jwks {
        self.jwt.iter().flat_map(|ring| ring.keys(now)).collect()
    }

    /// The active key.
    pub fn active(&self) -> &SigningKey {
        &self.active
    }

    /// Since when the active key signs.
    pub fn since(&self) -> OffsetDateTime {
        self.since
    }

    /// The standby key. A ring of an earlier release has none.
    pub fn standby(&self) -> Option<&SigningKey> {
        self.standby.as_ref()
    }

    /// The retiring keys, the youngest first. Some may have expired.
    pub fn retiring(&self) -> &[RetiringKey] {
        &self.retiring
    }

    /// The key of this id, if it may verify now.
    pub fn find(&self, id: &KeyId, now: OffsetDateTime) -> Result<&VerifyingKey, Invalid> {
        if let Some(key) = std::iter::once(&self.active)
            .chain(&self.standby)
            .find(|key| key.id() == id)
        {
            return Ok(key.public());
        }
        let found = self
            .retiring
            .iter()
            .find(|retiring| retiring.key.id() == id)
            .ok_or(Invalid::UnknownKey)?;
        if now < found.until {
            Ok(&found.key)
        } else {
            Err(Invalid::RetiredKey)
        }
    }

    /// The published keys: every key that verifies now. The standby key may sign at any time, and
    /// is published as active because verifiers of earlier releases know no other state for it.
    pub fn key_set(&self, now: OffsetDateTime) -> KeySet {
        let signing = |key: &SigningKey| PublishedKey {
            key: key.public().clone(),
            state: KeyState::Active,
            until: None,
        };
        let retiring = self.retiring.iter().map(|retiring| PublishedKey {
            key: retiring.key.clone(),
            state: KeyState::Retiring,
            until: Some(retiring.until),
        });
        let keys = std::iter::once(signing(&self.active))
            .chain(retiring)
            .chain(self.standby.as_ref().map(signing));
        KeySet {
            keys: keys.filter(|published| published.is_valid(now)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::KeyDocument as _;

    fn new_keys(byte: u8) -> NewKeys {
        NewKeys {
            seed: [byte; 32],
            jwt: Vec::new(),
        }
    }

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn states(set: &KeySet) -> Vec<KeyState> {
        set.keys.iter().map(|key| key.state).collect()
    }

    #[test]
    fn rotation_retires_the_old_key_and_drops_expired_ones() {
        let first = KeyRing::first(NOON, &[1; 32]).expect("first");
        let second = first
            .rotate(NOON, &new_keys(2), Duration::HOUR)
            .expect("second");
        assert_eq!(
            states(&second.key_set(NOON)),
            [KeyState::Active, KeyState::Retiring]
        );
        assert_eq!(
            second.find(first.active().id(), NOON),
            Ok(first.active().public())
        );

        let over = NOON + Duration::HOUR;
        assert_eq!(
            second.find(first.active().id(), over),
            Err(Invalid::RetiredKey)
        );
        assert_eq!(states(&second.key_set(over)), [KeyState::Active]);

        let third = second
            .rotate(over, &new_keys(3), Duration::HOUR)
            .expect("third");
        assert_eq!(
            third.find(first.active().id(), NOON),
            Err(Invalid::UnknownKey)
        );
        assert_eq!(third.retiring().len(), 1);
    }

    #[test]
    fn a_standby_key_is_published_before_it_signs_and_follows_the_active_one() {
        let first = KeyRing::first(NOON, &[1; 32])
            .and_then(|ring| ring.with_standby(&[2; 32]))
            .expect("first");
        let standby = first.standby().expect("a standby key").id().clone();
        assert_eq!(
            states(&first.key_set(NOON)),
            [KeyState::Active, KeyState::Active]
        );
        assert!(first.key_set(NOON).has(standby.as_str()) && first.find(&standby, NOON).is_ok());
        let second = first
            .rotate(NOON, &new_keys(3), Duration::HOUR)
            .expect("second");
        assert_eq!(*second.active().id(), standby);
        assert!(second.standby().is_some_and(|next| *next.id() != standby));
        assert_eq!(
            states(&second.key_set(NOON)),
            [KeyState::Active, KeyState::Retiring, KeyState::Active]
        );
        let again = second.with_standby(&[4; 32]).expect("it has one");
        assert!(
            again.standby().is_some_and(
                |next| next.id() == SigningKey::from_seed(&[3; 32]).expect("a seed").id()
            )
        );
    }

    #[test]
    fn a_removed_key_does_not_verify_and_the_standby_key_replaces_it() {
        let first = KeyRing::first(NOON, &[1; 32])
            .and_then(|ring| ring.with_standby(&[2; 32]))
            .expect("first");
        let second = first
            .rotate(NOON, &new_keys(3), Duration::HOUR)
            .expect("second");
        let [active, retiring, standby] = [
            second.active().id(),
            second.retiring()[0].key.id(),
            second.standby().expect("a standby key").id(),
        ];
        let without = |id: &KeyId| {
            second
                .without(id.as_str(), NOON, &new_keys(4))
                .expect("a ring")
                .expect("there was one")
        };
        for id in [active, retiring, standby] {
            let ring = without(id);
            assert_eq!(ring.find(id, NOON), Err(Invalid::UnknownKey));
            assert!(!ring.key_set(NOON).has(id.as_str()) && ring.standby().is_some());
        }
        assert_eq!(without(active).active().id(), standby);
        assert_eq!(without(active).retiring(), second.retiring());
        assert_eq!(without(retiring).active().id(), active);
        assert_eq!(
            without(retiring).standby().map(SigningKey::id),
            Some(standby)
        );
        assert!(
            without(standby)
                .standby()
                .is_some_and(|next| next.id() != standby)
        );
        let unknown = SigningKey::from_seed(&[9; 32]).expect("a seed");
        assert!(
            second
                .without(unknown.id().as_str(), NOON, &new_keys(4))
                .expect("no error")
                .is_none()
        );
    }

    #[test]
    fn a_reused_seed_is_refused() {
        let first = KeyRing::first(NOON, &[1; 32]).expect("first");
        assert_eq!(
            first.rotate(NOON, &new_keys(1), Duration::HOUR).err(),
            Some(KeyError::Seed)
        );
    }

    #[test]
    fn the_published_document_has_the_specified_members() {
        let ring = KeyRing::first(NOON, &[1; 32]).expect("first");
        let set = ring
            .rotate(NOON, &new_keys(2), Duration::HOUR)
            .expect("second")
            .key_set(NOON);
        let json = serde_json::to_value(&set).expect("JSON");
        let members = |at: usize| {
            json["keys"][at]
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(members(0), ["key", "kid", "state"]);
        assert_eq!(members(1), ["key", "kid", "state", "until"]);
        assert_eq!(json["keys"][0]["state"], "active");
        assert_eq!(json["keys"][1]["state"], "retiring");
        assert_eq!(
            serde_json::from_value::<KeySet>(json).expect("and back"),
            set
        );
    }

    #[test]
    fn a_key_under_the_id_of_another_is_refused() {
        let json = |ring: &KeyRing| serde_json::to_value(ring.key_set(NOON)).expect("JSON");
        let mut one = json(&KeyRing::first(NOON, &[1; 32]).expect("one"));
        let two = json(&KeyRing::first(NOON, &[2; 32]).expect("two"));
        one["keys"][0]["kid"] = two["keys"][0]["kid"].clone();
        let refused = serde_json::from_value::<KeySet>(one).expect_err("another's id");
        assert!(refused.to_string().contains("does not belong"), "{refused}");
    }
}
