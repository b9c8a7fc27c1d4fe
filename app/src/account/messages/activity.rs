//! What happened to a person's account, told to them.

use provider::{Actor, AuditAction, Event, Role};

use crate::messages::Template;

pub(crate) const TITLE: &str = "Recent activity";
pub(crate) const NONE: &str =
    "Nothing yet. What happens to your account stands here, and from where it was done.";

/// How often, of events that are told together.
pub(crate) fn times(times: u64) -> String {
    format!("{times} times")
}

/// From which browser.
pub(crate) const FROM: Template = Template::new("{action} from {device}");

/// What happened, with the slots `client`, `about` and `who` as far as it needs them.
pub(crate) fn action(event: &Event) -> Template {
    Template::new(match event.action {
        AuditAction::SignedInWithPasskey => "You signed in with a passkey",
        AuditAction::SignedInWithPassword => "You signed in with a password",
        AuditAction::SignedInWithRecoveryCode => "You signed in with a recovery code",
        AuditAction::SignInRefused => {
            "Somebody tried to sign in with a wrong password or recovery code"
        }
        AuditAction::SignedOut => "You signed out",
        AuditAction::SessionEnded => "You signed out {about}",
        AuditAction::OtherSessionsEnded => "You signed out everywhere else",
        AuditAction::FirstAccountMade => "You made this account, the first of this server",
        AuditAction::SignedUp => "You made this account",
        AuditAction::Enrolled => "You set up this account",
        AuditAction::AccountReset => "You set a new way to sign in, by a link you were given",
        AuditAction::PasskeyAdded => "You added the passkey {about}",
        AuditAction::PasskeyRenamed => "You renamed a passkey to {about}",
        AuditAction::PasskeyRemoved => "You removed the passkey {about}",
        AuditAction::PasswordChanged => "You set a password",
        AuditAction::PasswordRemoved => "You removed the password",
        AuditAction::RecoveryCodesMade => "You made recovery codes",
        AuditAction::EmailChanged => "You changed your e-mail address from {about}",
        AuditAction::Allowed => "You allowed {client} to use {about}",
        AuditAction::AllowedAgain => "{client} connected to {about} again, as you had allowed",
        AuditAction::Denied => "You did not allow {client} to use {about}",
        AuditAction::Disconnected => "You disconnected {client} from {about}",
        AuditAction::AllDisconnected => "You disconnected every application",
        AuditAction::GrantRevoked => "{client} ended its connection",
        AuditAction::CodeReplayed => {
            "What {client} connects with was used twice, so its connection was ended"
        }
        AuditAction::RefreshTokenReplayed => {
            "An old copy of the key of {client} was used, so its connection was ended"
        }
        AuditAction::Unknown(_) => {
            "Something happened that this version of the server does not know: {about}"
        }
        AuditAction::AccountAdded => "{who} made this account",
        AuditAction::InvitedAgain => "{who} invited you again",
        AuditAction::AccountPasswordSet => "{who} set a password for this account",
        AuditAction::AccountDisabled => "{who} disabled this account",
        AuditAction::AccountEnabled => "{who} enabled this account again",
        AuditAction::AccountRemoved => "{who} removed this account",
        AuditAction::ResetLinkMade => "{who} made a link by which you set a new way to sign in",
        AuditAction::LinkWithdrawn => "{who} withdrew a link to this account",
        AuditAction::AccountEmailSet => "{who} changed your e-mail address from {about}",
        AuditAction::RoleChanged if is_promotion(event) => "{who} made you an administrator",
        AuditAction::RoleChanged => "{who} took the administration of this server from you",
        AuditAction::ClientAdded
        | AuditAction::ClientChanged
        | AuditAction::ClientSecretMade
        | AuditAction::RedirectUriAdded
        | AuditAction::ClientRemoved
        | AuditAction::ClientDisconnected
        | AuditAction::HostBlocked
        | AuditAction::HostUnblocked
        | AuditAction::KeyRotated
        | AuditAction::KeyRevoked
        | AuditAction::IssuerAccepted
        | AuditAction::StoreRestored => "{who} changed something about this server",
    })
}

/// Whether the account became an administrator's by a change of its role.
fn is_promotion(event: &Event) -> bool {
    event.about.as_deref().and_then(Role::parse) == Some(Role::Administrator)
}

/// Who did what a person does not do to their own account.
pub(crate) const fn who(actor: &Actor) -> &'static str {
    match actor {
        Actor::Administrator(_) => "An administrator",
        Actor::Terminal => "Whoever runs this server",
        Actor::Person => "You",
        Actor::Client => "An application",
        Actor::Unknown(_) => "Somebody",
    }
}

/// In place of what an action was about, where that is not known any more.
pub(crate) const fn nameless(action: AuditAction) -> &'static str {
    match action {
        AuditAction::SessionEnded => "another browser",
        AuditAction::Allowed
        | AuditAction::AllowedAgain
        | AuditAction::Denied
        | AuditAction::Disconnected => crate::messages::common::THIS_SERVER,
        _ => "without a name",
    }
}

#[cfg(test)]
mod tests {
    use oauth::Timestamp;

    use super::*;
    use crate::messages::Piece;

    fn event(action: AuditAction, about: Option<&str>) -> Event {
        let about = about.map(str::to_owned);
        Event {
            at: Timestamp::from_seconds(0),
            action,
            by: Actor::Person,
            whose: None,
            from: None,
            client: None,
            about,
            times: None,
        }
    }

    #[test]
    fn sentences_have_no_other_slots_than_are_filled() {
        for action in AuditAction::ALL {
            let pieces = super::action(&event(action, None)).pieces();
            let known = |piece: &Piece| {
                matches!(
                    piece,
                    Piece::Words(_) | Piece::Slot("client" | "about" | "who")
                )
            };
            assert!(pieces.iter().all(known), "{action:?}: {pieces:?}");
            let says_who = pieces.contains(&Piece::Slot("who"));
            assert_eq!(
                says_who,
                action.category() == provider::Category::Administration,
                "{action:?}"
            );
        }
    }

    #[test]
    fn another_role_is_told_for_what_it_is() {
        let told = |role: Role| {
            format!(
                "{:?}",
                action(&event(AuditAction::RoleChanged, Some(role.as_str())))
            )
        };
        assert!(told(Role::Administrator).contains("made you an administrator"));
        assert!(told(Role::User).contains("took the administration"));
    }
}
