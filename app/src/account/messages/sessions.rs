//! The browsers in which a user is signed in, on the account page.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Where you're signed in";
/// Marks the browser that shows the page.
pub(crate) const THIS_BROWSER: &str = "This browser";
/// In place of the name of a browser that sent none.
pub(crate) const NAMELESS: &str = "An unknown browser";
pub(crate) const SINCE: Template = Template::new("signed in {when}");
pub(crate) const LAST_USED: Template = Template::new("last used {when}");

pub(crate) const END: &str = "Sign out";
pub(crate) const END_IT: Template = Template::new("Sign out {device}");
pub(crate) const ENDING_EXPLAINED: &str =
    "That browser has to sign in again. Connected applications keep working.";
pub(crate) const END_OTHERS: &str = "Sign out everywhere else";
pub(crate) const ENDING_OTHERS_EXPLAINED: &str =
    "All other browsers have to sign in again. Connected applications keep working.";
