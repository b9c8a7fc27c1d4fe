//! The audit log: its events, and the notes of the newest one.

use std::borrow::Cow;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    records::V1,
    state::audit::{AuditEntry, ChainHead, Event, Link},
};

/// An event. Its hash is over these bytes, and must come last.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredEvent<'a> {
    #[serde(default)]
    v: V1,
    number: u64,
    #[serde(with = "crate::values")]
    id: Id,
    #[serde(flatten)]
    event: Cow<'a, Event>,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Cow<'a, Link>>,
    #[serde(flatten)]
    beyond: Cow<'a, Map<String, Value>>,
    hash: Cow<'a, str>,
}

impl<'a> From<&'a AuditEntry> for StoredEvent<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self {
            v: V1,
            number: entry.number,
            id: entry.id,
            event: Cow::Borrowed(&entry.event),
            expires_at: entry.expires_at,
            previous: entry.previous.as_ref().map(Cow::Borrowed),
            beyond: Cow::Borrowed(&entry.beyond),
            hash: Cow::Borrowed(&entry.hash),
        }
    }
}

impl From<StoredEvent<'_>> for AuditEntry {
    fn from(stored: StoredEvent<'_>) -> Self {
        Self {
            number: stored.number,
            id: stored.id,
            event: stored.event.into_owned(),
            expires_at: stored.expires_at,
            previous: stored.previous.map(Cow::into_owned),
            beyond: stored.beyond.into_owned(),
            hash: stored.hash.into_owned(),
        }
    }
}

/// The newest event, as far as it is known.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredHead<'a> {
    #[serde(default)]
    v: V1,
    number: u64,
    link: Option<Cow<'a, Link>>,
}

impl<'a> From<&'a ChainHead> for StoredHead<'a> {
    fn from(head: &'a ChainHead) -> Self {
        Self {
            v: V1,
            number: head.number,
            link: head.link.as_ref().map(Cow::Borrowed),
        }
    }
}

impl From<StoredHead<'_>> for ChainHead {
    fn from(stored: StoredHead<'_>) -> Self {
        Self {
            number: stored.number,
            link: stored.link.map(Cow::into_owned),
        }
    }
}
