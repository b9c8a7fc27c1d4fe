//! What a signed-in user changes about the ways they sign in, and what an administrator changes
//! for them.
//!
//! Each transition of a user takes the session epoch of the session that asks: what another browser
//! has ended in between does nothing any more.

use primitives::{Digest, Timestamp};
use thiserror::Error;

use super::{Account, MAX_PASSKEYS, Passkey, SessionEnded};
use crate::{DisplayName, NewPassword, RecoveryCodes, SessionEpoch};

/// The longest name of a passkey, in bytes.
const MAX_NAME: usize = 100;

/// Why a credential was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// The session that asks was ended, or its account was disabled.
    #[error(transparent)]
    SessionEnded(#[from] SessionEnded),
    /// What was named is not there any more.
    #[error("it is gone")]
    Gone,
    /// It is the only way to sign in that is left.
    #[error("it is the last credential")]
    LastCredential,
    /// An administrator's only credential would be a password that is short, or may be.
    #[error("the password is too short to be the only credential of an administrator")]
    ShortPasswordAlone,
    /// A name with nothing to see in it.
    #[error("the name is empty")]
    EmptyName,
    /// The account has the passkey already.
    #[error("the passkey is there already")]
    KnownPasskey,
    /// The account has as many passkeys as it may.
    #[error("there are too many passkeys")]
    TooManyPasskeys,
}

impl<K> Account<K> {
    /// Adds a passkey.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn add_passkey(
        mut self,
        session_epoch: SessionEpoch,
        passkey: Passkey<K>,
    ) -> Result<Self, CredentialError> {
        self.in_session(session_epoch)?;
        let passkeys = &mut self.fields.passkeys;
        if passkeys.iter().any(|other| other.id == passkey.id) {
            return Err(CredentialError::KnownPasskey);
        }
        if passkeys.len() >= MAX_PASSKEYS {
            return Err(CredentialError::TooManyPasskeys);
        }
        passkeys.push(passkey);
        Ok(self)
    }

    /// Renames a passkey. Returns the name as stored.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn rename_passkey(
        mut self,
        session_epoch: SessionEpoch,
        id: &Digest,
        name: &str,
    ) -> Result<(Self, String), CredentialError> {
        let name = readable_name(name).ok_or(CredentialError::EmptyName)?;
        self.in_session(session_epoch)?;
        let passkey = self
            .fields
            .passkeys
            .iter_mut()
            .find(|passkey| passkey.id == *id)
            .ok_or(CredentialError::Gone)?;
        passkey.name.clone_from(&name);
        Ok((self, name))
    }

    /// Removes a passkey, unless it is the last credential. The answer is its name.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn remove_passkey(
        mut self,
        session_epoch: SessionEpoch,
        id: &Digest,
    ) -> Result<(Self, String), CredentialError> {
        self.in_session(session_epoch)?;
        let passkeys = &mut self.fields.passkeys;
        let place = passkeys.iter().position(|passkey| passkey.id == *id);
        let place = place.ok_or(CredentialError::Gone)?;
        let removed = passkeys.remove(place);
        if !self.has_credentials() {
            return Err(CredentialError::LastCredential);
        }
        if !self.fits_role() {
            return Err(CredentialError::ShortPasswordAlone);
        }
        Ok((self, removed.name))
    }

    /// Chooses a new password. Every session ends.
    ///
    /// # Errors
    /// [`CredentialError`]; the account may have become an administrator's since the password was
    /// judged.
    pub fn change_password(
        mut self,
        session_epoch: SessionEpoch,
        password: NewPassword,
        now: Timestamp,
    ) -> Result<Self, CredentialError> {
        self.in_session(session_epoch)?;
        self.put_password(password, now);
        self.end_sessions();
        if !self.fits_role() {
            return Err(CredentialError::ShortPasswordAlone);
        }
        Ok(self)
    }

    /// Removes the password, unless it is the last credential that works. `passkeys_work` is
    /// `false` where the server's host can have none.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn remove_password(
        mut self,
        session_epoch: SessionEpoch,
        passkeys_work: bool,
    ) -> Result<Self, CredentialError> {
        self.in_session(session_epoch)?;
        if self.fields.passkeys.is_empty() || !passkeys_work {
            return Err(CredentialError::LastCredential);
        }
        self.fields.password_set_at = None;
        self.fields.password.take().ok_or(CredentialError::Gone)?;
        Ok(self)
    }

    /// Takes new recovery codes, which replace the earlier ones.
    ///
    /// # Errors
    /// [`SessionEnded`].
    pub fn replace_recovery_codes(
        mut self,
        session_epoch: SessionEpoch,
        codes: RecoveryCodes,
    ) -> Result<Self, SessionEnded> {
        self.in_session(session_epoch)?;
        self.fields.recovery = Some(codes);
        Ok(self)
    }

    /// Takes the name that the user has chosen, or none.
    ///
    /// # Errors
    /// [`SessionEnded`].
    pub fn choose_name(
        self,
        session_epoch: SessionEpoch,
        name: Option<DisplayName>,
    ) -> Result<Self, SessionEnded> {
        self.in_session(session_epoch)?;
        Ok(self.with_name(name))
    }

    /// Notes that the user wants no passkey now.
    ///
    /// # Errors
    /// [`SessionEnded`].
    pub fn decline_passkey(
        mut self,
        session_epoch: SessionEpoch,
        now: Timestamp,
    ) -> Result<Self, SessionEnded> {
        self.in_session(session_epoch)?;
        self.fields.passkey_declined_at = Some(now);
        Ok(self)
    }

    /// Ends every session; the one that asks is continued by a new one.
    ///
    /// # Errors
    /// [`SessionEnded`].
    pub fn end_other_sessions(mut self, session_epoch: SessionEpoch) -> Result<Self, SessionEnded> {
        self.in_session(session_epoch)?;
        self.end_sessions();
        Ok(self)
    }

    /// Takes a password that an administrator sets. Recovery codes and sessions end, since another
    /// party may have the old password.
    #[must_use]
    pub fn set_password(mut self, password: NewPassword, now: Timestamp) -> Self {
        self.put_password(password, now);
        self.fields.recovery = None;
        self.end_sessions();
        self
    }
}

/// A name as it is stored: without invisible characters, and cut to its maximum length. `None` if
/// nothing is left.
fn readable_name(typed: &str) -> Option<String> {
    let name: String = typed
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let name = name.trim();
    let name = &name[..name.floor_char_boundary(MAX_NAME)];
    (!name.is_empty()).then(|| name.to_owned())
}
