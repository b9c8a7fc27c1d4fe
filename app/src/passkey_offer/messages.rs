//! The offer of a passkey to somebody who signed in without.

pub(crate) const TITLE: &str = "Sign in faster next time";
pub(crate) const LEAD: &str = "With a passkey you sign in by fingerprint, face or device PIN. There is nothing to remember, and nothing \
     that somebody could talk you into giving away.";
pub(crate) const NOT_NOW: &str = "Not now";
