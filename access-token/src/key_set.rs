//! The public document of keys.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Invalid, KeyError, KeyId, PublicKey};

/// Where the document is, below the issuer.
pub const KEYS_PATH: &str = "/.well-known/paseto-keys";

/// What a key is used for at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Signs, and verifies.
    Active,
    /// Verifies what it signed, until a fixed instant.
    Retiring,
}

/// `{"keys":[{"kid":"k4.pid.…","key":"k4.public.…","state":"active"}]}`. Reading one checks that
/// each id belongs to its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// The active key first.
    pub keys: Vec<PublishedKey>,
}

/// One key of a [`KeySet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Entry", try_from = "Entry")]
pub struct PublishedKey {
    /// The key, which knows its id.
    pub key: PublicKey,
    /// Its use.
    pub state: KeyState,
    /// For a retiring key: the first instant at which it verifies nothing more. Published, so that
    /// a verifier that cannot reach the document still stops in time.
    pub until: Option<OffsetDateTime>,
}

impl KeySet {
    /// The key of this id, if it may verify now.
    pub fn find(&self, id: &KeyId, now: OffsetDateTime) -> Result<&PublicKey, Invalid> {
        let found = self
            .keys
            .iter()
            .find(|published| published.key.id() == id)
            .ok_or(Invalid::UnknownKey)?;
        if found.alive(now) {
            Ok(&found.key)
        } else {
            Err(Invalid::RetiredKey)
        }
    }

    pub(crate) fn holds(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|published| published.key.id() == id)
    }
}

impl PublishedKey {
    pub(crate) fn alive(&self, now: OffsetDateTime) -> bool {
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
        let key: PublicKey = entry.key.parse()?;
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
