//! What a user may be told in answer to what they did: the one part of the words that travels
//! from the server to script.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Declares [`Message`] from one table: each message with the box it stands beside, the status of a
/// response that carries it, and its text.
macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $message:ident $({ $(#[$field_doc:meta])* $field:ident: $type:ty, })?:
            $subject:ident, $status:literal, $text:literal;
    )+) => {
        /// What went wrong with a form or a passkey, as a user should know it.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Message {
            $(
                $(#[$doc])*
                $message $({ $(#[$field_doc])* $field: $type })?,
            )+
        }

        impl Message {
            /// The box it stands beside.
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
    /// E-mail and password do not match, or there is no such account; the text does not say which.
    WrongCredentials: Form, 422,
        "This e-mail address and password do not match an account here.";
    /// The same of a recovery code.
    WrongCode: Form, 422,
        "This e-mail address and recovery code do not match an account here. A code works once.";
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
        "The server is checking many passwords just now. Nothing was done. Try again in a few \
         seconds.";
    /// The form's token is missing or stale: the page is older than the session.
    PageTooOld: Form, 403,
        "This page was open too long, so nothing was done. Please try again.";
    /// The session has ended.
    SignedOut: Form, 401,
        "You are signed out. Sign in and try again.";
    /// The store cannot be reached.
    Unavailable: Form, 503,
        "The server cannot reach its records just now. Try again in a moment.";
    /// A one-time link was used, has expired or never was.
    LinkGone: Form, 410,
        "This link has been used or has expired. Ask whoever runs this server for a new one.";
    /// Not an e-mail address.
    EmailInvalid: Email, 422,
        "Enter an e-mail address, such as name@example.com.";
    /// The address belongs to another account, or to none that may be made here.
    EmailUnavailable: Email, 422,
        "No account can be made for this address here. If you have one already, sign in with it.";
    /// The address belongs to another account, or to none that may be here: so a user's own
    /// cannot be changed to it.
    EmailTaken: Email, 422,
        "You cannot have this address here. Choose another one.";
    /// The sign-in is too old for what was asked.
    ConfirmFirst: Form, 403,
        "Confirm first that it is you. Nothing was changed yet.";
    /// It would leave no way to sign in.
    LastCredential: Form, 422,
        "This is the only way left to sign in. Add another one first.";
    /// What was named no longer exists.
    Gone: Form, 422,
        "This is not there any more, so nothing was done. Choose again from what is here now.";
    /// A name with nothing to see in it.
    NameEmpty: Form, 422,
        "Enter a name.";
    /// A user's name is too long, or has invisible characters.
    NameUnfit: Name, 422,
        "A name has at most 64 characters, and none that is invisible.";
    /// A new password is too short.
    PasswordTooShort {
        /// Characters needed.
        minimum: usize,
    }: Password, 422,
        "Choose a longer password.";
    /// A new password is too long.
    PasswordTooLong: Password, 422,
        "This password is too long. Choose a shorter one.";
    /// A new password is one of those that are guessed first.
    PasswordCommon: Password, 422,
        "This password is one of those that are guessed first. Several words that do not belong \
         together are better.";
    /// A new password is made of the user's address or the server's name.
    PasswordFromName: Password, 422,
        "This password can be guessed from your address or from the name of this server. Choose \
         another one.";
    /// A password is too short to be all that an administrator signs in with.
    ShortPasswordAlone: Form, 422,
        "An administrator needs a passkey, or a password of at least 12 characters. Choose a \
         longer password first.";
    /// The server did not accept what the passkey answered.
    PasskeyRefused: Form, 422,
        "This passkey was not accepted. A security key needs a PIN. Try another passkey, or use \
         your password.";
    /// The browser's dialog was closed, or ran out of time.
    PasskeyCancelled: Form, 422,
        "No passkey was used. You can try again whenever you like. A security key has to have a \
         PIN first.";
    /// The device holds a passkey for this account already.
    PasskeyKnown: Form, 422,
        "This device already holds a passkey for this account.";
    /// The security key could not check that it is its owner who holds it: it has no PIN, say.
    PasskeyUnverified: Form, 422,
        "This device cannot check that it is you. If it is a security key, set a PIN for it first; \
         or use another passkey.";
    /// The browser has no passkeys, or refuses them at this address.
    PasskeyUnsupported: Form, 422,
        "This browser cannot use passkeys at this address. You can use a password.";
    /// This server has no passkeys at all.
    NoPasskeysHere: Form, 422,
        "This server cannot use passkeys, because its address is a number and not a name. Use a \
         password instead.";
    /// The server did not answer, or not in a way the page understands.
    Unreachable: Form, 503,
        "The server did not answer. Check your connection and try again.";
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

    /// The message, if this is what it stands beside.
    pub fn beside(message: Option<Self>, subject: Subject) -> Option<Self> {
        message.filter(|message| message.subject() == subject)
    }

    /// Whether it tells of a choice or of a next step, and of no fault.
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

/// What the transport of server functions failed with is no news for a user; that it failed is.
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
