//! Applications.

use provider::ClientKind;

use crate::{
    clean,
    messages::{Template, text_table},
};

/// The title of the page.
pub(crate) const TITLE: &str = "Applications";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Applications that people connect with, and blocked hosts.";

pub(crate) const FIND: &str = "Name starts with";
pub(crate) const FIND_IT: &str = "Search";
pub(crate) const NONE_FOUND: Template = Template::new("No application name starts with “{query}”.");
pub(crate) const SHOW_ALL: &str = "Show all applications";
/// Shown when there are none, with how each kind appears.
pub(crate) const NONE: &str = "No applications. An application appears here when it registers itself, when someone allows \
     an application that is identified by its web address, or when you add one.";
/// A part of the list whose entries have all ended.
pub(crate) const GOES_ON: &str =
    "The entries on this page have expired. The list continues on the next page.";

/// Within a row.
pub(crate) const AT: Template = Template::new("{name} at {hosts}");
pub(crate) const ON_USERS_COMPUTERS: Template = Template::new("{name} on the user's computer");
pub(crate) const BLOCKED: &str = "Blocked";
pub(crate) const LAST_USED: Template = Template::new("last used {when}");

/// How the application became known, and when.
pub(crate) const fn since(kind: ClientKind) -> Template {
    match kind {
        ClientKind::Registered => Template::new("registered itself {when}"),
        ClientKind::Document => Template::new("identified by its web address, first seen {when}"),
        ClientKind::Added => Template::new("added manually {when}"),
    }
}

/// Facts about an application.
pub(crate) const AUTHENTICATION: &str = "Authentication";
pub(crate) const CONFIDENTIAL: &str = "client secret or key";
pub(crate) const PUBLIC: &str = "none (public client)";

pub(crate) const REMOVE_IT: Template = Template::new("Remove {name}");

/// The same without markup.
pub(crate) fn remove(name: &str) -> String {
    format!("Remove {name}")
}

/// What stops working when it is removed, and how it can return.
pub(crate) const fn removal(kind: ClientKind) -> Template {
    Template::new(consequence(kind))
}

text_table! {
    consequence(ClientKind) {
        Registered:
            "Removes the application and disconnects it for everyone. Access it already has ends \
             within {span}. It can register itself again, but has to ask each person again.",
        Document:
            "Disconnects the application for everyone. Access it already has ends within {span}. \
             The application can return by its metadata document, but has to ask each person again. \
             To refuse it, block its host.",
        Added:
            "Removes the application and disconnects it for everyone. Access it already has ends \
             within {span}. If you add it again, it gets a new client ID.",
    }
}

pub(crate) const DISCONNECT_IT: Template = Template::new("Disconnect {name} for everyone");
pub(crate) const DISCONNECT_EXPLAINED: Template = Template::new(
    "Ends all connections of this application. Access it \
     already has ends within {span}. The application stays in this list and has to ask each person again.",
);

/// The button without markup.
pub(crate) fn disconnect(name: &str) -> String {
    format!("Disconnect {name} for everyone")
}

pub(crate) const BLOCK_IT: Template = Template::new("Block {host}");
pub(crate) const BLOCK_EXPLAINED: Template = Template::new(
    "Refuses every application from {host} or its subdomains, and \
     every redirect URI there. Access that such applications already have ends within {span}.",
);

pub(crate) const ADD: &str = "Add application";
pub(crate) const ADD_EXPLAINED: &str = "Only needed for applications that neither register themselves nor publish a client metadata document.";
pub(crate) const NAME: &str = "Name";
pub(crate) const REDIRECT_URIS: &str = "Redirect URIs";
pub(crate) const REDIRECT_URIS_EXPLAINED: &str =
    "One per line, exactly as the application sends them.";
pub(crate) const CONFIDENTIAL_CLIENT: &str = "Confidential client";
pub(crate) const CONFIDENTIAL_CLIENT_EXPLAINED: &str =
    "For server-side applications. Desktop and mobile apps can't keep a secret.";
pub(crate) const ADD_IT: &str = "Add";

pub(crate) const BLOCKED_HOSTS: &str = "Blocked hosts";
pub(crate) const NONE_BLOCKED: &str =
    "No blocked hosts. Applications from a blocked host, and redirect URIs there, are refused.";
pub(crate) const BLOCKED_SINCE: Template = Template::new("{host} · blocked {when}");
pub(crate) const UNBLOCK_IT: Template = Template::new("Unblock {host}");
pub(crate) const HOST: &str = "Host";
pub(crate) const HOST_EXPLAINED: &str = "For example, app.example.com. Subdomains are blocked too.";
pub(crate) const BLOCK: &str = "Block";

/// The outcomes of the operations.
pub(crate) const CLIENT_ADDED: &str = "Application added. Copy these values into it.";
pub(crate) const CLIENT_REMOVED: &str = "Application removed and disconnected for everyone.";
pub(crate) const CLIENT_DISCONNECTED: &str = "Application disconnected for everyone.";

pub(crate) fn host_blocked(host: &str) -> String {
    format!(
        "{} is blocked.",
        clean::sentence(&host.trim().to_lowercase())
    )
}

pub(crate) fn host_unblocked(host: &str) -> String {
    format!(
        "{} is no longer blocked.",
        clean::sentence(&host.trim().to_lowercase())
    )
}
