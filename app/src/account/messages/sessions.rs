//! Where a user is signed in, on the account page.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Where you are signed in";
/// Marks the browser that shows the page.
pub(crate) const THIS_BROWSER: &str = "This browser";
/// In place of a browser's name where it gave none.
pub(crate) const NAMELESS: &str = "An unknown browser";
pub(crate) const SINCE: Template = Template::new("signed in {when}");
pub(crate) const LAST_USED: Template = Template::new("last used {when}");

pub(crate) const END: &str = "Sign out";
pub(crate) const END_IT: Template = Template::new("Sign out {device}");
pub(crate) const ENDING_EXPLAINED: &str = "Whoever uses that browser has to sign in again. Applications you have connected go on working.";
pub(crate) const END_OTHERS: &str = "Sign out everywhere else";
pub(crate) const ENDING_OTHERS_EXPLAINED: &str = "Every browser but this one has to sign in again. Applications you have connected go on working.";
