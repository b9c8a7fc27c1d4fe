//! Recovery codes: signing in with one, making them, and the page that shows them once.

use crate::messages::Template;

/// Signing in.
pub(crate) const TITLE: &str = "Use a recovery code";
pub(crate) const LEAD: &str = "Enter one of your recovery codes. Each code works once.";
pub(crate) const CODE: &str = "Recovery code";
pub(crate) const ANOTHER_WAY: &str = "Sign in another way";

/// The section of the account page.
pub(crate) const SECTION: &str = "Recovery codes";
pub(crate) const NONE: &str =
    "No recovery codes. Create ten in case you lose your passkey and password. Each works once.";
pub(crate) const MADE: Template = Template::new("created {when}");
pub(crate) const MAKE: &str = "Create recovery codes";
pub(crate) const MAKE_NEW: &str = "Create new codes";
pub(crate) const MAKING_EXPLAINED: &str =
    "You'll see them only once, on the next page. Be ready to save or print them.";
pub(crate) const MAKING_NEW_EXPLAINED: &str =
    "Your current codes will stop working. You'll see the new ones only once, on the next page.";

pub(crate) fn left(count: usize, of: usize) -> String {
    format!("{count} of {of} left")
}

/// The page that shows them.
pub(crate) const CODES_TITLE: &str = "Your recovery codes";
/// Names the account on a printed sheet.
pub(crate) const CODES_LEAD: Template = Template::new("for {email} at {server}");
pub(crate) const CODES_HINT: &str = "Save these codes now. They won't be shown again. Store them somewhere safe, such as a password manager. Each code \
     works once.";
pub(crate) const DONE: &str = "Done";
