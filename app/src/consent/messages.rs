//! The consent page.

use crate::messages::Template;

/// The title of the window.
pub(crate) const TITLE: &str = "Allow access";
pub(crate) const QUESTION: Template = Template::new("{client} wants to use {resource}");

pub(crate) const WHO: &str = "Who is asking";
/// For a client that chose its name itself.
pub(crate) const NAMED_ITSELF: &str =
    "The application chose this name itself. It has not been verified.";
/// For a client that an administrator added.
pub(crate) const ADDED_HERE: &str = "Added by your administrator.";
/// Under the host of a client with a metadata document.
pub(crate) const PROVEN_BY_ADDRESS: &str = "Verified by its web address.";
/// The same where the redirect goes to a client on this computer, which may not be the one at that
/// address.
pub(crate) const CLAIMED_ON_THIS_COMPUTER: &str = "Verified by its web address, but other applications on this computer could claim the same address.";

pub(crate) const WHAT: &str = "What it can do";
/// Where the client requests no particular scope.
pub(crate) const ON_YOUR_BEHALF: &str = "Use it on your behalf.";
/// Marks what was not allowed before.
pub(crate) const NEW: &str = "New";
pub(crate) const NEW_EXPLAINED: &str =
    "You already allowed the rest. Items marked \"New\" are additional.";
/// Where the resource is.
pub(crate) const AT_HOST: Template = Template::new("at {host}");

/// The host or the scheme of the redirect URI.
pub(crate) const REDIRECT_TARGET: &str = "Sends you back to";
/// The same for an application on this computer.
pub(crate) const TARGET_ON_THIS_COMPUTER: Template = Template::new("{target}, on this computer");
pub(crate) const ONLY_IF_YOU_STARTED: &str =
    "Allow this only if you just started connecting the application yourself.";

/// The account, before the button for another one.
pub(crate) const SIGNED_IN_AS: Template = Template::new("Signed in as {email}");

pub(crate) const DENY: &str = "Deny";
pub(crate) const ALLOW: &str = "Allow";
pub(crate) const REVOCABLE: Template =
    Template::new("You can remove access at any time in {account}.");
/// The link in that sentence.
pub(crate) const YOUR_ACCOUNT: &str = "your account";
