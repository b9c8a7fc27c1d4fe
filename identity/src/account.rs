//! An account: what its user signs in with, and what ends with a change of it.
//!
//! ```text
//!               enrol                        Rights::disable
//!   Pending ───────────▶ Active ─────────────────────────────▶ Disabled
//!    │  ▲                │  ▲  ◀──────────────────────────────
//!    └──┘ invite_again   └──┘      Rights::enable
//!                         sign_in_with_…, redeem_recovery_code, change_password, set_password,
//!                         add_passkey, remove_passkey, remove_password, end_other_sessions, reset
//! ```
//!
//! An account has no credential while it is *pending*: it waits for its user to come by a one-time
//! link. The session epoch rises in the transitions that end every session, and in no other:
//! `enrol`, `reset`, `change_password`, `set_password`, `end_other_sessions`, `invite_again`, and
//! [`crate::Rights::disable`].

mod credentials;
mod email;
mod enrolment;
mod links;
mod sign_in;

use std::ops::Deref;

use primitives::{Digest, Id, Timestamp};
use thiserror::Error;

pub use self::{
    credentials::CredentialError,
    email::NextEmail,
    enrolment::{InviteError, LinkGone},
    sign_in::SignInRefused,
};
use crate::{
    CurrentLink, DisplayName, Email, NewPassword, RecoveryCodes, Rights, Role, SessionEpoch,
    email::folded_forms, enrolment::Credential, password,
};

/// As many as a user can tell apart; every sign-in reads them all.
pub const MAX_PASSKEYS: usize = 20;

/// A passkey of an account. `K` is what verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey<K> {
    /// The digest of its credential id.
    pub id: Digest,
    /// What its user calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used to sign in.
    pub last_used_at: Option<Timestamp>,
    /// What verifies it.
    pub key: K,
}

/// An account. It changes by its transitions alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account<K> {
    fields: AccountFields<K>,
}

/// Everything that an account holds, to be stored and read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFields<K> {
    /// Its identifier.
    pub id: Id,
    /// Its address, for people to read.
    pub email: String,
    /// The name that its user has chosen, if any.
    pub name: Option<DisplayName>,
    /// An address that it is about to have, which no other account gets until then.
    pub next_email: Option<NextEmail>,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// An argon2id hash as a PHC string.
    pub password: Option<String>,
    /// Whether the password is long enough to be an administrator's only credential. Not known of
    /// passwords of earlier releases until they are next used.
    pub password_is_long: bool,
    /// When the password was chosen, where that is known.
    pub password_set_at: Option<Timestamp>,
    /// Its passkeys, oldest first.
    pub passkeys: Vec<Passkey<K>>,
    /// Its recovery codes, if any were made.
    pub recovery: Option<RecoveryCodes>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which sessions, links and known browsers count: those of this epoch.
    pub session_epoch: SessionEpoch,
    /// What it may do.
    pub role: Role,
    /// The one-time link that counts, if a certain one does.
    pub link: Option<CurrentLink>,
    /// When its user last said that they want no passkey.
    pub passkey_declined_at: Option<Timestamp>,
    /// When its user last signed in.
    pub last_sign_in_at: Option<Timestamp>,
}

/// The session that asks was ended, or its account was disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session has ended")]
pub struct SessionEnded;

/// What an account holds can be read by everybody, and changed by its transitions alone.
impl<K> Deref for Account<K> {
    type Target = AccountFields<K>;

    fn deref(&self) -> &AccountFields<K> {
        &self.fields
    }
}

impl<K> AccountFields<K> {
    /// Its identifier.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Its address, for people to read.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The name that its user has chosen, if any.
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(DisplayName::as_str)
    }

    /// What it may do.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// In which session epoch it is.
    pub const fn session_epoch(&self) -> SessionEpoch {
        self.session_epoch
    }

    /// Its passkeys, oldest first.
    pub fn passkeys(&self) -> &[Passkey<K>] {
        &self.passkeys
    }

    /// The hash of its password.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// When its user last said that they want no passkey.
    pub const fn passkey_declined_at(&self) -> Option<Timestamp> {
        self.passkey_declined_at
    }

    /// Whether it may be used.
    pub const fn is_active(&self) -> bool {
        !self.disabled
    }

    /// Whether there is a credential to sign in with.
    pub const fn has_credentials(&self) -> bool {
        self.password.is_some() || !self.passkeys.is_empty()
    }

    /// Whether it waits for its user: it has no credential yet.
    pub const fn is_pending(&self) -> bool {
        !self.has_credentials()
    }

    /// The least number of characters of a password that it may get: more where it would be an
    /// administrator's only credential.
    pub fn min_password_length(&self) -> usize {
        password::min_length(self.role, !self.passkeys.is_empty())
    }

    /// What it may do, as far as that decides.
    pub fn rights(&self) -> Rights {
        Rights {
            disabled: self.disabled,
            role: self.role,
            session_epoch: self.session_epoch,
            has_short_password_alone: self.passkeys.is_empty()
                && self.password.is_some()
                && !self.password_is_long,
        }
    }

    /// Whether an address leads to it, by one of its folded forms.
    pub fn is_found_by(&self, folded: &str) -> bool {
        folded_forms(&self.email).iter().any(|own| own == folded)
    }

    /// Whether its credentials fit its role: an administrator's only credential is not a password
    /// that is short, or may be.
    pub(crate) fn fits_role(&self) -> bool {
        self.rights().with_role(self.role).is_ok()
    }

    /// Whether what a session of an epoch asks for may be done.
    pub(crate) fn in_session(&self, session_epoch: SessionEpoch) -> Result<(), SessionEnded> {
        if self.is_active() && self.session_epoch == session_epoch {
            Ok(())
        } else {
            Err(SessionEnded)
        }
    }
}

impl<K> Account<K> {
    /// An account that waits for its user.
    pub fn new(id: Id, email: &Email, role: Role, created_at: Timestamp) -> Self {
        Self {
            fields: AccountFields {
                id,
                email: email.shown(),
                name: None,
                next_email: None,
                disabled: false,
                password: None,
                password_is_long: false,
                password_set_at: None,
                passkeys: Vec::new(),
                recovery: None,
                created_at,
                session_epoch: SessionEpoch::FIRST,
                role,
                link: None,
                passkey_declined_at: None,
                last_sign_in_at: None,
            },
        }
    }

    /// A new account with a password that an administrator gave it.
    #[must_use]
    pub fn given_password(mut self, password: NewPassword, now: Timestamp) -> Self {
        self.put_password(password, now);
        self
    }

    /// A new account with the credential by which its user has just come.
    #[must_use]
    pub fn with_first_credential(mut self, credential: Credential<K>, now: Timestamp) -> Self {
        self.put_credential(credential, now);
        self
    }

    /// The same account under the identifier that a passkey of it was made for.
    #[must_use]
    pub fn with_id(mut self, id: Id) -> Self {
        self.fields.id = id;
        self
    }

    /// The same account with a name, or without one.
    #[must_use]
    pub fn with_name(mut self, name: Option<DisplayName>) -> Self {
        self.fields.name = name;
        self
    }

    /// The same new account with another role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.fields.role = role;
        self
    }

    /// An account as it was stored.
    pub const fn from_fields(fields: AccountFields<K>) -> Self {
        Self { fields }
    }

    /// Everything that it holds.
    pub const fn fields(&self) -> &AccountFields<K> {
        &self.fields
    }

    /// Everything that it holds, to be taken apart.
    pub fn into_fields(self) -> AccountFields<K> {
        self.fields
    }

    /// Ends every session, and lets links and known browsers of before count no more.
    fn end_sessions(&mut self) {
        self.fields.session_epoch = self.fields.session_epoch.next();
    }

    fn put_password(&mut self, password: NewPassword, now: Timestamp) {
        self.fields.password = Some(password.hash);
        self.fields.password_is_long = password.is_long;
        self.fields.password_set_at = Some(now);
    }

    /// A credential that its user has just chosen: they are signed in with it.
    fn put_credential(&mut self, credential: Credential<K>, now: Timestamp) {
        self.fields.last_sign_in_at = Some(now);
        match credential {
            Credential::Password(password) => self.put_password(password, now),
            Credential::Passkey(passkey) => self.fields.passkeys.push(*passkey),
        }
    }
}
