//! What happened to a person's account, told to them.

use provider::{Actor, Deed, Event, Role};

use super::Template;

pub(crate) const TITLE: &str = "Recent activity";
pub(crate) const NONE: &str =
    "Nothing yet. What happens to your account stands here, and from where it was done.";

/// How often, of events that are told together.
pub(crate) fn times(times: u64) -> String {
    format!("{times} times")
}

/// From which browser.
pub(crate) const FROM: Template = Template::new("{deed} from {device}");

/// What happened, with the slots `client`, `about` and `who` as far as it needs them.
pub(crate) fn deed(event: &Event) -> Template {
    Template::new(match event.deed {
        Deed::SignedInWithPasskey => "You signed in with a passkey",
        Deed::SignedInWithPassword => "You signed in with a password",
        Deed::SignedInWithRecoveryCode => "You signed in with a recovery code",
        Deed::SignInRefused => "Somebody tried to sign in with a wrong password or recovery code",
        Deed::SignedOut => "You signed out",
        Deed::SessionEnded => "You signed out {about}",
        Deed::OtherSessionsEnded => "You signed out everywhere else",
        Deed::FirstAccountMade => "You made this account, the first of this server",
        Deed::SignedUp => "You made this account",
        Deed::Enrolled => "You set up this account",
        Deed::AccountReset => "You set a new way to sign in, by a link you were given",
        Deed::PasskeyAdded => "You added the passkey {about}",
        Deed::PasskeyRenamed => "You renamed a passkey to {about}",
        Deed::PasskeyRemoved => "You removed the passkey {about}",
        Deed::PasswordChanged => "You set a password",
        Deed::PasswordRemoved => "You removed the password",
        Deed::RecoveryCodesMade => "You made recovery codes",
        Deed::EmailChanged => "You changed your e-mail address from {about}",
        Deed::Allowed => "You allowed {client} to use {about}",
        Deed::AllowedAgain => "{client} connected to {about} again, as you had allowed",
        Deed::Denied => "You did not allow {client} to use {about}",
        Deed::Disconnected => "You disconnected {client} from {about}",
        Deed::AllDisconnected => "You disconnected every application",
        Deed::GrantRevoked => "{client} ended its connection",
        Deed::CodeReplayed => {
            "What {client} connects with was used twice, so its connection was ended"
        }
        Deed::RefreshTokenReplayed => {
            "An old copy of the key of {client} was used, so its connection was ended"
        }
        Deed::Unknown(_) => {
            "Something happened that this version of the server does not know: {about}"
        }
        other => administration(other, event.about.as_deref()),
    })
}

/// What was done to the account by whoever runs the server.
fn administration(deed: Deed, about: Option<&str>) -> &'static str {
    match deed {
        Deed::AccountAdded => "{who} made this account",
        Deed::InvitedAgain => "{who} invited you again",
        Deed::AccountPasswordSet => "{who} set a password for this account",
        Deed::AccountDisabled => "{who} disabled this account",
        Deed::AccountEnabled => "{who} enabled this account again",
        Deed::AccountRemoved => "{who} removed this account",
        Deed::ResetLinkMade => "{who} made a link by which you set a new way to sign in",
        Deed::LinkWithdrawn => "{who} withdrew a link to this account",
        Deed::AccountEmailSet => "{who} changed your e-mail address from {about}",
        Deed::RoleChanged if about.and_then(Role::parse) == Some(Role::Administrator) => {
            "{who} made you an administrator"
        }
        Deed::RoleChanged => "{who} took the administration of this server from you",
        _ => "{who} changed something about this server",
    }
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

/// In place of what a deed was about, where that is not known any more.
pub(crate) const fn nameless(deed: Deed) -> &'static str {
    match deed {
        Deed::SessionEnded => "another browser",
        Deed::Allowed | Deed::AllowedAgain | Deed::Denied | Deed::Disconnected => {
            super::common::THIS_SERVER
        }
        _ => "without a name",
    }
}

#[cfg(test)]
mod tests {
    use oauth::Timestamp;

    use super::*;
    use crate::words::Piece;

    fn event(deed: Deed, about: Option<&str>) -> Event {
        let about = about.map(str::to_owned);
        Event {
            at: Timestamp::from_seconds(0),
            deed,
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
        for deed in Deed::ALL {
            let pieces = super::deed(&event(deed, None)).pieces();
            let known = |piece: &Piece| {
                matches!(
                    piece,
                    Piece::Words(_) | Piece::Slot("client" | "about" | "who")
                )
            };
            assert!(pieces.iter().all(known), "{deed:?}: {pieces:?}");
            let says_who = pieces.contains(&Piece::Slot("who"));
            assert_eq!(
                says_who,
                deed.kind() == provider::Kind::Administration,
                "{deed:?}"
            );
        }
    }

    #[test]
    fn another_role_is_told_for_what_it_is() {
        let told =
            |role: Role| format!("{:?}", deed(&event(Deed::RoleChanged, Some(role.as_str()))));
        assert!(told(Role::Administrator).contains("made you an administrator"));
        assert!(told(Role::Person).contains("took the administration"));
    }
}
