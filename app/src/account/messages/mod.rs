//! The account page: its head, name, email address, passkeys and password.

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
        /// The confirmation of an action, shown once at the top of the page.
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
    PasskeyRenamed: "Passkey renamed.";
    PasskeyRemoved: "Passkey removed. You can no longer sign in with it.";
    PasswordSaved: "Password saved. You're signed out everywhere else.";
    PasswordRemoved: "Password removed. Sign in with a passkey from now on.";
    BrowserSignedOut: "Browser signed out.";
    OthersSignedOut: "You're signed out everywhere else.";
    Disconnected: "Application disconnected. It has to ask you before it can connect again.";
    AllDisconnected:
        "All applications disconnected. Each has to ask you before it can connect again.";
    NameChanged: "Name saved.";
    EmailChanged: "Email address changed. Sign in with the new one from now on.";
}

/// Above the ways to sign in, when the sign-in is too old to change them.
pub(crate) const CONFIRM_EXPLAINED: &str =
    "To change how you sign in, please confirm it's you first.";
pub(crate) const CONFIRM_NOW: &str = "Confirm now";

pub(crate) const NO_NAME: &str = "No name set.";
pub(crate) const fn choose_name(has_name: bool) -> &'static str {
    if has_name {
        "Change name"
    } else {
        "Add a name"
    }
}
pub(crate) const NAME_EXPLAINED: &str =
    "Shared only with applications that you allow to know your name. Leave it empty to remove it.";
pub(crate) const SAVE_NAME: &str = "Save name";

pub(crate) const EMAIL: &str = "Email address";
pub(crate) const CHANGE_EMAIL: &str = "Change email address";
pub(crate) const CHANGING_EMAIL_EXPLAINED: &str =
    "You'll sign in with the new address. You stay signed in, and applications stay connected.";
pub(crate) const SAVE_EMAIL: &str = "Save email address";
/// For an address with a domain that only a local network knows.
pub(crate) const LOCAL_DOMAIN: &str =
    "The part after the @ has no dot. If that's a mistake, change your email address below.";

pub(crate) const PASSKEYS: &str = "Passkeys";
pub(crate) const NO_PASSKEY: &str =
    "No passkeys. A passkey lets you sign in with your fingerprint, face or device PIN.";
pub(crate) const CREATING_NEEDS_SCRIPT: &str =
    "Creating a passkey needs JavaScript, which is turned off.";
/// In place of a passkey's name without visible characters.
pub(crate) const NAMELESS_PASSKEY: &str = "Passkey";
pub(crate) const ADDED: Template = Template::new("added {when}");
pub(crate) const LAST_USED: Template = Template::new("last used {when}");

pub(crate) const CHANGE: &str = "Change";
pub(crate) const NAME: &str = "Name";
pub(crate) const RENAME: &str = "Rename";
pub(crate) const REMOVE: Template = Template::new("Remove {name}");
pub(crate) const REMOVING_PASSKEY_EXPLAINED: Template = Template::new(
    "You can no longer sign in with {name}. Your device or password manager may keep offering it until you delete it there too.",
);
pub(crate) const LAST_CREDENTIAL: &str = "You can't remove it because it's your only way to sign in. Create another passkey or set a password first.";

pub(crate) const PASSWORD: &str = "Password";
pub(crate) const fn password_state(has_password: bool, has_passkey: bool) -> &'static str {
    match (has_password, has_passkey) {
        (true, true) => "You can also sign in with a password.",
        (true, false) => "You sign in with a password.",
        (false, _) => "No password set. You sign in with a passkey.",
    }
}
pub(crate) const LAST_CHANGED: Template = Template::new("Last changed {when}.");
pub(crate) const fn choose_password(has_password: bool) -> &'static str {
    if has_password {
        "Change password"
    } else {
        "Set a password"
    }
}
pub(crate) const CHANGING_PASSWORD_EXPLAINED: &str = "You'll be signed out everywhere else.";
pub(crate) const REMOVE_PASSWORD: &str = "Remove password";
pub(crate) const REMOVING_PASSWORD_EXPLAINED: &str =
    "The password will stop working. You'll sign in with a passkey.";
