//! The public keys at a client's address.

use std::borrow::Cow;

use jose::Jwks;
use oauth::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{records::V1, state::KeySet};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredKeySet<'a> {
    #[serde(default)]
    v: V1,
    keys: Cow<'a, Jwks>,
    #[serde(with = "crate::values")]
    fetched_at: Timestamp,
    #[serde(with = "crate::values")]
    fresh_until: Timestamp,
    #[serde(with = "crate::values")]
    asked_at: Timestamp,
}

impl<'a> From<&'a KeySet> for StoredKeySet<'a> {
    fn from(set: &'a KeySet) -> Self {
        Self {
            v: V1,
            keys: Cow::Borrowed(&set.keys),
            fetched_at: set.fetched_at,
            fresh_until: set.fresh_until,
            asked_at: set.asked_at,
        }
    }
}

impl From<StoredKeySet<'_>> for KeySet {
    fn from(stored: StoredKeySet<'_>) -> Self {
        Self {
            keys: stored.keys.into_owned(),
            fetched_at: stored.fetched_at,
            fresh_until: stored.fresh_until,
            asked_at: stored.asked_at,
        }
    }
}
