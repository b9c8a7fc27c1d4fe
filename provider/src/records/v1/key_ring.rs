//! The sealed ring of signing keys.

use std::borrow::Cow;

use access_token::{PublishedKey, SealedJwtRing, SealedKey, SealedRing};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredRing<'a> {
    #[serde(default)]
    v: V1,
    active: Cow<'a, SealedKey>,
    /// The first releases wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standby: Option<Cow<'a, SealedKey>>,
    retiring: Cow<'a, [PublishedKey]>,
    /// Absent until a resource gets JWTs or assertions.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    jwt: Cow<'a, [SealedJwtRing]>,
    sealed_under: Cow<'a, str>,
}

impl<'a> From<&'a SealedRing> for StoredRing<'a> {
    fn from(ring: &'a SealedRing) -> Self {
        Self {
            v: V1,
            active: Cow::Borrowed(&ring.active),
            standby: ring.standby.as_ref().map(Cow::Borrowed),
            retiring: Cow::Borrowed(&ring.retiring),
            jwt: Cow::Borrowed(&ring.jwt),
            sealed_under: Cow::Borrowed(&ring.sealed_under),
        }
    }
}

impl From<StoredRing<'_>> for SealedRing {
    fn from(stored: StoredRing<'_>) -> Self {
        Self {
            active: stored.active.into_owned(),
            standby: stored.standby.map(Cow::into_owned),
            retiring: stored.retiring.into_owned(),
            jwt: stored.jwt.into_owned(),
            sealed_under: stored.sealed_under.into_owned(),
        }
    }
}
