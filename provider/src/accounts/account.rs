//! The record of an account.

use std::time::Duration;

use oauth::{Digest, Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    email::{self, Email},
    passkey::StoredPasskey,
    password::{NewPassword, shortest_password},
    recovery::StoredCodes,
};
use crate::{
    audit::Whose,
    records::{Key, PartOf},
};

const SLACK: Duration = Duration::from_mins(1);

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
        [Self::Person, Self::Administrator]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// An account, as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: Id,
    /// As people read it; it is found by [`Email::key`].
    pub(crate) email: String,
    /// An address that it is about to have, which no other account gets meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_email: Option<NextEmail>,
    pub(crate) disabled: bool,
    /// An argon2id hash as a PHC string.
    pub(crate) password: Option<String>,
    pub(crate) passkeys: Vec<StoredPasskey>,
    pub(crate) created_at: Timestamp,
    /// Raised to end every session there is, in the same step that gives the reason: a session
    /// holds the generation that it began in.
    pub(crate) generation: u64,
    #[serde(default)]
    pub(crate) role: Role,
    #[serde(default)]
    pub(crate) password_set_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) recovery: Option<StoredCodes>,
    /// The one-time link that counts, if a certain one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<CurrentLink>,
    /// Whether the password is long enough to be all that an administrator signs in with. Not known
    /// of earlier passwords until they are next used.
    #[serde(default)]
    pub(crate) password_is_long: bool,
    /// When the person last said that they want no passkey.
    #[serde(default)]
    pub(crate) passkey_declined_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) last_sign_in_at: Option<Timestamp>,
}

/// An address that is being claimed, as stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NextEmail {
    pub(crate) email: String,
    /// Until when the account may take it.
    pub(crate) until: Timestamp,
}

/// Which one-time link to an account counts, as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CurrentLink {
    /// The generation of the account that it was made for; in any other it says nothing.
    pub(crate) generation: u64,
    /// `None` when the link was withdrawn: then none counts.
    pub(crate) digest: Option<Digest>,
    pub(crate) expires_at: Timestamp,
}

/// What every token request asks of an account, read out of the same record: passkeys take long to
/// read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Standing {
    disabled: bool,
}

impl PartOf<Account> for Standing {}

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
            email: email.shown(),
            next_email: None,
            disabled: false,
            password: None,
            passkeys: Vec::new(),
            created_at,
            generation: 0,
            role: Role::Person,
            password_set_at: None,
            recovery: None,
            link: None,
            password_is_long: false,
            passkey_declined_at: None,
            last_sign_in_at: None,
        }
    }

    /// Whether it may be used.
    pub(crate) const fn is_active(&self) -> bool {
        !self.disabled
    }

    /// A new password: every session that there is ends with the old one, and links that were made
    /// before open nothing.
    pub(crate) fn choose_password(&mut self, password: NewPassword, now: Timestamp) {
        self.set_password(password, now);
        self.generation += 1;
    }

    pub(crate) fn set_password(&mut self, password: NewPassword, now: Timestamp) {
        self.password = Some(password.hash);
        self.password_is_long = password.is_long;
        self.password_set_at = Some(now);
    }

    /// Whether an address leads to it: by one of the keys of [`email::keys_of`].
    pub(crate) fn is_found_by(&self, key: &Key<Id>) -> bool {
        email::keys_of(&self.email).iter().any(|own| own == key)
    }

    /// Whether no other account may have the address under a key: it is its own, or about to be.
    /// The claim lasts a little longer than it may be used, so that servers need not agree on the
    /// second.
    pub(crate) fn holds(&self, key: &Key<Id>, now: Timestamp) -> bool {
        let claimed = self
            .next_email
            .as_ref()
            .filter(|next| !next.until.after(SLACK).has_passed(now));
        self.is_found_by(key)
            || claimed.is_some_and(|next| email::keys_of(&next.email).iter().any(|own| own == key))
    }

    /// Until when the link that counts is good, if one is out.
    pub(crate) fn link_expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let link = self
            .link
            .as_ref()
            .filter(|link| link.generation == self.generation && link.digest.is_some())?;
        (self.is_active() && !link.expires_at.has_passed(now)).then_some(link.expires_at)
    }

    /// Whether a link that was made for its present generation counts.
    pub(crate) fn is_current_link(&self, digest: &Digest) -> bool {
        let current = self
            .link
            .as_ref()
            .filter(|link| link.generation == self.generation);
        current.is_none_or(|link| link.digest.as_ref() == Some(digest))
    }

    /// Lets no link that is out count any more.
    pub(crate) fn withdraw_link(&mut self, now: Timestamp) {
        self.link = Some(CurrentLink {
            generation: self.generation,
            digest: None,
            expires_at: now,
        });
    }

    /// The least number of characters of a password that it may get: more where it would be all
    /// that an administrator signs in with.
    pub(crate) fn shortest_password(&self) -> usize {
        shortest_password(self.role, !self.passkeys.is_empty())
    }

    /// Whether it may have a role: an administrator's only credential is not a password that is
    /// short, or may be.
    pub(crate) fn may_be(&self, role: Role) -> bool {
        role == Role::Person
            || !self.passkeys.is_empty()
            || self.password.is_none()
            || self.password_is_long
    }

    /// Loses the password and the recovery codes, which others may know. Passkeys stay: they are in
    /// somebody's hands.
    pub(super) fn forget_what_can_be_told(&mut self) {
        (self.password, self.password_set_at, self.recovery) = (None, None, None);
        self.password_is_long = false;
    }

    /// How the audit log names it.
    pub(crate) fn whose(&self) -> Whose {
        Whose {
            account: self.id,
            email: self.email.clone(),
        }
    }

    /// Whether there is any way to sign in.
    pub(crate) const fn has_credentials(&self) -> bool {
        self.password.is_some() || !self.passkeys.is_empty()
    }
}
