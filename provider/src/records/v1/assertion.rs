//! An assertion that a client has used.

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{records::V1, state::UsedAssertion};

#[derive(Serialize, Deserialize)]
pub(crate) struct Assertion {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    #[serde(with = "crate::values")]
    by: Id,
}

impl From<&UsedAssertion> for Assertion {
    fn from(used: &UsedAssertion) -> Self {
        Self {
            v: V1,
            expires_at: used.expires_at,
            by: used.by,
        }
    }
}

impl From<Assertion> for UsedAssertion {
    fn from(stored: Assertion) -> Self {
        Self {
            expires_at: stored.expires_at,
            by: stored.by,
        }
    }
}
