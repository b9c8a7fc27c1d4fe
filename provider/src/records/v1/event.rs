//! The audit log: its events, one or several in a record, and the notes of the newest one.

use std::borrow::Cow;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    records::V1,
    state::audit::{AuditBatch, AuditEntry, AuditRecord, BatchedEvent, ChainHead, Event, Link},
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

/// Several events that were written together. Their hash is over these bytes, and must come last.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredBatch<'a> {
    #[serde(default)]
    v: V1,
    number: u64,
    last: u64,
    #[serde(with = "crate::values")]
    at: Timestamp,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    events: Cow<'a, [BatchedEvent]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Cow<'a, Link>>,
    #[serde(flatten)]
    beyond: Cow<'a, Map<String, Value>>,
    hash: Cow<'a, str>,
}

/// A record of the audit log: several events have a member that one has not.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum StoredAuditRecord<'a> {
    /// Several events.
    Several(StoredBatch<'a>),
    /// One.
    One(Box<StoredEvent<'a>>),
}

impl<'a> From<&'a AuditRecord> for StoredAuditRecord<'a> {
    fn from(record: &'a AuditRecord) -> Self {
        match record {
            AuditRecord::One(entry) => Self::One(Box::new((&**entry).into())),
            AuditRecord::Several(batch) => Self::Several(batch.into()),
        }
    }
}

impl From<StoredAuditRecord<'_>> for AuditRecord {
    fn from(stored: StoredAuditRecord<'_>) -> Self {
        match stored {
            StoredAuditRecord::One(entry) => Self::One(Box::new((*entry).into())),
            StoredAuditRecord::Several(batch) => Self::Several(batch.into()),
        }
    }
}

impl<'a> From<&'a AuditBatch> for StoredBatch<'a> {
    fn from(batch: &'a AuditBatch) -> Self {
        Self {
            v: V1,
            number: batch.number,
            last: batch.last,
            at: batch.at,
            expires_at: batch.expires_at,
            events: Cow::Borrowed(&batch.events),
            previous: batch.previous.as_ref().map(Cow::Borrowed),
            beyond: Cow::Borrowed(&batch.beyond),
            hash: Cow::Borrowed(&batch.hash),
        }
    }
}

impl From<StoredBatch<'_>> for AuditBatch {
    fn from(stored: StoredBatch<'_>) -> Self {
        Self {
            number: stored.number,
            last: stored.last,
            at: stored.at,
            expires_at: stored.expires_at,
            events: stored.events.into_owned(),
            previous: stored.previous.map(Cow::into_owned),
            beyond: stored.beyond.into_owned(),
            hash: stored.hash.into_owned(),
        }
    }
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
