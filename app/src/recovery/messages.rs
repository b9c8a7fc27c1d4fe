//! Recovery codes: signing in with one, making them, and the page that shows them once.

use crate::messages::Template;

/// Signing in.
pub(crate) const TITLE: &str = "Use a recovery code";
pub(crate) const LEAD: &str = "One of the ten codes you printed or wrote down. Each works once.";
pub(crate) const CODE: &str = "Recovery code";
pub(crate) const ANOTHER_WAY: &str = "Sign in another way";

/// The section of the account page.
pub(crate) const SECTION: &str = "Recovery codes";
pub(crate) const NONE: &str = "None yet. Make ten to print or write down; each signs you in once when everything else is lost.";
pub(crate) const MADE: Template = Template::new("made {when}");
pub(crate) const MAKE: &str = "Make recovery codes";
pub(crate) const MAKE_NEW: &str = "Make new codes";
pub(crate) const MAKING_EXPLAINED: &str =
    "You see them once, on the next page. Have a printer or a pen at hand.";
pub(crate) const MAKING_NEW_EXPLAINED: &str =
    "The codes you have now stop working. You see the new ones once, on the next page.";

pub(crate) fn left(count: usize, of: usize) -> String {
    format!("{count} of {of} left")
}

/// The page that shows them.
pub(crate) const CODES_TITLE: &str = "Your recovery codes";
/// Names the account on a printed sheet.
pub(crate) const CODES_LEAD: Template = Template::new("for {email} at {server}");
pub(crate) const CODES_HINT: &str = "Print them or write them down now: they are shown this once. Keep them where you keep other papers that matter. Each signs \
     you in once.";
pub(crate) const DONE: &str = "Done";
