//! A session.

use std::borrow::Cow;

use identity::{Session, SessionEpoch};
use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredSession<'a> {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    account: Id,
    generation: u64,
    #[serde(with = "crate::values")]
    created_at: Timestamp,
    #[serde(with = "crate::values")]
    authenticated_at: Timestamp,
    #[serde(default)]
    by_code: bool,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    #[serde(default)]
    device: Cow<'a, str>,
    #[serde(default)]
    address: Cow<'a, str>,
    #[serde(default = "beginning", with = "crate::values")]
    last_used_at: Timestamp,
}

const fn beginning() -> Timestamp {
    Timestamp::from_seconds(0)
}

impl<'a> From<&'a Session> for StoredSession<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            v: V1,
            account: session.account,
            generation: session.session_epoch.number(),
            created_at: session.created_at,
            authenticated_at: session.authenticated_at,
            by_code: session.by_code,
            expires_at: session.expires_at,
            device: Cow::Borrowed(&session.device),
            address: Cow::Borrowed(&session.address),
            last_used_at: session.last_used_at,
        }
    }
}

impl From<StoredSession<'_>> for Session {
    fn from(stored: StoredSession<'_>) -> Self {
        Self {
            account: stored.account,
            session_epoch: SessionEpoch::new(stored.generation),
            created_at: stored.created_at,
            authenticated_at: stored.authenticated_at,
            by_code: stored.by_code,
            expires_at: stored.expires_at,
            device: stored.device.into_owned(),
            address: stored.address.into_owned(),
            last_used_at: stored.last_used_at,
        }
    }
}
