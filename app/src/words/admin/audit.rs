//! The audit trail, as an administrator reads it.

use provider::{Deed, Kind};

use crate::words::Template;

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
/// Where only a part of the trail was searched for a page.
pub(crate) const SEARCHED: Template = Template::new("Searched back to {when}.");
pub(crate) const SEARCH_ON: &str = "Continue the search";

/// In place of whoever has no name any more, and of whoever sits at the terminal.
pub(crate) const SOMEBODY: &str = "somebody";
pub(crate) const THE_TERMINAL: &str = "The terminal";
pub(crate) const SOMETHING: &str = "something";

/// The kinds there are to choose from.
pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::SignIns => "Signing in and out",
        Kind::Credentials => "Passkeys, passwords and codes",
        Kind::Consents => "What people allowed or denied",
        Kind::Grants => "Connections that were ended",
        Kind::Replays => "Codes and tokens used twice",
        Kind::Administration => "Administration",
        Kind::Unknown => "Of a newer version",
    }
}

/// What happened. `actor` did it, `person` is whose account it is about, `client` the application,
/// `about` what else there is.
pub(crate) const fn what(deed: Deed) -> Template {
    Template::new(match deed {
        Deed::SignedInWithPasskey => "{person} signed in with a passkey.",
        Deed::SignedInWithPassword => "{person} signed in with a password.",
        Deed::SignedInWithRecoveryCode => {
            "{person} signed in with a recovery code, which is used up."
        }
        Deed::SignInRefused => "Somebody tried to sign in as {person} and was refused.",
        Deed::SignedOut => "{person} signed out.",
        Deed::SessionEnded => "{person} signed out another browser, {about}.",
        Deed::OtherSessionsEnded => "{person} signed out everywhere else.",
        Deed::FirstAccountMade => "{person} made the first account.",
        Deed::SignedUp => "{person} made an account.",
        Deed::Enrolled => "{person} accepted an invitation.",
        Deed::AccountReset => "{person} chose a new way to sign in by a reset link.",
        Deed::PasskeyAdded => "{person} added the passkey {about}.",
        Deed::PasskeyRenamed => "{person} renamed a passkey to {about}.",
        Deed::PasskeyRemoved => "{person} removed the passkey {about}.",
        Deed::PasswordChanged => "{person} chose a password.",
        Deed::PasswordRemoved => "{person} removed their password.",
        Deed::RecoveryCodesMade => "{person} made recovery codes.",
        Deed::EmailChanged => "{person} changed their e-mail address from {about}.",
        Deed::Allowed => "{person} allowed {client} to use {about}.",
        Deed::AllowedAgain => "{client} got for {person} what they had allowed before at {about}.",
        Deed::Denied => "{person} did not allow {client} to use {about}.",
        Deed::Disconnected => "{person} disconnected {client} from {about}.",
        Deed::AllDisconnected => "{person} disconnected every application.",
        Deed::GrantRevoked => "{client} ended its connection to {about} for {person}.",
        Deed::CodeReplayed => {
            "A code of {client} for {person} at {about} was used twice, which ended the connection."
        }
        Deed::RefreshTokenReplayed => {
            "An old refresh token of {client} for {person} at {about} was used again, which ended the connection."
        }
        Deed::AccountAdded => "{actor} added the account {person}, as {about}.",
        Deed::InvitedAgain => "{actor} invited {person} again, as {about}.",
        Deed::AccountPasswordSet => "{actor} set a password for {person}.",
        Deed::AccountDisabled => "{actor} disabled {person}.",
        Deed::AccountEnabled => "{actor} enabled {person}.",
        Deed::AccountRemoved => "{actor} removed {person}.",
        Deed::ResetLinkMade => "{actor} made a reset link for {person}.",
        Deed::LinkWithdrawn => "{actor} withdrew the one-time link to {person}.",
        Deed::AccountEmailSet => "{actor} gave {person} this address in place of {about}.",
        Deed::RoleChanged => "{actor} gave {person} the role {about}.",
        Deed::ClientAdded => "{actor} added the application {client}.",
        Deed::ClientChanged => "{actor} changed the application {client}: {about}.",
        Deed::ClientSecretMade => "{actor} made a new secret for the application {client}.",
        Deed::RedirectUriAdded => "{actor} added the redirect URI {about} to {client}.",
        Deed::ClientRemoved => "{actor} removed the application {client}.",
        Deed::ClientDisconnected => "{actor} ended every connection of {client}.",
        Deed::HostBlocked => "{actor} blocked the host {about}.",
        Deed::HostUnblocked => "{actor} let the host {about} in again.",
        Deed::KeyRevoked => "{actor} took the signing key {about} out.",
        Deed::KeyRotated => "{actor} made a new signing key, {about}.",
        Deed::IssuerAccepted => "{actor} accepted the change of this server's address: {about}.",
        Deed::StoreRestored => "{actor} restored everything from a backup: {about}.",
        Deed::Unknown(_) => {
            "Something happened that this version of the server does not know: {about}."
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Piece;

    #[test]
    fn every_deed_is_a_sentence_with_slots_that_are_filled() {
        for deed in Deed::ALL {
            let pieces = what(deed).pieces();
            assert!(
                matches!(pieces.last(), Some(Piece::Words(words)) if words.ends_with('.')),
                "{deed:?}"
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
                "{deed:?}: {slots:?}"
            );
            // What administrators did names who of them did it.
            assert_eq!(
                slots.contains(&"actor"),
                deed.kind() == Kind::Administration,
                "{deed:?}"
            );
        }
    }
}
