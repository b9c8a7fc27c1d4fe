//! The page on which a signed-in user confirms who they are.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Confirm it's you";
pub(crate) const LEAD: Template =
    Template::new("You're signed in as {email}. Please confirm it's you to continue.");
pub(crate) const CONFIRM: &str = "Confirm";
/// For users with only a passkey, at a server that cannot use passkeys.
pub(crate) const WITHOUT_CREDENTIAL: &str = "If you don't have one, sign out and sign in again with a recovery code, or \
     ask your administrator for a reset link.";
