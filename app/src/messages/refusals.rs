//! Messages for the refusals of the provider.

use std::time::Duration;

use provider::{AccountError, Busy, EnrolError, PasswordError, SignInError, Unavailable};

use crate::messages::Message;

impl Message {
    /// The same refusal, where the user signed in with a passkey.
    pub(crate) fn for_passkey(self) -> Self {
        if self == Self::WrongCredentials {
            Self::PasskeyRefused
        } else {
            self
        }
    }

    /// The same refusal, where the user only had to confirm their password.
    pub(crate) fn for_confirmation(self) -> Self {
        if self == Self::WrongCredentials {
            Self::WrongPassword
        } else {
            self
        }
    }

    /// The same refusal, where the user signed in with a recovery code.
    pub(crate) fn for_code(self) -> Self {
        if self == Self::WrongCredentials {
            Self::WrongCode
        } else {
            self
        }
    }
}

impl From<Unavailable> for Message {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<Busy> for Message {
    fn from(busy: Busy) -> Self {
        Self::Busy {
            own: busy == Busy::OwnGroup,
        }
    }
}

impl From<SignInError> for Message {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => Self::WrongCredentials,
            SignInError::TooManyAttempts { retry_after } => Self::TooManyAttempts {
                minutes: whole_minutes(retry_after),
            },
            SignInError::Busy(busy) => busy.into(),
            SignInError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<PasswordError> for Message {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort { minimum } => Self::PasswordTooShort { minimum },
            PasswordError::TooLong { .. } => Self::PasswordTooLong,
            PasswordError::Common => Self::PasswordCommon,
            PasswordError::FromName => Self::PasswordFromName,
        }
    }
}

impl From<EnrolError> for Message {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::LinkGone => Self::LinkGone,
            EnrolError::EmailInvalid => Self::EmailInvalid,
            EnrolError::EmailUnavailable | EnrolError::Closed => Self::EmailUnavailable,
            EnrolError::TooManyAttempts { retry_after } => Self::TooManyAttempts {
                minutes: whole_minutes(retry_after),
            },
            EnrolError::Password(error) => error.into(),
            EnrolError::Busy(busy) => busy.into(),
            EnrolError::CeremonyFailed => Self::PasskeyRefused,
            EnrolError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<AccountError> for Message {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotSignedIn => Self::SignedOut,
            AccountError::ConfirmFirst => Self::ConfirmFirst,
            AccountError::LastCredential => Self::LastCredential,
            AccountError::ShortPasswordAlone => Self::ShortPasswordAlone,
            AccountError::EmailInvalid => Self::EmailInvalid,
            AccountError::EmailUnavailable => Self::EmailTaken,
            AccountError::TooManyAttempts { retry_after } => Self::TooManyAttempts {
                minutes: whole_minutes(retry_after),
            },
            AccountError::Gone => Self::Gone,
            AccountError::NameEmpty => Self::NameEmpty,
            AccountError::NameUnfit => Self::NameUnfit,
            AccountError::Password(error) => error.into(),
            AccountError::Busy(busy) => busy.into(),
            AccountError::CeremonyFailed => Self::PasskeyRefused,
            AccountError::Unavailable => Self::Unavailable,
        }
    }
}

fn whole_minutes(span: Duration) -> u64 {
    span.as_secs().div_ceil(60).max(1)
}
