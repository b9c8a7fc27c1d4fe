//! What several pages say.

/// Between two facts of a row.
pub(crate) const DOT: &str = " · ";

/// The language of all of this, as in RFC 5646.
pub(crate) const LANGUAGE: &str = "en";
/// What the server is called before its settings are known.
pub(crate) const SERVER: &str = "Vestibule";

pub(crate) const EMAIL: &str = "Email";
pub(crate) const PASSWORD: &str = "Password";
pub(crate) const NEW_PASSWORD: &str = "New password";
pub(crate) const SAVE_PASSWORD: &str = "Save password";
pub(crate) const SIGN_IN: &str = "Sign in";
pub(crate) const SIGN_OUT: &str = "Sign out";
/// The way out of a wrong account.
pub(crate) const NOT_YOU: &str = "not you?";

/// Between two ways to do the same.
pub(crate) const OR_WITH_A_PASSWORD: &str = "or with a password";
/// Where script is off, in place of a passkey button.
pub(crate) const PASSKEYS_NEED_SCRIPT: &str =
    "Passkeys need JavaScript, which is switched off here. A password works without.";

/// In place of a name with nothing to see in it, within a sentence and at its beginning.
pub(crate) const AN_APPLICATION: &str = "an application";
pub(crate) const NAMELESS_APPLICATION: &str = "An application";
pub(crate) const THIS_SERVER: &str = "this server";

/// The rule for a password that is chosen.
pub(crate) fn new_password_rule(fewest: usize) -> String {
    format!("At least {fewest} characters. Several words are easier to remember.")
}

/// The title of the window.
pub(crate) fn window_title(page: &str, server: &str) -> String {
    format!("{page} · {server}")
}

/// Under a list some of whose entries cannot be shown.
pub(crate) fn unreadable(count: usize) -> String {
    let entries = counted(count as u64, "entry", "entries");
    format!("{entries} cannot be read by this version of the server, and the log names them.")
}

pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}
