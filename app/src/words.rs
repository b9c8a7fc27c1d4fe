//! Every sentence a person may be told in answer to what they did. Pages that replace what a person wanted to see
//! take theirs from `problem`.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Said of an application whose name is its own claim.
#[cfg(feature = "ssr")]
pub(crate) const NAMED_ITSELF: &str = "This application named itself; nobody has checked the name.";
/// Said of an application that was added by hand.
#[cfg(feature = "ssr")]
pub(crate) const ADDED_HERE: &str = "An application that whoever runs this server added.";
/// Said under the host of an application that describes itself at its own web address.
#[cfg(feature = "ssr")]
pub(crate) const PROVEN_BY_ADDRESS: &str = "Identity proven by its web address.";
/// The same where the answer goes to an application on this computer, which nothing ties to that address.
#[cfg(feature = "ssr")]
pub(crate) const CLAIMED_ON_THIS_COMPUTER: &str =
    "Identity proven by its web address, which other applications on this computer could claim as well.";

/// What went wrong with a form or a passkey, as a person should know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// E-mail and password do not belong together, or to nobody; nothing says which.
    WrongCredentials,
    /// Guessing is slowed down.
    TooManyAttempts {
        /// Whole minutes to wait, at least one.
        minutes: u64,
    },
    /// The form's token is missing or stale: the page is older than the session.
    PageTooOld,
    /// The sign-in has ended meanwhile.
    SignedOut,
    /// The store cannot be reached.
    Unavailable,
    /// A one-time link was used, has expired or never was.
    LinkGone,
    /// Not an e-mail address.
    EmailInvalid,
    /// There is an account with this address.
    EmailTaken,
    /// A new password is too short.
    PasswordTooShort {
        /// Characters needed.
        minimum: usize,
    },
    /// A new password is too long.
    PasswordTooLong,
    /// The server did not accept what the passkey answered.
    PasskeyRefused,
    /// The browser's dialog was closed, or ran out of time.
    PasskeyCancelled,
    /// The device holds a passkey for this account already.
    PasskeyKnown,
    /// The browser has no passkeys, or refuses them at this address.
    PasskeyUnsupported,
    /// The server did not answer, or not in a way the page understands.
    Unreachable,
}

/// The box of a form that a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The box "Email".
    Email,
    /// The box "Password".
    Password,
    /// No single box.
    Form,
}

impl Message {
    /// The words.
    pub fn text(&self) -> String {
        match self {
            Self::TooManyAttempts { minutes: 0 | 1 } => "Too many attempts. Try again in a minute.".into(),
            Self::TooManyAttempts { minutes } => format!("Too many attempts. Try again in {minutes} minutes."),
            Self::PasswordTooShort { minimum } => format!("Choose a password of at least {minimum} characters."),
            other => other.fixed_text().into(),
        }
    }

    /// The box it stands beside.
    pub const fn subject(&self) -> Subject {
        match self {
            Self::EmailInvalid | Self::EmailTaken => Subject::Email,
            Self::PasswordTooShort { .. } | Self::PasswordTooLong => Subject::Password,
            _ => Subject::Form,
        }
    }

    /// The status of a response that carries it to script (plain forms get a redirect instead).
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::PageTooOld => 403,
            Self::LinkGone => 410,
            Self::TooManyAttempts { .. } => 429,
            Self::Unavailable | Self::Unreachable => 503,
            _ => 422,
        }
    }

    const fn fixed_text(&self) -> &'static str {
        match self {
            Self::WrongCredentials => "This e-mail address and password do not match an account here.",
            Self::TooManyAttempts { .. } => "Too many attempts. Try again later.",
            Self::PageTooOld => "This page was open too long, so nothing was done. Please try again.",
            Self::SignedOut => "You are signed out. Sign in and try again.",
            Self::Unavailable => "The server cannot reach its records just now. Try again in a moment.",
            Self::LinkGone => "This link has been used or has expired. Ask whoever runs this server for a new one.",
            Self::EmailInvalid => "Enter an e-mail address, such as name@example.com.",
            Self::EmailTaken => "There is an account with this address already. Sign in with it instead.",
            Self::PasswordTooShort { .. } => "Choose a longer password.",
            Self::PasswordTooLong => "This password is too long. Choose a shorter one.",
            Self::PasskeyRefused => "This passkey was not accepted. Try another one, or use your password.",
            Self::PasskeyCancelled => "No passkey was used. You can try again whenever you like.",
            Self::PasskeyKnown => "This device already holds a passkey for this account.",
            Self::PasskeyUnsupported => "This browser cannot use passkeys at this address. You can use a password.",
            Self::Unreachable => "The server did not answer. Check your connection and try again.",
        }
    }
}

/// What the transport of server functions failed with is no news for a person; that it failed is.
impl FromServerFnError for Message {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        Self::Unreachable
    }
}

#[cfg(feature = "ssr")]
mod from_provider {
    use std::time::Duration;

    use provider::{DisconnectError, EnrolError, PasskeyError, SignInError, Unavailable};

    use super::Message;

    impl Message {
        /// The same refusal, where a passkey was shown and not a password.
        pub(crate) fn for_passkey(self) -> Self {
            if self == Self::WrongCredentials { Self::PasskeyRefused } else { self }
        }
    }

    impl From<Unavailable> for Message {
        fn from(_: Unavailable) -> Self {
            Self::Unavailable
        }
    }

    impl From<SignInError> for Message {
        fn from(error: SignInError) -> Self {
            match error {
                SignInError::WrongCredentials => Self::WrongCredentials,
                SignInError::TooManyAttempts { retry_after } => Self::TooManyAttempts { minutes: whole_minutes(retry_after) },
                SignInError::Unavailable => Self::Unavailable,
            }
        }
    }

    impl From<EnrolError> for Message {
        fn from(error: EnrolError) -> Self {
            match error {
                EnrolError::LinkGone => Self::LinkGone,
                EnrolError::EmailInvalid => Self::EmailInvalid,
                EnrolError::EmailTaken => Self::EmailTaken,
                EnrolError::PasswordTooShort { minimum } => Self::PasswordTooShort { minimum },
                EnrolError::PasswordTooLong => Self::PasswordTooLong,
                EnrolError::CeremonyFailed => Self::PasskeyRefused,
                EnrolError::Unavailable => Self::Unavailable,
            }
        }
    }

    impl From<DisconnectError> for Message {
        fn from(error: DisconnectError) -> Self {
            match error {
                DisconnectError::NotSignedIn => Self::SignedOut,
                DisconnectError::Unavailable(_) => Self::Unavailable,
            }
        }
    }

    impl From<PasskeyError> for Message {
        fn from(error: PasskeyError) -> Self {
            match error {
                PasskeyError::NotSignedIn => Self::SignedOut,
                PasskeyError::CeremonyFailed => Self::PasskeyRefused,
                PasskeyError::Unavailable => Self::Unavailable,
            }
        }
    }

    fn whole_minutes(span: Duration) -> u64 {
        span.as_secs().div_ceil(60).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_neither_shout_nor_blame() {
        let all = [
            Message::WrongCredentials,
            Message::TooManyAttempts { minutes: 1 },
            Message::TooManyAttempts { minutes: 9 },
            Message::PageTooOld,
            Message::SignedOut,
            Message::Unavailable,
            Message::LinkGone,
            Message::EmailInvalid,
            Message::EmailTaken,
            Message::PasswordTooShort { minimum: 12 },
            Message::PasswordTooLong,
            Message::PasskeyRefused,
            Message::PasskeyCancelled,
            Message::PasskeyKnown,
            Message::PasskeyUnsupported,
            Message::Unreachable,
        ];
        for message in all {
            let text = message.text();
            assert!(text.ends_with('.') && !text.contains('!'), "{text}");
            for word in ["OAuth", "token", "scope", "client", "grant", "oops", "invalid", "error"] {
                assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{text}");
            }
        }
    }

    #[test]
    fn a_message_survives_the_wire() {
        let message = Message::PasswordTooShort { minimum: 12 };
        let encoded = message.ser();
        assert_eq!(Message::de(encoded), message);
    }
}
