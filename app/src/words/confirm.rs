//! Showing a credential once more.

use super::Template;

pub(crate) const TITLE: &str = "Confirm it is you";
pub(crate) const LEAD: Template =
    Template::new("You are signed in as {email}. For what comes next, show once more that it is you.");
pub(crate) const CONFIRM: &str = "Confirm";
