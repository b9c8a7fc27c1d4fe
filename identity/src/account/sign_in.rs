//! Signing in.

use primitives::{Digest, Id, Timestamp};
use thiserror::Error;

use super::Account;

/// The credential opens nothing, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the credential opens nothing")]
pub struct SignInRefused;

impl<K> Account<K> {
    /// Signs in with a password that was verified against the hash `verified`. It counts if it is
    /// the password still: verifying takes long. Whether it is long is learned here.
    ///
    /// # Errors
    /// [`SignInRefused`].
    pub fn sign_in_with_password(
        mut self,
        verified: &str,
        is_long: bool,
        now: Timestamp,
    ) -> Result<Self, SignInRefused> {
        if !self.is_active() || self.password() != Some(verified) {
            return Err(SignInRefused);
        }
        self.fields.password_is_long = is_long;
        self.fields.last_sign_in_at = Some(now);
        Ok(self)
    }

    /// Signs in with a passkey that was verified. `update` brings its key up to date, as by a
    /// counter. The answer is the passkey's name.
    ///
    /// # Errors
    /// [`SignInRefused`].
    pub fn sign_in_with_passkey(
        mut self,
        id: &Digest,
        update: impl FnOnce(&mut K),
        now: Timestamp,
    ) -> Result<(Self, String), SignInRefused> {
        if !self.is_active() {
            return Err(SignInRefused);
        }
        let used = self
            .fields
            .passkeys
            .iter_mut()
            .find(|passkey| passkey.id == *id)
            .ok_or(SignInRefused)?;
        update(&mut used.key);
        used.last_used_at = Some(now);
        let name = used.name.clone();
        self.fields.last_sign_in_at = Some(now);
        Ok((self, name))
    }

    /// Whether a recovery code signs in here.
    pub fn has_recovery_code(&self, code: &Digest) -> bool {
        let recovery = self.fields.recovery.as_ref();
        self.is_active() && recovery.is_some_and(|codes| codes.contains(code))
    }

    /// Signs in with a recovery code, which is used up. `this_use` is fresh.
    ///
    /// # Errors
    /// [`SignInRefused`].
    pub fn redeem_recovery_code(
        mut self,
        code: &Digest,
        this_use: Id,
        now: Timestamp,
    ) -> Result<Self, SignInRefused> {
        if !self.is_active() {
            return Err(SignInRefused);
        }
        let codes = self.fields.recovery.take().ok_or(SignInRefused)?;
        let left = codes.redeem(code, this_use).ok_or(SignInRefused)?;
        self.fields.recovery = Some(left);
        self.fields.last_sign_in_at = Some(now);
        Ok(self)
    }
}
