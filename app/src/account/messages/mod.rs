//! The signed-in user's own page: its head, passkeys and password.

pub(crate) mod activity;
pub(crate) mod connections;
pub(crate) mod sessions;

use serde::{Deserialize, Serialize};

use crate::messages::Template;

pub(crate) const TITLE: &str = "Your account";
/// The link to the pages for administrators.
pub(crate) const ADMINISTRATION: &str = "Administration";

/// Declares [`Done`] from one table.
macro_rules! outcomes {
    ($($done:ident: $text:literal;)+) => {
        /// What was done, told once at the top of the page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Done {
            $($done,)+
        }

        impl Done {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$done),+];

            /// The text.
            pub(crate) const fn text(self) -> &'static str {
                match self {
                    $(Self::$done => $text,)+
                }
            }
        }
    };
}

outcomes! {
    PasskeyRenamed: "The passkey has its new name.";
    PasskeyRemoved: "The passkey is removed. It does not sign you in any more.";
    PasswordSaved: "Your new password is saved. You are signed out everywhere else.";
    PasswordRemoved: "Your password is removed. You sign in with a passkey from now on.";
    BrowserSignedOut: "That browser is signed out.";
    OthersSignedOut: "You are signed out everywhere else.";
    Disconnected: "The application is disconnected. It has to ask you before it connects again.";
    AllDisconnected:
        "Every application is disconnected. Each has to ask you before it connects again.";
    NameChanged: "Your name is changed.";
    EmailChanged: "Your e-mail address is changed. You sign in with the new one from now on.";
}

/// Above the ways to sign in, once the sign-in is too old to change them.
pub(crate) const CONFIRM_EXPLAINED: &str =
    "To change how you sign in, confirm first that it is you.";
pub(crate) const CONFIRM_NOW: &str = "Confirm now";

pub(crate) const NO_NAME: &str = "None yet.";
pub(crate) const fn choose_name(has_name: bool) -> &'static str {
    if has_name {
        "Change name"
    } else {
        "Add a name"
    }
}
pub(crate) const NAME_EXPLAINED: &str = "What you want to be called. Applications that you allow to know it get it. Leave it empty to have none.";
pub(crate) const SAVE_NAME: &str = "Save name";

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
pub(crate) const fn password_state(has_password: bool, has_passkey: bool) -> &'static str {
    match (has_password, has_passkey) {
        (true, true) => "You can sign in with a password, too.",
        (true, false) => "You sign in with a password.",
        (false, _) => "There is none, so nobody can guess it. You sign in with a passkey.",
    }
}
pub(crate) const CHOSEN: Template = Template::new("Chosen {when}.");
pub(crate) const fn choose_password(has_password: bool) -> &'static str {
    if has_password {
        "Change password"
    } else {
        "Set a password"
    }
}
pub(crate) const CHANGING_PASSWORD_EXPLAINED: &str = "You are then signed out everywhere else.";
pub(crate) const REMOVE_PASSWORD: &str = "Remove password";
pub(crate) const REMOVING_PASSWORD_EXPLAINED: &str = "You then sign in with a passkey alone. Whoever knows or guesses the password cannot use it any more.";
