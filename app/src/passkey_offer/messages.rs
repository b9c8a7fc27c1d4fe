//! The offer of a passkey to a user who signed in without one.

pub(crate) const TITLE: &str = "Add a passkey";
pub(crate) const LEAD: &str = "A passkey lets you sign in with your fingerprint, face or device PIN. There's nothing to remember, and it protects you \
     from phishing.";
pub(crate) const NOT_NOW: &str = "Not now";
