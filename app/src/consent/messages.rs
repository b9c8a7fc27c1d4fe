//! The decision about a request.

use crate::messages::Template;

/// The title of the window.
pub(crate) const TITLE: &str = "Allow access";
pub(crate) const QUESTION: Template = Template::new("{client} wants to use {resource}");

pub(crate) const WHO: &str = "Who is asking";
/// For a client that chose its name itself.
pub(crate) const NAMED_ITSELF: &str = "This application named itself; nobody has checked the name.";
/// Said of a client that was added by hand.
pub(crate) const ADDED_HERE: &str = "An application that whoever runs this server added.";
/// Under the host of a client with a metadata document.
pub(crate) const PROVEN_BY_ADDRESS: &str = "Identity proven by its web address.";
/// The same where the answer goes to a client on this computer, which nothing ties to that
/// address.
pub(crate) const CLAIMED_ON_THIS_COMPUTER: &str = "Identity proven by its web address, which other applications on this computer could claim as well.";

pub(crate) const WHAT: &str = "What it may do";
/// Where the client asks for nothing in particular.
pub(crate) const IN_YOUR_NAME: &str = "Use it in your name.";
/// Marks what was not allowed before.
pub(crate) const NEW: &str = "New";
pub(crate) const NEW_EXPLAINED: &str =
    "You have allowed this application before. What is marked comes on top of that.";
/// Where the resource is.
pub(crate) const AT_HOST: Template = Template::new("at {host}");

pub(crate) const ANSWER_TARGET: &str = "Where your answer goes";
pub(crate) const ON_THIS_COMPUTER: &str = "This is an application on this computer. Allow it only if you started connecting it yourself, just now.";

/// As whom, before the way out of a wrong account.
pub(crate) const AS_WHOM: Template = Template::new("as {email}");

pub(crate) const DENY: &str = "Deny";
pub(crate) const ALLOW: &str = "Allow";
pub(crate) const REVOCABLE: &str = "You can end this at any time under Connected applications.";
