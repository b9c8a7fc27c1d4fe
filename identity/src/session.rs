//! Sessions: browsers that are signed in.
//!
//! ```text
//!           open                    touched
//!   (none) ──────▶ Session ◀────────────────┐
//!                   │  │ └──────────────────┘
//!                   │  └──▶ continued: another session, which is no newer sign-in
//!                   ▼
//!          over: expired, or its account is disabled or in a later session epoch
//! ```

use std::time::Duration;

use primitives::{Id, Timestamp};
use thiserror::Error;

use crate::{Account, Role, SessionEpoch};

/// How long after showing a credential a user may change what they sign in with, or administer.
const FRESH: Duration = Duration::from_mins(5);
/// How exactly the last use of a session is known.
const TOUCH_INTERVAL: Duration = Duration::from_mins(5);
/// How many sessions an account has at most. When one more begins, the one that was used least
/// recently ends.
pub const MAX_SESSIONS: usize = 100;
/// How long a user who declined a passkey is not offered one.
const DECLINED: Duration = Duration::from_hours(30 * 24);

/// A way to sign in, as a browser remembers it. Recovery codes are none: they are for once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    /// With a passkey.
    Passkey,
    /// With a password.
    Password,
}

/// A signed-in browser. It is valid only with an active account in the same session epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub account: Id,
    /// The account's session epoch when it began.
    pub session_epoch: SessionEpoch,
    /// When it began.
    pub created_at: Timestamp,
    /// When the user last showed a credential.
    pub authenticated_at: Timestamp,
    /// Whether that was a recovery code.
    pub by_code: bool,
    /// When it ends, by the settings of the time when it began.
    pub expires_at: Timestamp,
    /// The browser, as in "Chrome on Linux".
    pub device: String,
    /// The address in the network that it last came from.
    pub address: String,
    /// When it last came, to a few minutes.
    pub last_used_at: Timestamp,
}

/// Why a signed-in user may not administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdministratorError {
    /// The account has not the role.
    #[error("the account is no administrator's")]
    WrongRole,
    /// The user showed a credential more than five minutes ago.
    #[error("the sign-in is too old")]
    ConfirmFirst,
}

impl Session {
    /// A new session of an account whose user has just shown a credential.
    pub fn open<K>(
        account: &Account<K>,
        by_code: bool,
        device: String,
        address: String,
        now: Timestamp,
        lifetime: Duration,
    ) -> Self {
        Self {
            account: account.id(),
            session_epoch: account.session_epoch(),
            created_at: now,
            authenticated_at: now,
            by_code,
            expires_at: now.after(lifetime),
            device,
            address,
            last_used_at: now,
        }
    }

    /// The session that takes the place of this one after all sessions of its account were ended:
    /// no newer sign-in, and it lasts no longer.
    #[must_use]
    pub fn continued<K>(
        &self,
        account: &Account<K>,
        device: String,
        address: String,
        now: Timestamp,
    ) -> Self {
        Self {
            session_epoch: account.session_epoch(),
            device,
            address,
            last_used_at: now,
            ..self.clone()
        }
    }

    /// Whether the user showed a credential in the last five minutes.
    pub const fn is_fresh(&self, now: Timestamp) -> bool {
        is_fresh(self.authenticated_at, now)
    }

    /// When it ends: at the time that was set when it began, or after the lifetime of today.
    pub fn ends_at(&self, lifetime: Duration) -> Timestamp {
        self.created_at.after(lifetime).min(self.expires_at)
    }

    /// Whether it has not expired.
    pub fn is_valid(&self, now: Timestamp, lifetime: Duration) -> bool {
        !self.ends_at(lifetime).has_passed(now)
    }

    /// Whether it signs in to an account: its own, which is active and in the same session epoch.
    pub fn opens<K>(&self, account: &Account<K>) -> bool {
        self.account == account.id() && account.is_active() && self.is_in_epoch_of(account)
    }

    /// Whether it was not ended together with all others of its account.
    pub fn is_in_epoch_of<K>(&self, account: &Account<K>) -> bool {
        self.session_epoch == account.session_epoch()
    }

    /// Whether its use is worth a write: once in a while, and when the address changes.
    pub fn is_worth_touching(&self, now: Timestamp, address: &str) -> bool {
        now.since(self.last_used_at) >= TOUCH_INTERVAL || self.address != address
    }

    /// The same session, used now from this address.
    #[must_use]
    pub fn touched(self, now: Timestamp, address: String) -> Self {
        Self {
            last_used_at: now,
            address,
            ..self
        }
    }

    /// Whether its user may administer: a fresh sign-in of an administrator.
    ///
    /// # Errors
    /// [`AdministratorError`], the role first.
    pub fn may_administer<K>(
        &self,
        account: &Account<K>,
        now: Timestamp,
    ) -> Result<(), AdministratorError> {
        if account.role() != Role::Administrator {
            return Err(AdministratorError::WrongRole);
        }
        if !self.is_fresh(now) {
            return Err(AdministratorError::ConfirmFirst);
        }
        Ok(())
    }
}

/// Whether a credential was shown in the last five minutes.
pub const fn is_fresh(authenticated_at: Timestamp, now: Timestamp) -> bool {
    !authenticated_at.after(FRESH).has_passed(now)
}

/// The names of the sessions to end, when an account has too many: those that are gone already, and
/// of the others the ones that were used least recently, but never `newest`. All servers choose the
/// same ones. Each session is given by its name, with its last use and its beginning while it is
/// there.
pub fn surplus_sessions(
    sessions: Vec<(Option<(Timestamp, Timestamp)>, String)>,
    newest: &str,
) -> Vec<String> {
    let too_many = sessions.len().saturating_sub(MAX_SESSIONS);
    let (mut there, gone): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|(used, _)| used.is_some());
    there.sort();
    let surplus = there
        .into_iter()
        .filter(|(_, name)| name != newest)
        .take(too_many.saturating_sub(gone.len()));
    let mut names: Vec<_> = gone.into_iter().map(|(_, name)| name).collect();
    names.sort();
    names.extend(surplus.map(|(_, name)| name));
    names
}

/// Whether a user who has just signed in should be offered a passkey: after a recovery code
/// (`method` is `None`) always, since they have lost what they had; after a password, where they
/// have none and have not declined recently.
pub fn offers_passkey<K>(
    account: &Account<K>,
    method: Option<SignInMethod>,
    now: Timestamp,
) -> bool {
    match method {
        None => true,
        Some(SignInMethod::Passkey) => false,
        Some(SignInMethod::Password) => {
            let declined = account.passkey_declined_at();
            account.passkeys().is_empty()
                && declined.is_none_or(|at| at.after(DECLINED).has_passed(now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_that_just_began_is_never_a_surplus_one() {
        let used = |seconds| {
            let at = Timestamp::from_seconds(seconds);
            Some((at, at))
        };
        let others = (1..).take(MAX_SESSIONS).map(|n| (used(n), n.to_string()));
        // The clock of the server that began it runs late.
        let sessions: Vec<_> = others.chain([(used(0), "newest".to_owned())]).collect();
        assert_eq!(surplus_sessions(sessions, "newest"), ["1"]);
    }
}
