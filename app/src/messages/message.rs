//! Messages that answer an action of the user. They are the only texts that travel from the server
//! to script.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Declares [`Message`] from one table: each message with the box it is shown beside, the status of a
/// response that carries it, and its text.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $message:ident $({ $(#[$field_doc:meta])* $field:ident: $type:ty, })?:
            $subject:ident, $status:literal, $text:literal;
    )+) => {
        /// What went wrong with a form or a passkey, for the user.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Message {
            $(
                $(#[$doc])*
                $message $({ $(#[$field_doc])* $field: $type })?,
            )+
        }

        impl Message {
            /// The box it is shown beside.
            pub const fn subject(&self) -> Subject {
                match self {
                    $(Self::$message $({ $field: _ })? => Subject::$subject,)+
                }
            }

            /// The status, whatever its data.
            const fn fixed_status(&self) -> u16 {
                match self {
                    $(Self::$message $({ $field: _ })? => $status,)+
                }
            }

            /// The text, whatever its data.
            const fn fixed_text(&self) -> &'static str {
                match self {
                    $(Self::$message $({ $field: _ })? => $text,)+
                }
            }

            #[cfg(test)]
            fn all() -> Vec<Self> {
                vec![$(Self::$message $({ $field: <$type>::default() })?),+]
            }
        }
    };
}

messages! {
    /// Email and password do not match, or there is no such account; the text does not say which.
    WrongCredentials: Form, 422,
        "Incorrect email or password.";
    /// The same where the user is signed in and enters only the password.
    WrongPassword: Form, 422,
        "That password isn't correct.";
    /// The same of a recovery code.
    WrongCode: Form, 422,
        "Incorrect email or recovery code. Each code works once.";
    /// Guessing is slowed down.
    TooManyAttempts {
        /// Whole minutes to wait, at least one.
        minutes: u64,
    }: Form, 429,
        "Too many attempts. Try again later.";
    /// The queue of passwords to be checked is full.
    Busy {
        /// Whether it is this browser's own network or account that fills it.
        own: bool,
    }: Form, 503,
        "The server is busy right now. Nothing was changed. Try again in a few seconds.";
    /// The form's token is missing or stale: the page is older than the session.
    PageTooOld: Form, 403,
        "This page has expired, so nothing was changed. Please try again.";
    /// The session has ended.
    SignedOut: Form, 401,
        "You're signed out. Sign in and try again.";
    /// The store cannot be reached.
    Unavailable: Form, 503,
        "The service is temporarily unavailable. Try again in a moment.";
    /// A one-time link was used, has expired or never was.
    LinkGone: Form, 410,
        "This link has been used or has expired. Ask your administrator for a new one.";
    /// Not an email address.
    EmailInvalid: Email, 422,
        "Enter an email address, such as name@example.com.";
    /// The address belongs to another account, or to none that may be made here.
    EmailUnavailable: Email, 422,
        "You can't create an account with this email address. If you already have one, sign in \
         instead.";
    /// The user's address cannot be changed to this one: it belongs to another account, or may not
    /// have one.
    EmailTaken: Email, 422,
        "You can't use this email address. Choose a different one.";
    /// The sign-in is too old for this action.
    ConfirmFirst: Form, 403,
        "Please confirm it's you first. Nothing was changed yet.";
    /// It would leave no way to sign in.
    LastCredential: Form, 422,
        "This is your only way to sign in. Add another one first.";
    /// The object of the action no longer exists.
    Gone: Form, 422,
        "That item no longer exists, so nothing was changed.";
    /// A name without visible characters.
    NameEmpty: Form, 422,
        "Enter a name.";
    /// A user's name is too long, or has invisible characters.
    NameUnfit: Name, 422,
        "Use at most 64 characters, and no invisible ones.";
    /// A new password is too short.
    PasswordTooShort {
        /// Characters needed.
        minimum: usize,
    }: Password, 422,
        "Choose a longer password.";
    /// A new password is too long.
    PasswordTooLong: Password, 422,
        "This password is too long. Choose a shorter one.";
    /// A new password is a common one.
    PasswordCommon: Password, 422,
        "This password is too common. A few random words make a strong password.";
    /// A new password is derived from the user's address or the server's name.
    PasswordFromName: Password, 422,
        "This password is too similar to your email address or to the name of this server. Choose a \
         different one.";
    /// A password is too short to be the only way in which an administrator signs in.
    ShortPasswordAlone: Form, 422,
        "Administrators need a passkey or a password of at least 12 characters. Choose a longer \
         password first.";
    /// The server did not accept what the passkey answered.
    PasskeyRefused: Form, 422,
        "This passkey wasn't accepted. Try another passkey or use your password. Security keys need \
         a PIN.";
    /// The browser's dialog was closed, or ran out of time.
    PasskeyCancelled: Form, 422,
        "No passkey was used. You can try again at any time. Security keys need a PIN.";
    /// The device already has a passkey for this account.
    PasskeyKnown: Form, 422,
        "This device already has a passkey for your account.";
    /// The security key could not verify its user, for example because it has no PIN.
    PasskeyUnverified: Form, 422,
        "This device can't verify that it's you. If it's a security key, set a PIN for it first, or \
         use another passkey.";
    /// The browser has no passkeys, or refuses them at this address.
    PasskeyUnsupported: Form, 422,
        "This browser can't use passkeys at this address. You can use a password instead.";
    /// This server has no passkeys at all.
    NoPasskeysHere: Form, 422,
        "Passkeys aren't available, because the address of this server is an IP address and not a \
         domain name. Use a password instead.";
    /// The server did not answer, or not in a way the page understands.
    Unreachable: Form, 503,
        "The server didn't respond. Check your connection and try again.";
}

/// The box of a form that a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The box "Email".
    Email,
    /// The box "Password".
    Password,
    /// The box "Name".
    Name,
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

    /// The message, if it is shown beside this.
    pub fn beside(message: Option<Self>, subject: Subject) -> Option<Self> {
        message.filter(|message| message.subject() == subject)
    }

    /// Whether it is about a choice or a next step, and not about a fault.
    pub const fn is_calm(&self) -> bool {
        matches!(self, Self::PasskeyCancelled | Self::ConfirmFirst)
    }

    /// The status of a response that carries it to script (plain forms get a redirect instead).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Busy { own: true } => 429,
            other => other.fixed_status(),
        }
    }
}

/// A user need not know why the transport of a server function failed, only that it did.
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
        for message in Message::all() {
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
