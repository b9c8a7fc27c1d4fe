//! A one-time link.

use identity::{LinkTarget, OneTimeLink, SessionEpoch};
use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredLink {
    #[serde(default)]
    v: V1,
    target: StoredTarget,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredTarget {
    FirstAccount,
    Enrolment {
        #[serde(with = "crate::values")]
        account: Id,
        #[serde(default)]
        generation: u64,
    },
    Reset {
        #[serde(with = "crate::values")]
        account: Id,
        generation: u64,
    },
}

impl From<&OneTimeLink> for StoredLink {
    fn from(link: &OneTimeLink) -> Self {
        let target = match link.target {
            LinkTarget::FirstAccount => StoredTarget::FirstAccount,
            LinkTarget::Enrolment {
                account,
                session_epoch,
            } => StoredTarget::Enrolment {
                account,
                generation: session_epoch.number(),
            },
            LinkTarget::Reset {
                account,
                session_epoch,
            } => StoredTarget::Reset {
                account,
                generation: session_epoch.number(),
            },
        };
        Self {
            v: V1,
            target,
            expires_at: link.expires_at,
        }
    }
}

impl From<StoredLink> for OneTimeLink {
    fn from(stored: StoredLink) -> Self {
        let target = match stored.target {
            StoredTarget::FirstAccount => LinkTarget::FirstAccount,
            StoredTarget::Enrolment {
                account,
                generation,
            } => LinkTarget::Enrolment {
                account,
                session_epoch: SessionEpoch::new(generation),
            },
            StoredTarget::Reset {
                account,
                generation,
            } => LinkTarget::Reset {
                account,
                session_epoch: SessionEpoch::new(generation),
            },
        };
        Self {
            target,
            expires_at: stored.expires_at,
        }
    }
}
