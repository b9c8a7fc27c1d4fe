//! The record of an account.

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::{email::Email, passkey::StoredPasskey, recovery::StoredCodes};
use crate::audit::Whose;

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sign in, and decide about its own connections.
    #[default]
    Person,
    /// Administer the server besides.
    Administrator,
}

impl Role {
    /// Its name, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Administrator => "administrator",
        }
    }

    /// The role of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Administrator].into_iter().find(|role| role.as_str() == text)
    }
}

/// An account, as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: Id,
    /// As typed; it is found by [`Email::key`].
    pub(crate) email: String,
    pub(crate) disabled: bool,
    /// An argon2id hash as a PHC string.
    pub(crate) password: Option<String>,
    pub(crate) passkeys: Vec<StoredPasskey>,
    pub(crate) created_at: Timestamp,
    /// Raised to end every session there is, in the same step that gives the reason: a session holds the generation that
    /// it began in.
    pub(crate) generation: u64,
    #[serde(default)]
    pub(crate) role: Role,
    #[serde(default)]
    pub(crate) password_set_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) recovery: Option<StoredCodes>,
    /// When the person last said that they want no passkey.
    #[serde(default)]
    pub(crate) passkey_declined_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) last_sign_in_at: Option<Timestamp>,
}

/// What every token request asks of an account, read out of the same record: passkeys take long to read.
#[derive(Deserialize)]
pub(crate) struct Standing {
    disabled: bool,
}

impl Standing {
    /// Whether the account may be used.
    pub(crate) const fn is_active(&self) -> bool {
        !self.disabled
    }
}

impl Account {
    pub(crate) fn new(id: Id, email: &Email, created_at: Timestamp) -> Self {
        Self {
            id,
            email: email.as_typed().to_owned(),
            disabled: false,
            password: None,
            passkeys: Vec::new(),
            created_at,
            generation: 0,
            role: Role::Person,
            password_set_at: None,
            recovery: None,
            passkey_declined_at: None,
            last_sign_in_at: None,
        }
    }

    /// Whether it may be used.
    pub(crate) const fn is_active(&self) -> bool {
        !self.disabled
    }

    /// A new password: every session that there is ends with the old one, and links that were made before open nothing.
    pub(crate) fn choose_password(&mut self, hash: String, now: Timestamp) {
        self.password = Some(hash);
        self.password_set_at = Some(now);
        self.generation += 1;
    }

    /// Loses the password and the recovery codes, which others may know. Passkeys stay: they are in somebody's hands.
    pub(super) fn forget_what_can_be_told(&mut self) {
        (self.password, self.password_set_at, self.recovery) = (None, None, None);
    }

    /// How the audit trail names it.
    pub(crate) fn whose(&self) -> Whose {
        Whose { account: self.id, email: self.email.clone() }
    }

    /// Whether there is any way to sign in.
    pub(crate) const fn has_credentials(&self) -> bool {
        self.password.is_some() || !self.passkeys.is_empty()
    }
}
