//! The audit log, as an administrator reads it.

use provider::{AuditAction, Category};

use crate::messages::Template;

/// The title of the page.
pub(crate) const TITLE: &str = "Audit trail";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Who did what, when and from where, newest first.";

pub(crate) const KIND: &str = "Kind";
pub(crate) const EVERY_KIND: &str = "Everything";
pub(crate) const WHO: &str = "Who";
pub(crate) const WHO_EXPLAINED: &str =
    "Part of an address, or of an application's name or client id.";
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

/// In place of whoever has no name any more, and of whoever sits at the terminal.
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

/// What happened. `actor` did it, `person` is whose account it is about, `client` the application,
/// `about` what else there is.
pub(crate) const fn what(action: AuditAction) -> Template {
    Template::new(match action {
        AuditAction::SignedInWithPasskey => "{person} signed in with a passkey.",
        AuditAction::SignedInWithPassword => "{person} signed in with a password.",
        AuditAction::SignedInWithRecoveryCode => {
            "{person} signed in with a recovery code, which is used up."
        }
        AuditAction::SignInRefused => "Somebody tried to sign in as {person} and was refused.",
        AuditAction::SignedOut => "{person} signed out.",
        AuditAction::SessionEnded => "{person} signed out another browser, {about}.",
        AuditAction::OtherSessionsEnded => "{person} signed out everywhere else.",
        AuditAction::FirstAccountMade => "{person} made the first account.",
        AuditAction::SignedUp => "{person} made an account.",
        AuditAction::Enrolled => "{person} accepted an invitation.",
        AuditAction::AccountReset => "{person} chose a new way to sign in by a reset link.",
        AuditAction::PasskeyAdded => "{person} added the passkey {about}.",
        AuditAction::PasskeyRenamed => "{person} renamed a passkey to {about}.",
        AuditAction::PasskeyRemoved => "{person} removed the passkey {about}.",
        AuditAction::PasswordChanged => "{person} chose a password.",
        AuditAction::PasswordRemoved => "{person} removed their password.",
        AuditAction::RecoveryCodesMade => "{person} made recovery codes.",
        AuditAction::EmailChanged => "{person} changed their e-mail address from {about}.",
        AuditAction::Allowed => "{person} allowed {client} to use {about}.",
        AuditAction::AllowedAgain => {
            "{client} got for {person} what they had allowed before at {about}."
        }
        AuditAction::Denied => "{person} did not allow {client} to use {about}.",
        AuditAction::Disconnected => "{person} disconnected {client} from {about}.",
        AuditAction::AllDisconnected => "{person} disconnected every application.",
        AuditAction::GrantRevoked => "{client} ended its connection to {about} for {person}.",
        AuditAction::CodeReplayed => {
            "A code of {client} for {person} at {about} was used twice, which ended the connection."
        }
        AuditAction::RefreshTokenReplayed => {
            "An old refresh token of {client} for {person} at {about} was used again, which ended the connection."
        }
        AuditAction::AccountAdded => "{actor} added the account {person}, as {about}.",
        AuditAction::InvitedAgain => "{actor} invited {person} again, as {about}.",
        AuditAction::AccountPasswordSet => "{actor} set a password for {person}.",
        AuditAction::AccountDisabled => "{actor} disabled {person}.",
        AuditAction::AccountEnabled => "{actor} enabled {person}.",
        AuditAction::AccountRemoved => "{actor} removed {person}.",
        AuditAction::ResetLinkMade => "{actor} made a reset link for {person}.",
        AuditAction::LinkWithdrawn => "{actor} withdrew the one-time link to {person}.",
        AuditAction::AccountEmailSet => "{actor} gave {person} this address in place of {about}.",
        AuditAction::RoleChanged => "{actor} gave {person} the role {about}.",
        AuditAction::ClientAdded => "{actor} added the application {client}.",
        AuditAction::ClientChanged => "{actor} changed the application {client}: {about}.",
        AuditAction::ClientSecretMade => "{actor} made a new secret for the application {client}.",
        AuditAction::RedirectUriAdded => "{actor} added the redirect URI {about} to {client}.",
        AuditAction::ClientRemoved => "{actor} removed the application {client}.",
        AuditAction::ClientDisconnected => "{actor} ended every connection of {client}.",
        AuditAction::HostBlocked => "{actor} blocked the host {about}.",
        AuditAction::HostUnblocked => "{actor} let the host {about} in again.",
        AuditAction::KeyRevoked => "{actor} took the signing key {about} out.",
        AuditAction::KeyRotated => "{actor} made a new signing key, {about}.",
        AuditAction::IssuerAccepted => {
            "{actor} accepted the change of this server's address: {about}."
        }
        AuditAction::StoreRestored => "{actor} restored everything from a backup: {about}.",
        AuditAction::Unknown(_) => {
            "Something happened that this version of the server does not know: {about}."
        }
    })
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
                    .all(|slot| ["actor", "person", "client", "about"].contains(slot)),
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
