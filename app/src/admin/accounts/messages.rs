//! Accounts.

use provider::Role;

use crate::{clean, messages::Template, messages::common::counted};

/// The title of the page.
pub(crate) const TITLE: &str = "Accounts";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Who may sign in here.";

pub(crate) const FIND: &str = "Find by the beginning of an address";
pub(crate) const FIND_IT: &str = "Find";
pub(crate) const NONE_FOUND: Template = Template::new("No address here begins with “{query}”.");
pub(crate) const SHOW_ALL: &str = "Show all accounts";

pub(crate) const INVITE_SOMEBODY: &str = "Invite somebody";
pub(crate) const INVITE_EXPLAINED: &str = "This makes an account that waits for its person, and a one-time link for you to hand on: this server sends no mail.";
pub(crate) const ROLE: &str = "Role";
pub(crate) const USER: &str = "Person";
pub(crate) const ADMINISTRATOR: &str = "Administrator";
pub(crate) const INVITE: &str = "Invite";

/// In what state an account is, within a row.
pub(crate) const ACTIVE: &str = "active";
pub(crate) const DISABLED: &str = "disabled";
pub(crate) const WAITING: &str = "waiting for its person";

/// What an account can sign in with: "2 passkeys and a password".
pub(crate) fn ways_in(passkeys: usize, has_password: bool) -> String {
    let passkeys = match passkeys {
        0 => None,
        count => Some(counted(count as u64, "passkey", "passkeys")),
    };
    match (passkeys, has_password) {
        (Some(passkeys), true) => format!("{passkeys} and a password"),
        (Some(passkeys), false) => passkeys,
        (None, true) => "a password, no passkey".to_owned(),
        (None, false) => "no way to sign in yet".to_owned(),
    }
}

pub(crate) const LAST_SIGN_IN: Template = Template::new("last signed in {when}");
pub(crate) const NO_SIGN_IN: &str = "no sign-in noted";
pub(crate) const ADDED: Template = Template::new("added {when}");

/// Why one's own account has no buttons.
pub(crate) const OWN: &str = "This is your own account, so nobody can lock themselves out here. Another administrator, or the \
     terminal, can change it.";

/// What a button does, and before it what stops working.
pub(crate) const DISABLE: Template = Template::new("Disable {email}");
pub(crate) const DISABLE_EXPLAINED: &str = "It is signed out everywhere and cannot sign in. Every application it connected loses \
     its access. It can be enabled again; what it had allowed stays ended.";
pub(crate) const ENABLE: Template = Template::new("Enable {email}");
pub(crate) const ENABLE_EXPLAINED: &str =
    "It may sign in again, and has to allow its applications anew.";
pub(crate) const RESET: &str = "Make a reset link";
pub(crate) const RESET_EXPLAINED: &str = "For somebody who cannot sign in any more. Their password and recovery codes work \
     until they use the link; their passkeys stay. An earlier link ends. Make sure that you hand it to the right person.";
/// That a one-time link to an account is out.
pub(crate) const LINK_OUT: Template =
    Template::new("A one-time link is out. It opens this account until {when}.");
pub(crate) const WITHDRAW: &str = "Withdraw the link";
pub(crate) const WITHDRAW_EXPLAINED: &str = "The link stops working. You can create another one.";
pub(crate) const INVITE_AGAIN: &str = "Make another invitation link";
pub(crate) const INVITE_AGAIN_EXPLAINED: &str = "For somebody whose link was lost or has ended.";
/// Buttons, each with what follows from it.
pub(crate) const MAKE_ADMINISTRATOR: (&str, &str) = (
    "Make an administrator",
    "It can then do everything that you can do on these pages.",
);
pub(crate) const TAKE_ADMINISTRATION: (&str, &str) = (
    "Take administration away",
    "It can then open these pages no more. What it has connected stays.",
);
pub(crate) const REMOVE_IT: Template = Template::new("Remove {email}");
pub(crate) const REMOVE_EXPLAINED: &str = "Its passkeys and its password stop working, it is signed out everywhere, and every \
     application it connected loses its access. This cannot be undone.";

pub(crate) const NAME: &str = "Name";
pub(crate) const NAME_EXPLAINED: &str =
    "What its person is called. Applications that may know the name get it.";
pub(crate) const SET_NAME: &str = "Save name";

/// The outcomes of the operations.
pub(crate) fn invited(email: &str) -> String {
    let shown = clean::sentence(email);
    if provider::has_local_domain(email) {
        format!("{shown} is invited. What follows the @ has no dot: make sure that it is no slip.")
    } else {
        format!("{shown} is invited.")
    }
}

pub(crate) fn reset_link_made(email: &str) -> String {
    format!(
        "Whoever has this link chooses a new way to sign in as {}. Until then the present ones work.",
        clean::sentence(email)
    )
}

pub(crate) fn link_withdrawn(email: &str) -> String {
    format!(
        "No link to {} opens anything any more.",
        clean::sentence(email)
    )
}

pub(crate) fn account_disabled(email: &str) -> String {
    format!("{} is disabled.", clean::sentence(email))
}

pub(crate) fn account_enabled(email: &str) -> String {
    format!("{} may sign in again.", clean::sentence(email))
}

pub(crate) fn account_removed(email: &str) -> String {
    format!("{} is removed.", clean::sentence(email))
}

pub(crate) fn name_set(email: &str, name: &str) -> String {
    let shown = clean::sentence(email);
    match clean::sentence(name) {
        name if name.is_empty() => format!("{shown} has no name any more."),
        name => format!("{shown} is called {name} now."),
    }
}

pub(crate) fn role_set(email: &str, role: Role) -> String {
    let shown = clean::sentence(email);
    match role {
        Role::Administrator => format!("{shown} is an administrator now."),
        Role::User => format!("{shown} is no administrator any more."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_in_read_as_words() {
        for (passkeys, has_password, words) in [
            (0, false, "no way to sign in yet"),
            (0, true, "a password, no passkey"),
            (1, false, "1 passkey"),
            (2, true, "2 passkeys and a password"),
        ] {
            assert_eq!(ways_in(passkeys, has_password), words);
        }
    }
}
