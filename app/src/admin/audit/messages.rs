//! The audit log, as an administrator reads it.

use provider::{AuditAction, Category};

use crate::messages::{Template, text_table};

/// The title of the page.
pub(crate) const TITLE: &str = "Audit log";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Who did what, when and from where. Newest first.";

pub(crate) const KIND: &str = "Event type";
pub(crate) const EVERY_KIND: &str = "All events";
pub(crate) const WHO: &str = "Account or application";
pub(crate) const WHO_EXPLAINED: &str = "Part of an email address, application name or client ID.";
pub(crate) const FROM: &str = "From";
pub(crate) const TO: &str = "To";
pub(crate) const TO_EXPLAINED: &str = "Days are in UTC.";
pub(crate) const TURNED_AROUND: &str = "The last day is before the first day.";
pub(crate) const SHOW: &str = "Apply";
pub(crate) const EXPORT: &str = "Export";
pub(crate) const OLDER: &str = "Older";
pub(crate) const NEWEST: &str = "Newest";
pub(crate) const NONE: &str =
    "No events yet. Sign-ins, connections and changes by administrators will appear here.";
pub(crate) const NONE_FOUND: &str = "No matching events.";
pub(crate) const NONE_HERE: &str =
    "No matching events among the latest ones. There may be older ones.";
/// Where only a part of the audit log was searched for a page.
pub(crate) const SEARCHED: Template = Template::new("Searched back to {when}.");
pub(crate) const SEARCH_ON: &str = "Continue searching";

/// In place of a name that is not known, and for the command line.
pub(crate) const UNKNOWN_ACCOUNT: &str = "(unknown account)";
pub(crate) const COMMAND_LINE: &str = "The command line";
pub(crate) const UNKNOWN: &str = "(unknown)";

/// The kinds of events to choose from.
pub(crate) const fn category(category: Category) -> &'static str {
    match category {
        Category::SignIns => "Sign-ins and sign-outs",
        Category::Credentials => "Passkeys, passwords and recovery codes",
        Category::Consents => "Access allowed or denied",
        Category::Grants => "Disconnections",
        Category::Replays => "Codes and tokens used twice",
        Category::Administration => "Administration",
        Category::Unknown => "Events of a newer version",
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
        SignedInWithRecoveryCode: "{user} signed in with a recovery code.",
        SignInRefused: "A sign-in attempt for {user} failed.",
        SignedOut: "{user} signed out.",
        SessionEnded: "{user} signed out another browser: {about}.",
        OtherSessionsEnded: "{user} signed out everywhere else.",
        FirstAccountMade: "{user} created the first account.",
        SignedUp: "{user} signed up.",
        Enrolled: "{user} accepted an invitation.",
        AccountReset: "{user} used a reset link to set a new way to sign in.",
        PasskeyAdded: "{user} added the passkey {about}.",
        PasskeyRenamed: "{user} renamed a passkey to {about}.",
        PasskeyRemoved: "{user} removed the passkey {about}.",
        PasswordChanged: "{user} set a password.",
        PasswordRemoved: "{user} removed their password.",
        RecoveryCodesMade: "{user} created recovery codes.",
        EmailChanged: "{user} changed their email address from {about}.",
        NameSet: "{user} changed their name to {about}.",
        NameRemoved: "{user} removed their name.",
        Allowed: "{user} allowed {client} to use {about}.",
        AllowedAgain: "{client} connected to {about} again for {user}, as allowed before.",
        Denied: "{user} denied {client} access to {about}.",
        Disconnected: "{user} disconnected {client} from {about}.",
        AllDisconnected: "{user} disconnected every application.",
        GrantRevoked: "{client} ended its own connection to {about} for {user}.",
        CodeReplayed:
            "A code of {client} for {user} at {about} was used twice. The connection was ended.",
        RefreshTokenReplayed:
            "An old refresh token of {client} for {user} at {about} was used again. The \
             connection was ended.",
        AccountAdded: "{actor} added the account {user} with the role {about}.",
        InvitedAgain: "{actor} invited {user} again with the role {about}.",
        AccountPasswordSet: "{actor} set a password for {user}.",
        AccountDisabled: "{actor} disabled {user}.",
        AccountEnabled: "{actor} enabled {user}.",
        AccountRemoved: "{actor} removed {user}.",
        ResetLinkMade: "{actor} created a reset link for {user}.",
        LinkWithdrawn: "{actor} canceled the one-time link for {user}.",
        AccountEmailSet: "{actor} changed the email address {about} to {user}.",
        AccountNameSet: "{actor} changed the name of {user} to {about}.",
        AccountNameRemoved: "{actor} removed the name of {user}.",
        RoleChanged: "{actor} changed the role of {user} to {about}.",
        ClientAdded: "{actor} added the application {client}.",
        ClientChanged: "{actor} changed the application {client}: {about}.",
        ClientSecretMade: "{actor} created a new client secret for {client}.",
        RedirectUriAdded: "{actor} added the redirect URI {about} to {client}.",
        ClientRemoved: "{actor} removed the application {client}.",
        ClientDisconnected: "{actor} disconnected {client} for everyone.",
        HostBlocked: "{actor} blocked the host {about}.",
        HostUnblocked: "{actor} unblocked the host {about}.",
        KeyRevoked: "{actor} revoked the signing key {about}.",
        KeyRotated: "{actor} rotated the signing key to {about}.",
        IssuerAccepted: "{actor} accepted a new issuer: {about}.",
        StoreRestored: "{actor} restored a backup: {about}.",
        Unknown(_): "An event that this version of Vestibule does not recognize: {about}.",
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
