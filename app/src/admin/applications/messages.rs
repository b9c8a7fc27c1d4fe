//! Clients.

use provider::ClientKind;

use crate::{
    clean,
    messages::{Template, text_table},
};

/// The title of the page.
pub(crate) const TITLE: &str = "Applications";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "What people connect with, and what is kept out.";

pub(crate) const FIND: &str = "Find by the beginning of a name";
pub(crate) const FIND_IT: &str = "Find";
pub(crate) const NONE_FOUND: Template =
    Template::new("No application here has a name that begins with “{query}”.");
pub(crate) const SHOW_ALL: &str = "Show all applications";
/// When there is none, and how each kind would come about.
pub(crate) const NONE: &str = "None yet. An application that registers itself stands here when somebody connects it, one that describes itself at \
     its own web address once somebody has allowed it something, and one that you add at once.";
/// A part of the list whose entries have all ended.
pub(crate) const GOES_ON: &str = "What stood here has ended. The list goes on.";

/// Within a row.
pub(crate) const AT: Template = Template::new("{name} at {hosts}");
pub(crate) const ON_USERS_COMPUTERS: Template = Template::new("{name} on people's own computers");
pub(crate) const BLOCKED: &str = "Blocked";
pub(crate) const LAST_USED: Template = Template::new("last used {when}");

/// How it came to be known, and since when.
pub(crate) const fn since(kind: ClientKind) -> Template {
    match kind {
        ClientKind::Registered => Template::new("registered itself {when}"),
        ClientKind::Document => Template::new("known by its web address, first seen {when}"),
        ClientKind::Added => Template::new("added here {when}"),
    }
}

/// What is known of it.
pub(crate) const ANSWERS_GO_TO: &str = "Its answers go to";
pub(crate) const PROOF: &str = "How it proves itself";
pub(crate) const CONFIDENTIAL: &str = "By a secret or a key of its own";
pub(crate) const PUBLIC: &str = "Not at all: whoever knows its client id can speak in its name";

pub(crate) const REMOVE_IT: Template = Template::new("Remove {name}");

/// The same without markup.
pub(crate) fn remove(name: &str) -> String {
    format!("Remove {name}")
}

/// What stops working when it is removed, and how it could come back.
pub(crate) const fn removal(kind: ClientKind) -> Template {
    Template::new(consequence(kind))
}

text_table! {
    consequence(ClientKind) {
        Registered:
            "It gets no access any more, and what it holds right now ends within {span}. It can \
             register itself again, and has to ask people again.",
        Document:
            "Everything that people allowed it ends, and what it holds right now within {span}. \
             When it comes again, its document is read again, and it has to ask people again. To \
             keep it out, block its host.",
        Added:
            "It gets no access any more, and what it holds right now ends within {span}. To come \
             back it has to be added again, and gets another client id.",
    }
}

pub(crate) const DISCONNECT_IT: Template = Template::new("End every connection of {name}");
pub(crate) const DISCONNECT_EXPLAINED: Template = Template::new(
    "Everything that people allowed it ends, for all of them, and what it holds right now within {span}. It stays known here, and \
     has to ask people again.",
);

/// The button without markup.
pub(crate) fn disconnect(name: &str) -> String {
    format!("End every connection of {name}")
}

pub(crate) const BLOCK_IT: Template = Template::new("Block {host}");
pub(crate) const BLOCK_EXPLAINED: Template = Template::new(
    "No application that comes from {host} or a name below it, or answers there, gets anything from now on. What such \
     applications hold right now ends within {span}.",
);

pub(crate) const ADD: &str = "Add an application";
pub(crate) const ADD_EXPLAINED: &str =
    "Only needed for one that can neither register itself nor describe itself at a web address.";
pub(crate) const NAME: &str = "Name";
pub(crate) const REDIRECT_URIS: &str = "Redirect URIs";
pub(crate) const REDIRECT_URIS_EXPLAINED: &str =
    "One a line, exactly as the application sends them.";
pub(crate) const KEEPS_A_SECRET: &str = "It can keep a secret";
pub(crate) const KEEPS_A_SECRET_EXPLAINED: &str =
    "As a service of its own can; an application on people's computers cannot.";
pub(crate) const ADD_IT: &str = "Add";

pub(crate) const BLOCKED_HOSTS: &str = "Blocked hosts";
pub(crate) const NONE_BLOCKED: &str =
    "None. An application that comes from a host you block, or answers there, gets nothing.";
pub(crate) const BLOCKED_SINCE: Template = Template::new("{host} · blocked {when}");
pub(crate) const UNBLOCK_IT: Template = Template::new("Unblock {host}");
pub(crate) const HOST: &str = "Host";
pub(crate) const HOST_EXPLAINED: &str = "Such as app.example.com. Names below it are blocked too.";
pub(crate) const BLOCK: &str = "Block";

/// The outcomes of the operations.
pub(crate) const CLIENT_ADDED: &str = "The application is added. Give it what stands here.";
pub(crate) const CLIENT_REMOVED: &str =
    "The application is removed, and everything that people allowed it has ended.";
pub(crate) const CLIENT_DISCONNECTED: &str = "Every connection of the application has ended.";

pub(crate) fn host_blocked(host: &str) -> String {
    format!(
        "{} is blocked.",
        clean::sentence(&host.trim().to_lowercase())
    )
}

pub(crate) fn host_unblocked(host: &str) -> String {
    format!(
        "{} is let in again.",
        clean::sentence(&host.trim().to_lowercase())
    )
}
