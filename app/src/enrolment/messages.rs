//! One-time links.

pub(crate) const FIRST_TITLE: &str = "Create the first account";
pub(crate) const FIRST_LEAD: &str = "Nobody has an account here yet. This one is yours.";
pub(crate) const ENROL_TITLE: &str = "Set up your account";
pub(crate) const RESET_TITLE: &str = "Set a new way to sign in";
pub(crate) const RESET_LEAD: &str = "Choose how you sign in from now on.";
/// What stops with it.
pub(crate) const RESET_EXPLAINED: &str = "Your old password and recovery codes then stop working, you are signed out everywhere \
     else, and applications have to ask you again. Your passkeys stay.";

pub(crate) fn enrol_lead(server: &str) -> String {
    format!("Choose how you will sign in to {server}.")
}

/// Under the passkey button.
pub(crate) const PASSKEY_HINT: &str =
    "You then sign in with your fingerprint, face or device PIN. There is nothing to remember.";
pub(crate) const CREATE_ACCOUNT: &str = "Create account";
