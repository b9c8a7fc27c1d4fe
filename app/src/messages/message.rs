//! What a person may be told in answer to what they did: the one part of the words that travels
//! from the server to script.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// What went wrong with a form or a passkey, as a person should know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// E-mail and password do not belong together, or to nobody; nothing says which.
    WrongCredentials,
    /// The same of a recovery code.
    WrongCode,
    /// Guessing is slowed down.
    TooManyAttempts {
        /// Whole minutes to wait, at least one.
        minutes: u64,
    },
    /// The queue of passwords to be checked is full.
    Busy {
        /// Whether it is this browser's own network or account that fills it.
        own: bool,
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
    /// The address belongs to another account, or to none that may be made here.
    EmailUnavailable,
    /// The address belongs to another account, or to none that may be here: so a person's own
    /// cannot be changed to it.
    EmailTaken,
    /// The sign-in is too old for what was asked.
    ConfirmFirst,
    /// It would leave no way to sign in.
    LastCredential,
    /// What was named is not there any more.
    Gone,
    /// A name with nothing to see in it.
    NameEmpty,
    /// A new password is too short.
    PasswordTooShort {
        /// Characters needed.
        minimum: usize,
    },
    /// A new password is too long.
    PasswordTooLong,
    /// A new password is one of those that are guessed first.
    PasswordCommon,
    /// A new password is made of the person's address or the server's name.
    PasswordFromName,
    /// A password is too short to be all that an administrator signs in with.
    ShortPasswordAlone,
    /// The server did not accept what the passkey answered.
    PasskeyRefused,
    /// The browser's dialog was closed, or ran out of time.
    PasskeyCancelled,
    /// The device holds a passkey for this account already.
    PasskeyKnown,
    /// The security key could not check that it is its owner who holds it: it has no PIN, say.
    PasskeyUnverified,
    /// The browser has no passkeys, or refuses them at this address.
    PasskeyUnsupported,
    /// This server has no passkeys at all.
    NoPasskeysHere,
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
            Self::TooManyAttempts { minutes: 0 | 1 } => {
                "Too many attempts. Try again in a minute.".into()
            }
            Self::TooManyAttempts { minutes } => {
                format!("Too many attempts. Try again in {minutes} minutes.")
            }
            Self::PasswordTooShort { minimum } => {
                format!("Choose a password of at least {minimum} characters.")
            }
            other => other.fixed_text().into(),
        }
    }

    /// The box it stands beside.
    pub const fn subject(&self) -> Subject {
        match self {
            Self::EmailInvalid | Self::EmailUnavailable | Self::EmailTaken => Subject::Email,
            Self::PasswordTooShort { .. }
            | Self::PasswordTooLong
            | Self::PasswordCommon
            | Self::PasswordFromName => Subject::Password,
            _ => Subject::Form,
        }
    }

    /// Whether it tells of a choice or of a next step, and of no fault.
    pub const fn is_calm(&self) -> bool {
        matches!(self, Self::PasskeyCancelled | Self::ConfirmFirst)
    }

    /// The status of a response that carries it to script (plain forms get a redirect instead).
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::PageTooOld | Self::ConfirmFirst => 403,
            Self::LinkGone => 410,
            Self::TooManyAttempts { .. } | Self::Busy { own: true } => 429,
            Self::Unavailable | Self::Unreachable | Self::Busy { own: false } => 503,
            _ => 422,
        }
    }

    const fn fixed_text(&self) -> &'static str {
        match self {
            Self::WrongCode => {
                "This e-mail address and recovery code do not match an account here. A code works once."
            }
            Self::WrongCredentials => {
                "This e-mail address and password do not match an account here."
            }
            Self::TooManyAttempts { .. } => "Too many attempts. Try again later.",
            Self::Busy { .. } => {
                "The server is checking many passwords just now. Nothing was done. Try again in a few seconds."
            }
            Self::PageTooOld => {
                "This page was open too long, so nothing was done. Please try again."
            }
            Self::SignedOut => "You are signed out. Sign in and try again.",
            Self::Unavailable => {
                "The server cannot reach its records just now. Try again in a moment."
            }
            Self::LinkGone => {
                "This link has been used or has expired. Ask whoever runs this server for a new one."
            }
            Self::EmailInvalid => "Enter an e-mail address, such as name@example.com.",
            Self::EmailUnavailable => {
                "No account can be made for this address here. If you have one already, sign in with it."
            }
            Self::EmailTaken => "You cannot have this address here. Choose another one.",
            Self::ConfirmFirst => "Confirm first that it is you. Nothing was changed yet.",
            Self::LastCredential => "This is the only way left to sign in. Add another one first.",
            Self::Gone => {
                "This is not there any more, so nothing was done. Choose again from what is here now."
            }
            Self::NameEmpty => "Enter a name.",
            Self::PasswordTooShort { .. } => "Choose a longer password.",
            Self::PasswordTooLong => "This password is too long. Choose a shorter one.",
            Self::PasswordCommon => {
                "This password is one of those that are guessed first. Several words that do not belong together are better."
            }
            Self::PasswordFromName => {
                "This password can be guessed from your address or from the name of this server. Choose another one."
            }
            Self::ShortPasswordAlone => {
                "An administrator needs a passkey, or a password of at least 12 characters. Choose a longer password first."
            }
            Self::PasskeyRefused => {
                "This passkey was not accepted. A security key needs a PIN. Try another passkey, or use your password."
            }
            Self::PasskeyCancelled => {
                "No passkey was used. You can try again whenever you like. A security key has to have a PIN first."
            }
            Self::PasskeyKnown => "This device already holds a passkey for this account.",
            Self::PasskeyUnverified => {
                "This device cannot check that it is you. If it is a security key, set a PIN for it first; or use another passkey."
            }
            Self::NoPasskeysHere => {
                "This server cannot use passkeys, because its address is a number and not a name. Use a password instead."
            }
            Self::PasskeyUnsupported => {
                "This browser cannot use passkeys at this address. You can use a password."
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_neither_shout_nor_blame() {
        let all = [
            Message::WrongCredentials,
            Message::WrongCode,
            Message::TooManyAttempts { minutes: 1 },
            Message::TooManyAttempts { minutes: 9 },
            Message::PageTooOld,
            Message::SignedOut,
            Message::Unavailable,
            Message::LinkGone,
            Message::EmailInvalid,
            Message::EmailUnavailable,
            Message::EmailTaken,
            Message::ConfirmFirst,
            Message::LastCredential,
            Message::Gone,
            Message::NameEmpty,
            Message::PasswordTooShort { minimum: 12 },
            Message::PasswordTooLong,
            Message::PasswordCommon,
            Message::PasswordFromName,
            Message::ShortPasswordAlone,
            Message::PasskeyRefused,
            Message::PasskeyCancelled,
            Message::PasskeyKnown,
            Message::PasskeyUnverified,
            Message::PasskeyUnsupported,
            Message::NoPasskeysHere,
            Message::Unreachable,
        ];
        for message in all {
            let text = message.text();
            assert!(text.ends_with('.') && !text.contains('!'), "{text}");
            for word in [
                "OAuth", "token", "scope", "client", "grant", "oops", "invalid", "error",
            ] {
                assert!(
                    !text.to_lowercase().contains(&word.to_lowercase()),
                    "{text}"
                );
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
