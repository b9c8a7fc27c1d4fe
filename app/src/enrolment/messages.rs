//! One-time links.

pub(crate) const FIRST_TITLE: &str = "Set up Vestibule";
pub(crate) const FIRST_LEAD: &str = "Create your administrator account.";
pub(crate) const ENROL_TITLE: &str = "Set up your account";
pub(crate) const RESET_TITLE: &str = "Reset your sign-in";
pub(crate) const RESET_LEAD: &str = "Choose how you'll sign in from now on.";
/// What a reset ends.
pub(crate) const RESET_EXPLAINED: &str = "Your old password and recovery codes will stop working, you'll be signed out everywhere \
     else, and applications will have to ask you again. Your passkeys stay.";

pub(crate) fn enrol_lead(server: &str) -> String {
    format!("Choose how you'll sign in to {server}.")
}

/// Under the passkey button.
pub(crate) const PASSKEY_HINT: &str =
    "Sign in with your fingerprint, face or device PIN. There's nothing to remember.";
pub(crate) const CREATE_ACCOUNT: &str = "Create account";
