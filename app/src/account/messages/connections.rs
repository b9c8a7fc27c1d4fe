//! The connected applications, on the account page.

use crate::messages::Template;

pub(crate) const TITLE: &str = "Connected applications";
pub(crate) const NONE: &str = "No connected applications. Applications you allow will appear here.";

/// The group of clients on the user's own computers; the other groups are named by their host.
pub(crate) const ON_YOUR_COMPUTERS: &str = "On your computers";

/// A client and its host.
pub(crate) const NAMED_WITH_HOST: Template = Template::new("{client} ({host})");
pub(crate) const NAMED_ON_THIS_COMPUTER: Template = Template::new("{client} on this computer");

/// The state of a connection: connected, or disconnected and able to reconnect with or without
/// asking.
pub(crate) const MAY_USE: Template = Template::new("{client} can use {resource}");
pub(crate) const MAY_COME_BACK: Template =
    Template::new("{client} isn't connected now, but can use {resource} again without asking you");
pub(crate) const HAS_TO_ASK: Template =
    Template::new("{client} isn't connected now, and has to ask you before using {resource} again");

pub(crate) const ALLOWED: Template = Template::new("allowed {when}");

/// The number of connections of a client. Only some are counted where there are very many.
pub(crate) fn connected_times(times: usize, has_more: bool) -> String {
    if has_more {
        format!("connected {times} times or more")
    } else {
        format!("connected {times} times")
    }
}

pub(crate) const LAST_USED: Template = Template::new("last used {when} from {address}");

/// The links to further pages of connected applications.
pub(crate) const PAGES: &str = "More connected applications";
pub(crate) const FIRST: &str = "First page";
pub(crate) const MORE: &str = "Next page";

pub(crate) const DISCONNECT: &str = "Disconnect";
/// The same where nothing is connected and only the consent is stored.
pub(crate) const FORGET: &str = "Forget";
pub(crate) const DISCONNECT_IT: Template = Template::new("Disconnect {client}");
pub(crate) const FORGET_IT: Template = Template::new("Forget {client}");
/// What it ends; the second where the client still has access for a while.
pub(crate) const FORGETTING_EXPLAINED: Template =
    Template::new("{client} will have to ask you again before using {resource}.");
pub(crate) const DISCONNECTING_EXPLAINED: Template = Template::new(
    "{client} will have to ask you again before using {resource}. Access it already has ends within {span}.",
);

pub(crate) const DISCONNECT_ALL: &str = "Disconnect all";

pub(crate) fn disconnecting_all_explained(span: &str) -> String {
    format!(
        "All connected applications will have to ask you again. Access they already have ends within {span}."
    )
}

/// A connection that a replay ended, and what the user can do.
pub(crate) const REPLAYED: Template = Template::new(
    "{client} was using {resource}. We disconnected it {when} because a one-time key for it was used twice.",
);
pub(crate) const REPLAYED_ADVICE: &str = "If this wasn't you, someone may have copied it. The copy no longer works. Check the computer that the application runs \
     on before you reconnect it.";
