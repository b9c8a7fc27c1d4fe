//! Who made the first account, or is making it.

use identity::FirstAccount;
use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum StoredFirstAccount {
    #[serde(with = "crate::values")]
    Made(Id),
    Claimed {
        #[serde(default)]
        v: V1,
        #[serde(with = "crate::values")]
        account: Id,
        #[serde(with = "crate::values")]
        until: Timestamp,
    },
}

impl From<&FirstAccount> for StoredFirstAccount {
    fn from(first: &FirstAccount) -> Self {
        match *first {
            FirstAccount::Made(account) => Self::Made(account),
            FirstAccount::Claimed { account, until } => Self::Claimed {
                v: V1,
                account,
                until,
            },
        }
    }
}

impl From<StoredFirstAccount> for FirstAccount {
    fn from(stored: StoredFirstAccount) -> Self {
        match stored {
            StoredFirstAccount::Made(account) => Self::Made(account),
            StoredFirstAccount::Claimed { account, until, .. } => Self::Claimed { account, until },
        }
    }
}
