//! What several pages say.

/// Between two facts of a row.
pub(crate) const DOT: &str = " · ";

/// The language of these texts (RFC 5646).
pub(crate) const LANGUAGE: &str = "en";
/// The name of the server until its settings are known.
pub(crate) const SERVER: &str = "Vestibule";

pub(crate) const EMAIL: &str = "Email";
pub(crate) const PASSWORD: &str = "Password";
pub(crate) const NEW_PASSWORD: &str = "New password";
pub(crate) const SAVE_PASSWORD: &str = "Save password";
pub(crate) const SIGN_IN: &str = "Sign in";
pub(crate) const SIGN_OUT: &str = "Sign out";
/// For a user who is signed in with the wrong account.
pub(crate) const USE_DIFFERENT_ACCOUNT: &str = "Use a different account";

/// Between two ways to do the same.
pub(crate) const OR_WITH_A_PASSWORD: &str = "or use a password";
/// Where script is off, in place of a passkey button.
pub(crate) const PASSKEYS_NEED_SCRIPT: &str =
    "Passkeys need JavaScript, which is turned off. You can use a password instead.";

/// In place of a name without visible characters, within a sentence and at its start.
pub(crate) const AN_APPLICATION: &str = "an application";
pub(crate) const NAMELESS_APPLICATION: &str = "An application";
pub(crate) const THIS_SERVER: &str = "this server";

/// The rule for a new password.
pub(crate) fn new_password_rule(fewest: usize) -> String {
    format!("At least {fewest} characters. A few random words make a strong password.")
}

/// The title of the window.
pub(crate) fn window_title(page: &str, server: &str) -> String {
    format!("{page} · {server}")
}

/// Below a list with entries that cannot be shown.
pub(crate) fn unreadable(count: usize) -> String {
    let entries = counted(count as u64, "entry", "entries");
    format!(
        "{entries} can't be shown by this version of the server. See the server log for details."
    )
}

pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}
