//! Showing a credential once more.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Confirm it is you";
pub(crate) const LEAD: Template = Template::new(
    "You are signed in as {email}. For what comes next, show once more that it is you.",
);
pub(crate) const CONFIRM: &str = "Confirm";
/// For users with only a passkey, at a server that cannot use passkeys.
pub(crate) const WITHOUT_CREDENTIAL: &str = "You have none: sign out and in again with a recovery code, or ask your administrator for a reset link.";
