//! The published key document.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Invalid, KeyError, KeyId, VerifyingKey};

/// The path of the document at the issuer.
pub const KEYS_PATH: &str = "/.well-known/paseto-keys";

/// The current use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Signs and verifies.
    Active,
    /// Verifies earlier signatures until a fixed time.
    Retiring,
}

/// `{"keys":[{"kid":"k4.pid.…","key":"k4.public.…","state":"active"}]}`. Parsing checks that each
/// id belongs to its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// The active key first.
    pub keys: Vec<PublishedKey>,
}

/// One key of a [`KeySet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Entry", try_from = "Entry")]
pub struct PublishedKey {
    /// The key.
    pub key: VerifyingKey,
    /// Its use.
    pub state: KeyState,
    /// For a retiring key: the first instant at which it no longer verifies. Published so that a
    /// verifier that cannot reach the document stops in time.
    pub until: Option<OffsetDateTime>,
}

impl KeySet {
    /// The key of this id, if it may verify now.
    pub fn find(&self, id: &KeyId, now: OffsetDateTime) -> Result<&VerifyingKey, Invalid> {
        let found = self
            .keys
            .iter()
            .find(|published| published.key.id() == id)
            .ok_or(Invalid::UnknownKey)?;
        if found.is_valid(now) {
            Ok(&found.key)
        } else {
            Err(Invalid::RetiredKey)
        }
    }
}

impl PublishedKey {
    pub(crate) fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    kid: KeyId,
    key: String,
    state: KeyState,
    #[serde(
        default,
        with = "crate::timestamp::option",
        skip_serializing_if = "Option::is_none"
    )]
    until: Option<OffsetDateTime>,
}

impl From<PublishedKey> for Entry {
    fn from(published: PublishedKey) -> Self {
        Self {
            kid: published.key.id().clone(),
            key: published.key.to_string(),
            state: published.state,
            until: published.until,
        }
    }
}

impl TryFrom<Entry> for PublishedKey {
    type Error = KeyError;

    fn try_from(entry: Entry) -> Result<Self, KeyError> {
        let key: VerifyingKey = entry.key.parse()?;
        if *key.id() != entry.kid {
            return Err(KeyError::IdOfAnotherKey);
        }
        Ok(Self {
            key,
            state: entry.state,
            until: entry.until,
        })
    }
}
