//! The audit log, as an administrator reads it.

use provider::{AuditAction, Category};

use crate::messages::{Template, text_table};

/// The title of the page.
pub(crate) const TITLE: &str = "Audit trail";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Who did what, when and from where, newest first.";

pub(crate) const KIND: &str = "Kind";
pub(crate) const EVERY_KIND: &str = "Everything";
pub(crate) const WHO: &str = "Who";
pub(crate) const WHO_EXPLAINED: &str =
    "Part of an address, or of an application's name or client id.";
pub(crate) const FROM: &str = "From";
pub(crate) const TO: &str = "To";
pub(crate) const TO_EXPLAINED: &str = "Days begin and end at midnight, UTC.";
pub(crate) const TURNED_AROUND: &str = "This day is before the first one.";
pub(crate) const SHOW: &str = "Show";
pub(crate) const EXPORT: &str = "Export";
pub(crate) const OLDER: &str = "Older";
pub(crate) const NEWEST: &str = "Newest";
pub(crate) const NONE: &str =
    "Nothing yet. What people, applications and administrators do stands here from now on.";
pub(crate) const NONE_FOUND: &str = "Nothing that is kept fits.";
pub(crate) const NONE_HERE: &str = "Nothing among the latest of these fits. There are older ones.";
/// Where only a part of the audit log was searched for a page.
pub(crate) const SEARCHED: Template = Template::new("Searched back to {when}.");
pub(crate) const SEARCH_ON: &str = "Continue the search";

/// In place of the name of an account that is gone, and of the command line.
pub(crate) const SOMEBODY: &str = "somebody";
pub(crate) const THE_TERMINAL: &str = "The terminal";
pub(crate) const SOMETHING: &str = "something";

/// The kinds there are to choose from.
pub(crate) const fn category(category: Category) -> &'static str {
    match category {
        Category::SignIns => "Signing in and out",
        Category::Credentials => "Passkeys, passwords and codes",
        Category::Consents => "What people allowed or denied",
        Category::Grants => "Connections that were ended",
        Category::Replays => "Codes and tokens used twice",
        Category::Administration => "Administration",
        Category::Unknown => "Of a newer version",
    }
}

/// What happened. `actor` did it, `user` is whose account it is about, `client` is the client,
/// `about` is anything else.
pub(crate) const fn what(action: AuditAction) -> Template {
    Template::new(sentence(action))
}

text_table! {
    sentence(AuditAction) {
        SignedInWithPasskey: "{user} signed in with a passkey.",
        SignedInWithPassword: "{user} signed in with a password.",
        SignedInWithRecoveryCode: "{user} signed in with a recovery code, which is used up.",
        SignInRefused: "Somebody tried to sign in as {user} and was refused.",
        SignedOut: "{user} signed out.",
        SessionEnded: "{user} signed out another browser, {about}.",
        OtherSessionsEnded: "{user} signed out everywhere else.",
        FirstAccountMade: "{user} made the first account.",
        SignedUp: "{user} made an account.",
        Enrolled: "{user} accepted an invitation.",
        AccountReset: "{user} chose a new way to sign in by a reset link.",
        PasskeyAdded: "{user} added the passkey {about}.",
        PasskeyRenamed: "{user} renamed a passkey to {about}.",
        PasskeyRemoved: "{user} removed the passkey {about}.",
        PasswordChanged: "{user} chose a password.",
        PasswordRemoved: "{user} removed their password.",
        RecoveryCodesMade: "{user} made recovery codes.",
        EmailChanged: "{user} changed their e-mail address from {about}.",
        NameSet: "{user} chose the name {about}.",
        NameRemoved: "{user} removed their name.",
        Allowed: "{user} allowed {client} to use {about}.",
        AllowedAgain: "{client} got for {user} what they had allowed before at {about}.",
        Denied: "{user} did not allow {client} to use {about}.",
        Disconnected: "{user} disconnected {client} from {about}.",
        AllDisconnected: "{user} disconnected every application.",
        GrantRevoked: "{client} ended its connection to {about} for {user}.",
        CodeReplayed:
            "A code of {client} for {user} at {about} was used twice, which ended the \
             connection.",
        RefreshTokenReplayed:
            "An old refresh token of {client} for {user} at {about} was used again, which ended \
             the connection.",
        AccountAdded: "{actor} added the account {user}, as {about}.",
        InvitedAgain: "{actor} invited {user} again, as {about}.",
        AccountPasswordSet: "{actor} set a password for {user}.",
        AccountDisabled: "{actor} disabled {user}.",
        AccountEnabled: "{actor} enabled {user}.",
        AccountRemoved: "{actor} removed {user}.",
        ResetLinkMade: "{actor} made a reset link for {user}.",
        LinkWithdrawn: "{actor} withdrew the one-time link to {user}.",
        AccountEmailSet: "{actor} gave {user} this address in place of {about}.",
        AccountNameSet: "{actor} gave {user} the name {about}.",
        AccountNameRemoved: "{actor} removed the name of {user}.",
        RoleChanged: "{actor} gave {user} the role {about}.",
        ClientAdded: "{actor} added the application {client}.",
        ClientChanged: "{actor} changed the application {client}: {about}.",
        ClientSecretMade: "{actor} made a new secret for the application {client}.",
        RedirectUriAdded: "{actor} added the redirect URI {about} to {client}.",
        ClientRemoved: "{actor} removed the application {client}.",
        ClientDisconnected: "{actor} ended every connection of {client}.",
        HostBlocked: "{actor} blocked the host {about}.",
        HostUnblocked: "{actor} let the host {about} in again.",
        KeyRevoked: "{actor} took the signing key {about} out.",
        KeyRotated: "{actor} made a new signing key, {about}.",
        IssuerAccepted: "{actor} accepted the change of this server's address: {about}.",
        StoreRestored: "{actor} restored everything from a backup: {about}.",
        Unknown(_): "Something happened that this version of the server does not know: {about}.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Piece;

    #[test]
    fn every_deed_is_a_sentence_with_slots_that_are_filled() {
        for action in AuditAction::ALL {
            let pieces = what(action).pieces();
            assert!(
                matches!(pieces.last(), Some(Piece::Words(words)) if words.ends_with('.')),
                "{action:?}"
            );
            let slots: Vec<_> = pieces
                .iter()
                .filter_map(|piece| {
                    if let Piece::Slot(slot) = piece {
                        Some(*slot)
                    } else {
                        None
                    }
                })
                .collect();
            assert!(
                slots
                    .iter()
                    .all(|slot| ["actor", "user", "client", "about"].contains(slot)),
                "{action:?}: {slots:?}"
            );
            // What administrators did names who of them did it.
            assert_eq!(
                slots.contains(&"actor"),
                action.category() == Category::Administration,
                "{action:?}"
            );
        }
    }
}
