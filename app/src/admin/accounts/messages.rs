//! Accounts.

use provider::Role;

use crate::{clean, messages::Template, messages::common::counted};

/// The title of the page.
pub(crate) const TITLE: &str = "Accounts";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "People who can sign in.";

pub(crate) const FIND: &str = "Email starts with";
pub(crate) const FIND_IT: &str = "Search";
pub(crate) const NONE_FOUND: Template = Template::new("No email address starts with “{query}”.");
pub(crate) const SHOW_ALL: &str = "Show all accounts";

pub(crate) const INVITE_SOMEONE: &str = "Invite someone";
pub(crate) const INVITE_EXPLAINED: &str = "Creates an account and a one-time link. Send the link to the person yourself: \
     Vestibule doesn't send email.";
pub(crate) const ROLE: &str = "Role";
pub(crate) const USER: &str = "User";
pub(crate) const ADMINISTRATOR: &str = "Administrator";
pub(crate) const INVITE: &str = "Invite";

/// A role within a sentence.
pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Administrator => "administrator",
    }
}

/// The state of an account, within a row.
pub(crate) const ACTIVE: &str = "active";
pub(crate) const DISABLED: &str = "disabled";
pub(crate) const NOT_SET_UP: &str = "invited, not set up yet";

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
        (None, false) => "no passkey or password yet".to_owned(),
    }
}

pub(crate) const LAST_SIGN_IN: Template = Template::new("last signed in {when}");
pub(crate) const NO_SIGN_IN: &str = "never signed in";
pub(crate) const ADDED: Template = Template::new("added {when}");

/// Why one's own account has no buttons.
pub(crate) const OWN: &str =
    "This is your own account. Ask another administrator to change it, or use the command line.";

/// What a button does, and what stops working.
pub(crate) const DISABLE: Template = Template::new("Disable {email}");
pub(crate) const DISABLE_EXPLAINED: &str = "Signs this person out everywhere, blocks sign-in and disconnects all of their \
     applications. You can enable the account again, but its applications stay disconnected.";
pub(crate) const ENABLE: Template = Template::new("Enable {email}");
pub(crate) const ENABLE_EXPLAINED: &str =
    "This person can sign in again. They have to allow their applications again.";
pub(crate) const RESET: &str = "Create reset link";
pub(crate) const RESET_EXPLAINED: &str = "For someone who can't sign in. Their password and recovery codes work until \
     they use the link; passkeys keep working. Earlier links stop working. Make sure you send it to the right person.";
/// That a one-time link to an account can be used.
pub(crate) const LINK_ACTIVE: Template =
    Template::new("A one-time link to this account is active until {when}.");
pub(crate) const CANCEL_LINK: &str = "Cancel link";
pub(crate) const CANCEL_LINK_EXPLAINED: &str = "The link stops working. You can create a new one.";
pub(crate) const INVITE_AGAIN: &str = "Create new invitation link";
pub(crate) const INVITE_AGAIN_EXPLAINED: &str = "For someone whose link was lost or has expired. Earlier links stop \
     working.";
/// Buttons, each with its explanation.
pub(crate) const MAKE_ADMINISTRATOR: (&str, &str) = (
    "Make administrator",
    "Administrators can manage accounts, applications and keys.",
);
pub(crate) const REMOVE_ADMINISTRATOR: (&str, &str) = (
    "Remove administrator role",
    "This person can no longer open the administration pages. Their applications stay connected.",
);
pub(crate) const REMOVE_IT: Template = Template::new("Remove {email}");
pub(crate) const REMOVE_EXPLAINED: &str = "Deletes the account with its passkeys and password, signs this person out \
     everywhere and disconnects all of their applications. This cannot be undone.";

pub(crate) const NAME: &str = "Name";
pub(crate) const NAME_EXPLAINED: &str = "Shared with applications that are allowed to see it.";
pub(crate) const SET_NAME: &str = "Save name";

/// The outcomes of the operations.
pub(crate) fn invited(email: &str) -> String {
    let shown = clean::sentence(email);
    if provider::has_local_domain(email) {
        format!(
            "{shown} was invited. The part after the @ has no dot: check the address for a typo."
        )
    } else {
        format!("{shown} was invited.")
    }
}

pub(crate) fn reset_link_made(email: &str) -> String {
    format!(
        "Reset link for {} created. Anyone with this link can set a new way to sign in to the account.",
        clean::sentence(email)
    )
}

pub(crate) fn link_withdrawn(email: &str) -> String {
    format!(
        "The one-time link for {} was canceled.",
        clean::sentence(email)
    )
}

pub(crate) fn account_disabled(email: &str) -> String {
    format!("{} is disabled.", clean::sentence(email))
}

pub(crate) fn account_enabled(email: &str) -> String {
    format!("{} is enabled.", clean::sentence(email))
}

pub(crate) fn account_removed(email: &str) -> String {
    format!("{} was removed.", clean::sentence(email))
}

pub(crate) fn name_set(email: &str, name: &str) -> String {
    let shown = clean::sentence(email);
    match clean::sentence(name) {
        name if name.is_empty() => format!("The name of {shown} was removed."),
        name => format!("The name of {shown} is now {name}."),
    }
}

pub(crate) fn role_set(email: &str, role: Role) -> String {
    let shown = clean::sentence(email);
    match role {
        Role::Administrator => format!("{shown} is now an administrator."),
        Role::User => format!("{shown} is no longer an administrator."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_in_read_as_words() {
        for (passkeys, has_password, words) in [
            (0, false, "no passkey or password yet"),
            (0, true, "a password, no passkey"),
            (1, false, "1 passkey"),
            (2, true, "2 passkeys and a password"),
        ] {
            assert_eq!(ways_in(passkeys, has_password), words);
        }
    }
}
