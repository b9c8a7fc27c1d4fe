//! Events of the audit log.

mod action;
mod event;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use action::{AuditAction, Category, UnknownAction};
pub use event::{AccountName, Actor, ClientName, Event, RequestSource};

use super::Maybe;

/// An event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, from 1.
    pub number: u64,
    /// Distinguishes it from another event with the same content in the same second.
    #[serde(with = "crate::values")]
    pub id: Id,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// When it may be forgotten.
    #[serde(with = "crate::values")]
    pub expires_at: Timestamp,
    /// The hash of the event before it, and when that one may be forgotten; absent of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Link>,
    /// Additional members of a newer version.
    #[serde(flatten)]
    pub beyond: Map<String, Value>,
    /// HMAC-SHA-256 over all of the above, under a key that is derived from the sealing key: with
    /// write access to the store but without that key, no event can be changed or added. It is
    /// computed over the stored bytes, where it is last and empty, so that a version that does not
    /// know all members can verify it.
    pub hash: String,
}

/// A record of the audit log, in the place of its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuditRecord {
    /// One event.
    One(Box<AuditEntry>),
    /// Several events that were written together.
    Several(AuditBatch),
}

/// Events with consecutive numbers and one hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditBatch {
    /// The number of the first.
    pub(crate) number: u64,
    /// The number of the last.
    pub(crate) last: u64,
    /// When the newest happened.
    pub(crate) at: Timestamp,
    /// When all of them may be forgotten.
    pub(crate) expires_at: Timestamp,
    /// The events, in order.
    pub(crate) events: Vec<BatchedEvent>,
    /// The hash of the record before it; absent of the first.
    pub(crate) previous: Option<Link>,
    /// Additional members of a newer version.
    pub(crate) beyond: Map<String, Value>,
    /// As that of an event.
    pub(crate) hash: String,
}

/// An event of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchedEvent {
    /// As of an event on its own.
    #[serde(with = "crate::values")]
    pub(crate) id: Id,
    /// What happened.
    #[serde(flatten)]
    pub(crate) event: Event,
    /// Additional members of a newer version.
    #[serde(flatten)]
    pub(crate) beyond: Map<String, Value>,
}

/// What ties an event to the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its hash.
    pub hash: String,
    /// When it may be forgotten.
    #[serde(with = "crate::values")]
    pub expires_at: Timestamp,
    /// When it happened: it may be forgotten earlier where a shorter retention is set since.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub at: Option<Timestamp>,
}

impl AuditRecord {
    /// The number of its first event.
    pub(crate) const fn first(&self) -> u64 {
        match self {
            Self::One(entry) => entry.number,
            Self::Several(batch) => batch.number,
        }
    }

    /// The number of its last event.
    pub(crate) const fn last(&self) -> u64 {
        match self {
            Self::One(entry) => entry.number,
            Self::Several(batch) => batch.last,
        }
    }

    /// When its newest event happened.
    pub(crate) const fn at(&self) -> Timestamp {
        match self {
            Self::One(entry) => entry.event.at,
            Self::Several(batch) => batch.at,
        }
    }

    /// When it may be forgotten.
    pub(crate) const fn expires_at(&self) -> Timestamp {
        match self {
            Self::One(entry) => entry.expires_at,
            Self::Several(batch) => batch.expires_at,
        }
    }

    /// Its hash.
    pub(crate) fn hash(&self) -> &str {
        match self {
            Self::One(entry) => &entry.hash,
            Self::Several(batch) => &batch.hash,
        }
    }

    /// What it says of the record before it.
    pub(crate) const fn previous(&self) -> Option<&Link> {
        match self {
            Self::One(entry) => entry.previous.as_ref(),
            Self::Several(batch) => batch.previous.as_ref(),
        }
    }

    /// The same with another hash.
    pub(crate) fn with_hash(self, hash: String) -> Self {
        match self {
            Self::One(entry) => Self::One(Box::new(AuditEntry { hash, ..*entry })),
            Self::Several(batch) => Self::Several(AuditBatch { hash, ..batch }),
        }
    }

    /// Its events. Those of a batch have the hash of the batch, and the first of them its link.
    pub(crate) fn into_entries(self) -> Vec<AuditEntry> {
        match self {
            Self::One(entry) => vec![*entry],
            Self::Several(batch) => batch.into_entries(),
        }
    }
}

impl AuditBatch {
    fn into_entries(self) -> Vec<AuditEntry> {
        let Self {
            number,
            expires_at,
            events,
            mut previous,
            hash,
            ..
        } = self;
        let entry = |(number, batched): (u64, BatchedEvent)| AuditEntry {
            number,
            id: batched.id,
            event: batched.event,
            expires_at,
            previous: previous.take(),
            beyond: batched.beyond,
            hash: hash.clone(),
        };
        (number..).zip(events).map(entry).collect()
    }
}

/// The newest known event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChainHead {
    pub(crate) number: u64,
    pub(crate) link: Option<Link>,
}

/// The latest events of an account, newest first.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Activity(pub(crate) Vec<Maybe<Event>>);
