//! The passkey buttons, which run in the browser.

pub(crate) const SIGN_IN: &str = "Sign in with a passkey";
pub(crate) const USE: &str = "Use a passkey";
pub(crate) const CREATE: &str = "Create a passkey";
/// In place of the button's own words while the browser's dialog is open.
pub(crate) const WAITING: &str = "Waiting for your passkey…";
