//! The sign-in page.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Sign in";

/// Where signing in leads, under the title.
pub(crate) const LEAD: Template = Template::new("to let {client} use {resource}");
/// The same with the host of the client.
pub(crate) const LEAD_WITH_HOST: Template =
    Template::new("to let {client} ({host}) use {resource}");
/// Why a user who is signed in is asked to sign in.
pub(crate) const AGAIN: Template =
    Template::new("You are signed in as {email}. The application asks that you sign in again.");

/// Beside the way by which somebody last signed in with this browser.
pub(crate) const USED_LAST: &str = "Used here last time";

pub(crate) const USE_RECOVERY_CODE: &str = "Use a recovery code";
pub(crate) const CREATE_ACCOUNT: &str = "Create an account";
pub(crate) const TROUBLE: &str = "Trouble signing in?";
pub(crate) const TROUBLE_HELP: &str =
    "Whoever runs this server can help you back in. They never need your password for it.";
