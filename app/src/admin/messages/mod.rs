//! The pages for administrators. They may speak of clients, scopes and tokens: their
//! readers know what these are.

pub mod errors;

use crate::messages::Template;

/// The navigation, for screen readers.
pub(crate) const NAVIGATION: &str = "Administration";
pub(crate) const YOUR_ACCOUNT: &str = "Your account";

/// The second step of a row.
pub(crate) const CHANGE: &str = "Change";
pub(crate) const REMOVE: &str = "Remove";

/// The name of a button for screen readers, where other buttons on the page have the same text.
pub(crate) fn spoken(button: &str, object: &str) -> String {
    format!("{button} ({object})")
}

/// What the last operation created, which is shown only once.
pub(crate) const ONE_TIME_LINK: &str = "One-time link";
pub(crate) const CLIENT_ID: &str = "Client ID";
pub(crate) const CLIENT_SECRET: &str = "Client secret";
pub(crate) const LINK_EXPLAINED: Template = Template::new(
    "Send this link to {user} now: it is shown only once. It works \
     once, for anyone who has it, and expires within {span}.",
);
pub(crate) const SECRET_EXPLAINED: &str = "Copy the secret now: it is shown only once.";

/// Turning pages.
pub(crate) const PAGES: &str = "Pages";
pub(crate) const NEXT: &str = "Next";
pub(crate) const PREVIOUS: &str = "Previous";
pub(crate) const FIRST: &str = "First page";

/// Above a list that an upgrade or a restored backup has left incomplete.
pub(crate) const BEING_BUILT: &str =
    "This list is being rebuilt in the background. Some entries may still be missing.";

/// "51 to 100 of 230".
pub(crate) fn place_in_list(first: usize, last: usize, all: usize) -> String {
    format!("{first} to {last} of {all}")
}

/// The orders of a list.
pub(crate) const SORT_BY: &str = "Sort by";
pub(crate) const LAST_USED_FIRST: &str = "Last used";
pub(crate) const NEWEST_FIRST: &str = "Newest";
pub(crate) const BY_NAME: &str = "Name";
pub(crate) const BY_EMAIL: &str = "Email";
