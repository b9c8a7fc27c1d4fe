//! The keys of an issuer: one that signs, and those that are on their way out.

use time::{Duration, OffsetDateTime};

use crate::{KeyError, KeyId, KeySet, KeyState, PublicKey, PublishedKey, SigningKey, timestamp::whole_seconds, verifier::Invalid};

/// Exactly one active signing key, and the public halves of its predecessors.
///
/// ```text
/// first ──▶ active ──rotate──▶ retiring until now + overlap ──next rotation after that──▶ gone
/// ```
#[derive(Debug)]
pub struct KeyRing {
    active: SigningKey,
    since: OffsetDateTime,
    retiring: Vec<RetiringKey>,
}

/// A key that signs no more. Its secret half is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiringKey {
    /// What still verifies.
    pub key: PublicKey,
    /// The first instant at which it verifies nothing more.
    pub until: OffsetDateTime,
}

impl KeyRing {
    /// The first ring of an issuer, with a key made of 32 random bytes.
    pub fn first(now: OffsetDateTime, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ok(Self::assemble(SigningKey::from_seed(seed)?, now, Vec::new()))
    }

    /// The ring after this one: a new active key, the old one retiring for `overlap`, expired ones dropped.
    /// `overlap` must be at least the lifetime of a token and the age to which verifiers keep the keys.
    pub fn rotate(&self, now: OffsetDateTime, seed: &[u8; 32], overlap: Duration) -> Result<Self, KeyError> {
        let active = SigningKey::from_seed(seed)?;
        if active.id() == self.active.id() {
            return Err(KeyError::Seed);
        }
        let last = RetiringKey { key: self.active.public().clone(), until: now.saturating_add(overlap) };
        let earlier = self.retiring.iter().filter(|retiring| now < retiring.until).cloned();
        Ok(Self::assemble(active, now, std::iter::once(last).chain(earlier).collect()))
    }

    pub(crate) fn assemble(active: SigningKey, since: OffsetDateTime, mut retiring: Vec<RetiringKey>) -> Self {
        for key in &mut retiring {
            key.until = whole_seconds(key.until);
        }
        Self { active, since: whole_seconds(since), retiring }
    }

    /// The key that signs.
    pub fn active(&self) -> &SigningKey {
        &self.active
    }

    /// Since when it does.
    pub fn since(&self) -> OffsetDateTime {
        self.since
    }

    /// The keys on their way out, the youngest first; some may be past their time.
    pub fn retiring(&self) -> &[RetiringKey] {
        &self.retiring
    }

    /// The key of this id, if it may verify now.
    pub fn find(&self, id: &KeyId, now: OffsetDateTime) -> Result<&PublicKey, Invalid> {
        if id == self.active.id() {
            return Ok(self.active.public());
        }
        let found = self.retiring.iter().find(|retiring| retiring.key.id() == id).ok_or(Invalid::UnknownKey)?;
        if now < found.until { Ok(&found.key) } else { Err(Invalid::RetiredKey) }
    }

    /// What the world may know: every key that verifies now.
    pub fn key_set(&self, now: OffsetDateTime) -> KeySet {
        let active = PublishedKey { key: self.active.public().clone(), state: KeyState::Active, until: None };
        let retiring = self.retiring.iter().map(|retiring| PublishedKey {
            key: retiring.key.clone(),
            state: KeyState::Retiring,
            until: Some(retiring.until),
        });
        KeySet { keys: std::iter::once(active).chain(retiring).filter(|published| published.alive(now)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn states(set: &KeySet) -> Vec<KeyState> {
        set.keys.iter().map(|key| key.state).collect()
    }

    #[test]
    fn rotation_retires_the_old_key_and_forgets_expired_ones() {
        let first = KeyRing::first(NOON, &[1; 32]).expect("first");
        let second = first.rotate(NOON, &[2; 32], Duration::HOUR).expect("second");
        assert_eq!(states(&second.key_set(NOON)), [KeyState::Active, KeyState::Retiring]);
        assert_eq!(second.find(first.active().id(), NOON), Ok(first.active().public()));

        let over = NOON + Duration::HOUR;
        assert_eq!(second.find(first.active().id(), over), Err(Invalid::RetiredKey));
        assert_eq!(states(&second.key_set(over)), [KeyState::Active]);

        let third = second.rotate(over, &[3; 32], Duration::HOUR).expect("third");
        assert_eq!(third.find(first.active().id(), NOON), Err(Invalid::UnknownKey));
        assert_eq!(third.retiring().len(), 1);
    }

    #[test]
    fn a_seed_used_again_is_refused() {
        let first = KeyRing::first(NOON, &[1; 32]).expect("first");
        assert_eq!(first.rotate(NOON, &[1; 32], Duration::HOUR).err(), Some(KeyError::Seed));
    }

    #[test]
    fn the_public_document_reads_back_and_has_the_agreed_members() {
        let ring = KeyRing::first(NOON, &[1; 32]).expect("first");
        let set = ring.rotate(NOON, &[2; 32], Duration::HOUR).expect("second").key_set(NOON);
        let json = serde_json::to_value(&set).expect("JSON");
        let members = |at: usize| json["keys"][at].as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(members(0), ["key", "kid", "state"]);
        assert_eq!(members(1), ["key", "kid", "state", "until"]);
        assert_eq!(json["keys"][0]["state"], "active");
        assert_eq!(json["keys"][1]["state"], "retiring");
        assert_eq!(serde_json::from_value::<KeySet>(json).expect("and back"), set);
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
