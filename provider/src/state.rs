//! What the services remember between requests, as plain data. How it is stored is in `records`,
//! what becomes of it in the services.

mod account;
mod assertion;
pub(crate) mod audit;
mod blocked;
mod ceremony;
pub(crate) mod failure;
mod issuer;
mod key_set;
mod post;
mod request;
mod withdrawals;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::{
    account::{Account, AccountMembers, account_name},
    assertion::UsedAssertion,
    blocked::Blocked,
    ceremony::{PendingCeremony, Task},
    key_set::KeySet,
    post::Post,
    request::{Decided, PendingAuthorization, ReauthRequirement, StoredRequest},
    withdrawals::{GrantEpochs, Withdrawals},
};
pub use self::{blocked::BlockedHost, issuer::StoreIdentity, request::Decision};

/// A variant in a record; an unknown one is preserved.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Maybe<T> {
    Known(T),
    Unknown(Value),
}

impl<T> Maybe<T> {
    pub(crate) const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(one) => Some(one),
            Self::Unknown(_) => None,
        }
    }

    pub(crate) fn into_known(self) -> Option<T> {
        match self {
            Self::Known(one) => Some(one),
            Self::Unknown(_) => None,
        }
    }
}
