//! What the user has allowed, on the account page.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Connected applications";
pub(crate) const NONE: &str = "None yet. When an application asks to use something in your name and you allow it, it stands here.";

/// The group of clients that answer on the user's own computers; the others stand under
/// their host.
pub(crate) const ON_YOUR_COMPUTERS: &str = "On your computers";

/// The client and where it answers.
pub(crate) const NAMED_WITH_HOST: Template = Template::new("{client} ({host})");
pub(crate) const NAMED_ON_THIS_COMPUTER: Template = Template::new("{client} on this computer");

/// What a client may do now; then, once it is connected no more, how it comes back.
pub(crate) const MAY_USE: Template = Template::new("{client} may use {resource}");
pub(crate) const MAY_COME_BACK: Template =
    Template::new("{client} is not connected now, and may use {resource} again without asking you");
pub(crate) const HAS_TO_ASK: Template = Template::new(
    "{client} is not connected now, and has to ask you before it can use {resource} again",
);

pub(crate) const ALLOWED: Template = Template::new("allowed {when}");

/// How often a client is connected. Of one that is connected very often, not all are counted.
pub(crate) fn connected_times(times: usize, has_more: bool) -> String {
    if has_more {
        format!("connected {times} times or more")
    } else {
        format!("connected {times} times")
    }
}

pub(crate) const LAST_USED: Template = Template::new("last used {when} from {address}");

/// The links to other connected applications, where there are many.
pub(crate) const PAGES: &str = "More connected applications";
pub(crate) const FIRST: &str = "First applications";
pub(crate) const MORE: &str = "Show more applications";

pub(crate) const DISCONNECT: &str = "Disconnect";
/// The same where nothing is connected and only a consent is remembered.
pub(crate) const FORGET: &str = "Forget";
pub(crate) const DISCONNECT_IT: Template = Template::new("Disconnect {client}");
pub(crate) const FORGET_IT: Template = Template::new("Forget {client}");
/// What stops with it; the second where the client holds access that runs out by itself.
pub(crate) const FORGETTING_EXPLAINED: Template =
    Template::new("{client} will have to ask you again before it can use {resource}.");
pub(crate) const DISCONNECTING_EXPLAINED: Template = Template::new(
    "{client} will have to ask you again before it can use {resource}; access it holds right now ends within {span}.",
);

pub(crate) const DISCONNECT_ALL: &str = "Disconnect all";

pub(crate) fn disconnecting_all_explained(span: &str) -> String {
    format!(
        "All connected applications will have to ask you again before they can use anything in your name; access they hold right \
         now ends within {span}."
    )
}

/// A connection that a replay ended, and what to do about it.
pub(crate) const REPLAYED: Template = Template::new(
    "{client} was using {resource}. That ended {when}, because an old copy of its key was used.",
);
pub(crate) const REPLAYED_ADVICE: &str = "If that was not you, somebody else may have had the copy. It opens nothing any more. \
     Make sure of the computer that the application runs on before you connect it again.";
