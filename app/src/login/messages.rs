//! The sign-in page.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Sign in";

/// The purpose of the sign-in, under the title.
pub(crate) const LEAD: Template = Template::new("to let {client} use {resource}");
/// The same with the host of the client.
pub(crate) const LEAD_WITH_HOST: Template =
    Template::new("to let {client} ({host}) use {resource}");
/// For a user who is signed in and has to sign in again.
pub(crate) const AGAIN: Template =
    Template::new("You're signed in as {email}. The application asks you to sign in again.");

/// Beside the way in which a user last signed in with this browser.
pub(crate) const USED_LAST: &str = "Last used";

pub(crate) const USE_RECOVERY_CODE: &str = "Use a recovery code";
pub(crate) const CREATE_ACCOUNT: &str = "Create an account";
pub(crate) const TROUBLE: &str = "Can't sign in?";
pub(crate) const TROUBLE_HELP: &str =
    "Ask your administrator for a reset link. They will never ask for your password.";
