//! The signed-in person's own page: its head, passkeys and password.

use super::Template;

pub(crate) const TITLE: &str = "Your account";
/// The way to the pages for whoever runs the server.
pub(crate) const ADMINISTRATION: &str = "Administration";

pub(crate) const PASSKEYS: &str = "Passkeys";
pub(crate) const NO_PASSKEY: &str = "No passkey yet. With one you sign in by fingerprint, face or device PIN; create it here.";
pub(crate) const CREATING_NEEDS_SCRIPT: &str = "Creating a passkey needs JavaScript, which is switched off here.";
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
pub(crate) const LAST_CREDENTIAL: &str =
    "It cannot be removed: it is the only way you sign in. Create another passkey, or set a password, first.";

pub(crate) const PASSWORD: &str = "Password";
pub(crate) const HAS_PASSWORD: &str = "You can sign in with a password, too.";
pub(crate) const HAS_ONLY_PASSWORD: &str = "You sign in with a password.";
pub(crate) const HAS_NO_PASSWORD: &str = "There is none, so nobody can guess it. You sign in with a passkey.";
pub(crate) const CHOSEN: Template = Template::new("Chosen {when}.");
pub(crate) const CHANGE_PASSWORD: &str = "Change password";
pub(crate) const SET_PASSWORD: &str = "Set a password";
pub(crate) const CHANGING_PASSWORD_EXPLAINED: &str = "You are then signed out everywhere else.";
pub(crate) const REMOVE_PASSWORD: &str = "Remove password";
pub(crate) const REMOVING_PASSWORD_EXPLAINED: &str =
    "You then sign in with a passkey alone. Whoever knows or guesses the password cannot use it any more.";
