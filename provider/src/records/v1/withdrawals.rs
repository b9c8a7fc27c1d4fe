//! What an account has withdrawn from its clients.

use std::{borrow::Cow, collections::BTreeMap};

use oauth::epoch::Epoch;
use serde::{Deserialize, Serialize};

use crate::{records::V1, state::Withdrawals};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredWithdrawals<'a> {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    latest: Epoch,
    /// Absent without one.
    #[serde(
        default,
        skip_serializing_if = "Epoch::is_first",
        with = "crate::values"
    )]
    all: Epoch,
    #[serde(with = "crate::values")]
    connections: Cow<'a, BTreeMap<String, Epoch>>,
}

impl<'a> From<&'a Withdrawals> for StoredWithdrawals<'a> {
    fn from(withdrawals: &'a Withdrawals) -> Self {
        Self {
            v: V1,
            latest: withdrawals.latest,
            all: withdrawals.all,
            connections: Cow::Borrowed(&withdrawals.connections),
        }
    }
}

impl From<StoredWithdrawals<'_>> for Withdrawals {
    fn from(stored: StoredWithdrawals<'_>) -> Self {
        Self {
            latest: stored.latest,
            all: stored.all,
            connections: stored.connections.into_owned(),
        }
    }
}
