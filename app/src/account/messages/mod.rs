//! The signed-in person's own page: its head, passkeys and password.

pub(crate) mod activity;
pub(crate) mod connections;
pub(crate) mod sessions;

use serde::{Deserialize, Serialize};

use crate::messages::Template;

pub(crate) const TITLE: &str = "Your account";
/// The way to the pages for whoever runs the server.
pub(crate) const ADMINISTRATION: &str = "Administration";

/// What was done, told once at the top of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    PasskeyRenamed,
    PasskeyRemoved,
    PasswordSaved,
    PasswordRemoved,
    BrowserSignedOut,
    OthersSignedOut,
    Disconnected,
    AllDisconnected,
    EmailChanged,
}

impl Done {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasswordSaved,
        Self::PasswordRemoved,
        Self::BrowserSignedOut,
        Self::OthersSignedOut,
        Self::Disconnected,
        Self::AllDisconnected,
        Self::EmailChanged,
    ];

    /// The words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::PasskeyRenamed => "The passkey has its new name.",
            Self::PasskeyRemoved => "The passkey is removed. It does not sign you in any more.",
            Self::PasswordSaved => {
                "Your new password is saved. You are signed out everywhere else."
            }
            Self::PasswordRemoved => {
                "Your password is removed. You sign in with a passkey from now on."
            }
            Self::BrowserSignedOut => "That browser is signed out.",
            Self::OthersSignedOut => "You are signed out everywhere else.",
            Self::Disconnected => {
                "The application is disconnected. It has to ask you before it connects again."
            }
            Self::EmailChanged => {
                "Your e-mail address is changed. You sign in with the new one from now on."
            }
            Self::AllDisconnected => {
                "Every application is disconnected. Each has to ask you before it connects again."
            }
        }
    }
}

/// Above the ways to sign in, once the sign-in is too old to change them.
pub(crate) const CONFIRM_EXPLAINED: &str =
    "To change how you sign in, confirm first that it is you.";
pub(crate) const CONFIRM_NOW: &str = "Confirm now";

pub(crate) const EMAIL: &str = "E-mail address";
pub(crate) const CHANGE_EMAIL: &str = "Change e-mail address";
pub(crate) const CHANGING_EMAIL_EXPLAINED: &str = "You sign in with the new address from now on. You stay signed in, and applications stay connected.";
pub(crate) const SAVE_EMAIL: &str = "Save address";
/// Of an address that no mail from elsewhere reaches.
pub(crate) const LOCAL_DOMAIN: &str =
    "What follows the @ has no dot. If that is a slip, change the address below.";

pub(crate) const PASSKEYS: &str = "Passkeys";
pub(crate) const NO_PASSKEY: &str =
    "No passkey yet. With one you sign in by fingerprint, face or device PIN; create it here.";
pub(crate) const CREATING_NEEDS_SCRIPT: &str =
    "Creating a passkey needs JavaScript, which is switched off here.";
/// In place of a passkey's name with nothing to see in it.
pub(crate) const NAMELESS_PASSKEY: &str = "Passkey";
pub(crate) const ADDED: Template = Template::new("added {when}");
pub(crate) const LAST_USED: Template = Template::new("last used {when}");

pub(crate) const CHANGE: &str = "Change";
pub(crate) const NAME: &str = "Name";
pub(crate) const RENAME: &str = "Rename";
pub(crate) const REMOVE: Template = Template::new("Remove {name}");
pub(crate) const REMOVING_PASSKEY_EXPLAINED: Template = Template::new(
    "{name} will not sign you in any more. Your device or password manager may go on offering it until you delete it there, too.",
);
pub(crate) const LAST_CREDENTIAL: &str = "It cannot be removed: it is the only way you sign in. Create another passkey, or set a password, first.";

pub(crate) const PASSWORD: &str = "Password";
pub(crate) const HAS_PASSWORD: &str = "You can sign in with a password, too.";
pub(crate) const HAS_ONLY_PASSWORD: &str = "You sign in with a password.";
pub(crate) const HAS_NO_PASSWORD: &str =
    "There is none, so nobody can guess it. You sign in with a passkey.";
pub(crate) const CHOSEN: Template = Template::new("Chosen {when}.");
pub(crate) const CHANGE_PASSWORD: &str = "Change password";
pub(crate) const SET_PASSWORD: &str = "Set a password";
pub(crate) const CHANGING_PASSWORD_EXPLAINED: &str = "You are then signed out everywhere else.";
pub(crate) const REMOVE_PASSWORD: &str = "Remove password";
pub(crate) const REMOVING_PASSWORD_EXPLAINED: &str = "You then sign in with a passkey alone. Whoever knows or guesses the password cannot use it any more.";
