//! What an account may do, apart from everything else that it holds.
//!
//! Stopping an account must work even where its record cannot be read as a whole: a newer release
//! may have written it, or it is damaged. So these rules see only the members that decide.
//!
//! ```text
//!             disable (next session epoch)
//!   enabled ───────────────────────────────▶ disabled
//!      ▲                                         │
//!      └────────────────── enable ───────────────┘
//! ```

use primitives::Id;
use thiserror::Error;

use crate::{Role, SessionEpoch};

/// The members of an account that decide what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// What it may do.
    pub role: Role,
    /// In which session epoch it is.
    pub session_epoch: SessionEpoch,
    /// Whether a password that is short, or may be, is its only credential.
    pub has_short_password_alone: bool,
}

/// An administrator's only credential would be a password that is short, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the only credential would be a short password")]
pub struct ShortPasswordAlone;

impl Rights {
    /// Keeps the account from signing in. Every session ends in the same step.
    #[must_use]
    pub const fn disable(self) -> Self {
        Self {
            disabled: true,
            session_epoch: self.session_epoch.next(),
            ..self
        }
    }

    /// Lets the account sign in again. Sessions that ended stay ended.
    #[must_use]
    pub const fn enable(self) -> Self {
        Self {
            disabled: false,
            ..self
        }
    }

    /// Gives the account another role.
    ///
    /// # Errors
    /// [`ShortPasswordAlone`] for an administrator with no better credential.
    pub fn with_role(self, role: Role) -> Result<Self, ShortPasswordAlone> {
        if role == Role::Administrator && self.has_short_password_alone {
            return Err(ShortPasswordAlone);
        }
        Ok(Self { role, ..self })
    }

    /// Takes a change back, which led from `before` to `after`, unless the account has changed
    /// again since. The session epoch stays: what ended stays ended.
    #[must_use]
    pub fn undo(self, before: Self, after: Self) -> Self {
        if self != after {
            return self;
        }
        Self {
            disabled: before.disabled,
            role: before.role,
            ..self
        }
    }
}

/// Whether an administrator may change what an account may do: not their own, so that one
/// administrator is always left. `by` is `None` for the operator at the terminal.
pub fn may_change_rights(by: Option<Id>, account: Id) -> bool {
    by != Some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHTS: Rights = Rights {
        disabled: false,
        role: Role::User,
        session_epoch: SessionEpoch::new(4),
        has_short_password_alone: false,
    };

    #[test]
    fn disabling_ends_the_sessions_and_enabling_does_not_bring_them_back() {
        let disabled = RIGHTS.disable();
        assert!(disabled.disabled);
        assert_eq!(disabled.session_epoch, SessionEpoch::new(5));
        let enabled = disabled.enable();
        assert!(!enabled.disabled);
        assert_eq!(enabled.session_epoch, SessionEpoch::new(5));
        assert_eq!(enabled.role, Role::User);
    }

    #[test]
    fn a_short_password_alone_makes_no_administrator() {
        let short = Rights {
            has_short_password_alone: true,
            ..RIGHTS
        };
        assert_eq!(
            short.with_role(Role::Administrator),
            Err(ShortPasswordAlone)
        );
        assert_eq!(short.with_role(Role::User), Ok(short));
        let administrator = RIGHTS.with_role(Role::Administrator).expect("allowed");
        assert_eq!(administrator.role, Role::Administrator);
        assert_eq!(administrator.session_epoch, RIGHTS.session_epoch);
    }

    #[test]
    fn a_change_is_taken_back_unless_another_followed() {
        let disabled = RIGHTS.disable();
        let back = disabled.undo(RIGHTS, disabled);
        assert!(!back.disabled);
        assert_eq!(back.session_epoch, disabled.session_epoch);
        let promoted = RIGHTS.with_role(Role::Administrator).expect("allowed");
        assert_eq!(promoted.undo(RIGHTS, promoted).role, Role::User);
        let other = disabled.disable();
        assert_eq!(other.undo(RIGHTS, disabled), other);
    }

    #[test]
    fn administrators_leave_their_own_account_alone() {
        let own = Id::new([1; 16]);
        assert!(!may_change_rights(Some(own), own));
        assert!(may_change_rights(Some(Id::new([2; 16])), own));
        assert!(may_change_rights(None, own));
    }
}
