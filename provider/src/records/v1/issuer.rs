//! The issuer that the store belongs to.

use std::borrow::Cow;

use oauth::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{records::V1, state::StoreIdentity};

#[derive(Serialize, Deserialize)]
pub(crate) struct Identity<'a> {
    #[serde(default)]
    v: V1,
    issuer: Cow<'a, str>,
    /// Absent in the first records, and where the host is an IP address.
    #[serde(default)]
    rp_id: Option<Cow<'a, str>>,
    since: u64,
}

impl<'a> From<&'a StoreIdentity> for Identity<'a> {
    fn from(identity: &'a StoreIdentity) -> Self {
        Self {
            v: V1,
            issuer: Cow::Borrowed(&identity.issuer),
            rp_id: identity.rp_id.as_deref().map(Cow::Borrowed),
            since: identity.since.seconds(),
        }
    }
}

impl From<Identity<'_>> for StoreIdentity {
    fn from(stored: Identity<'_>) -> Self {
        Self {
            issuer: stored.issuer.into_owned(),
            rp_id: stored.rp_id.map(Cow::into_owned),
            since: Timestamp::from_seconds(stored.since),
        }
    }
}
