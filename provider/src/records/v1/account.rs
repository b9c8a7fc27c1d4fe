//! An account.

use identity::{
    AccountFields, CurrentLink, DisplayName, Passkey, RecoveryCodes, Role, SessionEpoch,
};
use oauth::{Digest, Id, Timestamp};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::Passkey as PasskeyKey;

use crate::{
    records::{PartOf, V1},
    state::Account,
};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredAccount {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    id: Id,
    /// For display; lookups use its folded form.
    email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_email: Option<NextEmail>,
    disabled: bool,
    /// An argon2id hash as a PHC string.
    password: Option<String>,
    passkeys: Vec<StoredPasskey>,
    #[serde(with = "crate::values")]
    created_at: Timestamp,
    generation: u64,
    #[serde(default)]
    role: Role,
    #[serde(default, with = "crate::values")]
    password_set_at: Option<Timestamp>,
    #[serde(default)]
    recovery: Option<StoredCodes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<StoredLink>,
    #[serde(default)]
    password_is_long: bool,
    #[serde(default, with = "crate::values")]
    passkey_declined_at: Option<Timestamp>,
    #[serde(default, with = "crate::values")]
    last_sign_in_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct NextEmail {
    email: String,
    #[serde(with = "crate::values")]
    until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct StoredPasskey {
    name: String,
    #[serde(with = "crate::values")]
    created_at: Timestamp,
    #[serde(default, with = "crate::values")]
    last_used_at: Option<Timestamp>,
    key: PasskeyKey,
}

#[derive(Serialize, Deserialize)]
struct StoredCodes {
    #[serde(with = "crate::values")]
    made_at: Timestamp,
    #[serde(with = "crate::values")]
    left: Vec<Digest>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    last_use: Option<Id>,
}

#[derive(Serialize, Deserialize)]
struct StoredLink {
    generation: u64,
    /// `None` when the link was withdrawn.
    #[serde(default, with = "crate::values")]
    digest: Option<Digest>,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
}

/// The part of an account that every token request needs, read from the same record, since parsing
/// passkeys is slow.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccountStatus {
    disabled: bool,
}

impl PartOf<Account> for AccountStatus {}

impl AccountStatus {
    /// Whether the account may be used.
    pub(crate) const fn is_active(&self) -> bool {
        !self.disabled
    }
}

impl From<&Account> for StoredAccount {
    fn from(account: &Account) -> Self {
        let fields = account.fields();
        Self {
            v: V1,
            id: fields.id,
            email: fields.email.clone(),
            name: fields.name().map(str::to_owned),
            next_email: fields.next_email.as_ref().map(|next| NextEmail {
                email: next.email.clone(),
                until: next.until,
            }),
            disabled: fields.disabled,
            password: fields.password.clone(),
            passkeys: fields.passkeys.iter().map(StoredPasskey::from).collect(),
            created_at: fields.created_at,
            generation: fields.session_epoch.number(),
            role: fields.role,
            password_set_at: fields.password_set_at,
            recovery: fields.recovery.as_ref().map(|codes| StoredCodes {
                made_at: codes.made_at,
                left: codes.left.clone(),
                last_use: codes.last_use,
            }),
            link: fields.link.as_ref().map(|link| StoredLink {
                generation: link.session_epoch.number(),
                digest: link.digest.clone(),
                expires_at: link.expires_at,
            }),
            password_is_long: fields.password_is_long,
            passkey_declined_at: fields.passkey_declined_at,
            last_sign_in_at: fields.last_sign_in_at,
        }
    }
}

impl From<StoredAccount> for Account {
    fn from(stored: StoredAccount) -> Self {
        Self::from_fields(AccountFields {
            id: stored.id,
            email: stored.email,
            name: stored.name.map(DisplayName::read_before),
            next_email: stored.next_email.map(|next| identity::account::NextEmail {
                email: next.email,
                until: next.until,
            }),
            disabled: stored.disabled,
            password: stored.password,
            password_is_long: stored.password_is_long,
            password_set_at: stored.password_set_at,
            passkeys: stored.passkeys.into_iter().map(Passkey::from).collect(),
            recovery: stored.recovery.map(|codes| RecoveryCodes {
                made_at: codes.made_at,
                left: codes.left,
                last_use: codes.last_use,
            }),
            created_at: stored.created_at,
            session_epoch: SessionEpoch::new(stored.generation),
            role: stored.role,
            link: stored.link.map(|link| CurrentLink {
                session_epoch: SessionEpoch::new(link.generation),
                digest: link.digest,
                expires_at: link.expires_at,
            }),
            passkey_declined_at: stored.passkey_declined_at,
            last_sign_in_at: stored.last_sign_in_at,
        })
    }
}

impl From<&Passkey<PasskeyKey>> for StoredPasskey {
    fn from(passkey: &Passkey<PasskeyKey>) -> Self {
        Self {
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            key: passkey.key.clone(),
        }
    }
}

impl From<StoredPasskey> for Passkey<PasskeyKey> {
    fn from(stored: StoredPasskey) -> Self {
        Self {
            id: Digest::of(stored.key.cred_id()),
            name: stored.name,
            created_at: stored.created_at,
            last_used_at: stored.last_used_at,
            key: stored.key,
        }
    }
}
