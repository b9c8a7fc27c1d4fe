//! Why an account was not changed, or a sign-in refused.

use std::time::Duration;

use identity::{
    PasswordError,
    account::{CredentialError, SessionEnded, SignInRefused},
    display_name::UnfitName,
};

use super::Busy;
use crate::{browser_context::BrowserContext, unavailable::Unavailable};

/// Why a user's own account was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// No user is signed in here.
    NotSignedIn,
    /// The user signed in more than five minutes ago.
    ConfirmFirst,
    /// It is the last credential.
    LastCredential,
    /// The password that would be all that an administrator signs in with is too short for that.
    ShortPasswordAlone,
    /// No mail could ever reach the address.
    EmailInvalid,
    /// The address belongs to another account, or to none that may be here.
    EmailUnavailable,
    /// Too many attempts.
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// The named item no longer exists.
    Gone,
    /// A name with nothing to see in it.
    NameEmpty,
    /// The user's name is too long, or has invisible characters.
    NameUnfit,
    /// The password cannot be chosen.
    Password(PasswordError),
    /// The queue of passwords to be hashed is full. Nothing was done.
    Busy(Busy),
    /// The browser's response is invalid or too late.
    CeremonyFailed,
    /// The store does not answer.
    Unavailable,
}

impl From<PasswordError> for AccountError {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}

impl From<Busy> for AccountError {
    fn from(error: Busy) -> Self {
        Self::Busy(error)
    }
}

impl From<Unavailable> for AccountError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<CredentialError> for AccountError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::SessionEnded(_) => Self::NotSignedIn,
            CredentialError::Gone => Self::Gone,
            CredentialError::LastCredential => Self::LastCredential,
            CredentialError::ShortPasswordAlone => Self::ShortPasswordAlone,
            CredentialError::EmptyName => Self::NameEmpty,
            CredentialError::KnownPasskey | CredentialError::TooManyPasskeys => {
                Self::CeremonyFailed
            }
        }
    }
}

impl From<UnfitName> for AccountError {
    fn from(_: UnfitName) -> Self {
        Self::NameUnfit
    }
}

impl From<SessionEnded> for AccountError {
    fn from(_: SessionEnded) -> Self {
        Self::NotSignedIn
    }
}

/// Why signing in was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// The credentials match no account. The error does not say which part is wrong.
    WrongCredentials,
    /// Too many attempts on this address, or from this part of the network.
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// The queue of password hashes is full. Nothing was checked, and nothing counts against the
    /// account.
    Busy(Busy),
    /// The store does not answer.
    Unavailable,
}

impl From<Busy> for SignInError {
    fn from(error: Busy) -> Self {
        Self::Busy(error)
    }
}

impl SignInError {
    /// Writes the log line for tools like fail2ban, whose format docs/OPERATING.md documents. A
    /// store failure is no failed sign-in.
    pub fn log(&self, browser: &BrowserContext, method: &'static str) {
        let reason = match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Busy(_) | Self::Unavailable => return,
        };
        let address = browser.address.to_canonical();
        tracing::warn!(target: "vestibule::sign_in", %address, method, reason, "sign-in failed");
    }
}

impl From<SignInRefused> for SignInError {
    fn from(_: SignInRefused) -> Self {
        Self::WrongCredentials
    }
}

impl From<Unavailable> for SignInError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}
