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

/// The newest known event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChainHead {
    pub(crate) number: u64,
    pub(crate) link: Option<Link>,
}

/// The latest events of an account, newest first.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Activity(pub(crate) Vec<Maybe<Event>>);
