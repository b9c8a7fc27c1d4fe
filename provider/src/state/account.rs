//! Accounts, as far as this crate adds to [`identity::Account`].

use super::audit::AccountName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An account, whose passkeys webauthn-rs verifies.
pub(crate) type Account = identity::Account<webauthn_rs::prelude::Passkey>;

/// All members of an account's record, in any version.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccountMembers(pub(crate) Map<String, Value>);

/// How the audit log names an account.
pub(crate) fn account_name(account: &Account) -> AccountName {
    AccountName {
        account: account.id(),
        email: account.email().to_owned(),
    }
}
