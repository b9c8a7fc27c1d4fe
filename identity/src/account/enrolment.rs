//! A first credential, or a new one, by a one-time link; and the invitation to it.

use primitives::{Digest, Timestamp};
use thiserror::Error;

use super::Account;
use crate::{LinkTarget, Role, enrolment::Credential};

/// The link opens nothing, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the link is gone")]
pub struct LinkGone;

/// Why an account is not invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InviteError {
    /// It has a credential.
    #[error("the account can sign in already")]
    CanSignIn,
    /// It is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// It waits for its user with another role than the one that was named.
    #[error("the account has another role")]
    OtherRole,
}

impl<K> Account<K> {
    /// Gives an account its first credential, by a link to it. Every link ends.
    ///
    /// # Errors
    /// [`LinkGone`].
    pub fn enrol(
        self,
        target: LinkTarget,
        link: &Digest,
        credential: Credential<K>,
        now: Timestamp,
    ) -> Result<Self, LinkGone> {
        if !matches!(target, LinkTarget::Enrolment { .. }) || !target.opens(&self, link) {
            return Err(LinkGone);
        }
        self.take_credential(credential, now)
    }

    /// Gives an account a new credential, by a link to it. Password and recovery codes, which others
    /// may know, are lost; passkeys stay. Every session and every link ends.
    ///
    /// # Errors
    /// [`LinkGone`].
    pub fn reset(
        mut self,
        target: LinkTarget,
        link: &Digest,
        credential: Credential<K>,
        now: Timestamp,
    ) -> Result<Self, LinkGone> {
        if !matches!(target, LinkTarget::Reset { .. }) || !target.opens(&self, link) {
            return Err(LinkGone);
        }
        self.fields.password = None;
        self.fields.password_is_long = false;
        self.fields.password_set_at = None;
        self.fields.recovery = None;
        self.take_credential(credential, now)
    }

    /// Lets an account that waits for its user get a new link, and another role where one is named.
    /// Earlier links open nothing from then on.
    ///
    /// # Errors
    /// [`InviteError`].
    pub fn invite_again(mut self, role: Option<Role>) -> Result<Self, InviteError> {
        if self.has_credentials() {
            return Err(InviteError::CanSignIn);
        }
        if !self.is_active() {
            return Err(InviteError::Disabled);
        }
        self.fields.role = role.unwrap_or(self.fields.role);
        self.end_sessions();
        Ok(self)
    }

    /// Whether adding an account that is there already means another link for it: it waits for its
    /// user, and its role is not to be changed on the way.
    ///
    /// # Errors
    /// [`InviteError`].
    pub fn may_be_added_again(&self, role: Option<Role>) -> Result<(), InviteError> {
        if self.has_credentials() {
            Err(InviteError::CanSignIn)
        } else if role.is_some_and(|role| role != self.fields.role) {
            Err(InviteError::OtherRole)
        } else {
            Ok(())
        }
    }

    /// The account may have become an administrator's since the credential was judged.
    fn take_credential(
        mut self,
        credential: Credential<K>,
        now: Timestamp,
    ) -> Result<Self, LinkGone> {
        self.put_credential(credential, now);
        if !self.fits_role() {
            return Err(LinkGone);
        }
        self.end_sessions();
        self.fields.link = None;
        Ok(self)
    }
}
