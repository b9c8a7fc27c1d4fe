//! What happened to a user's account, told to them.

use provider::{Actor, AuditAction, Category, Event, Role};

use crate::messages::{Template, common, text_table};

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
    Template::new(if is_promotion(event) {
        "{who} made you an administrator"
    } else {
        sentence(event.action)
    })
}

text_table! {
    sentence(AuditAction) {
        SignedInWithPasskey: "You signed in with a passkey",
        SignedInWithPassword: "You signed in with a password",
        SignedInWithRecoveryCode: "You signed in with a recovery code",
        SignInRefused: "Somebody tried to sign in with a wrong password or recovery code",
        SignedOut: "You signed out",
        SessionEnded: "You signed out {about}",
        OtherSessionsEnded: "You signed out everywhere else",
        FirstAccountMade: "You made this account, the first of this server",
        SignedUp: "You made this account",
        Enrolled: "You set up this account",
        AccountReset: "You set a new way to sign in, by a link you were given",
        PasskeyAdded: "You added the passkey {about}",
        PasskeyRenamed: "You renamed a passkey to {about}",
        PasskeyRemoved: "You removed the passkey {about}",
        PasswordChanged: "You set a password",
        PasswordRemoved: "You removed the password",
        RecoveryCodesMade: "You made recovery codes",
        EmailChanged: "You changed your e-mail address from {about}",
        NameSet: "You chose the name {about}",
        NameRemoved: "You removed your name",
        Allowed: "You allowed {client} to use {about}",
        AllowedAgain: "{client} connected to {about} again, as you had allowed",
        Denied: "You did not allow {client} to use {about}",
        Disconnected: "You disconnected {client} from {about}",
        AllDisconnected: "You disconnected every application",
        GrantRevoked: "{client} ended its connection",
        CodeReplayed: "What {client} connects with was used twice, so its connection was ended",
        RefreshTokenReplayed:
            "An old copy of the key of {client} was used, so its connection was ended",
        Unknown(_): "Something happened that this version of the server does not know: {about}",
        AccountAdded: "{who} made this account",
        InvitedAgain: "{who} invited you again",
        AccountPasswordSet: "{who} set a password for this account",
        AccountDisabled: "{who} disabled this account",
        AccountEnabled: "{who} enabled this account again",
        AccountRemoved: "{who} removed this account",
        ResetLinkMade: "{who} made a link by which you set a new way to sign in",
        LinkWithdrawn: "{who} withdrew a link to this account",
        AccountEmailSet: "{who} changed your e-mail address from {about}",
        AccountNameSet: "{who} gave you the name {about}",
        AccountNameRemoved: "{who} removed your name",
        RoleChanged: "{who} took the administration of this server from you",
        ClientAdded
        | ClientChanged
        | ClientSecretMade
        | RedirectUriAdded
        | ClientRemoved
        | ClientDisconnected
        | HostBlocked
        | HostUnblocked
        | KeyRotated
        | KeyRevoked
        | IssuerAccepted
        | StoreRestored:
            "{who} changed something about this server",
    }
}

/// Whether the account became an administrator's by a change of its role.
fn is_promotion(event: &Event) -> bool {
    event.action == AuditAction::RoleChanged
        && event.about.as_deref().and_then(Role::parse) == Some(Role::Administrator)
}

/// Who did what a user does not do to their own account.
pub(crate) const fn who(actor: &Actor) -> &'static str {
    match actor {
        Actor::Administrator(_) => "An administrator",
        Actor::Terminal => "Whoever runs this server",
        Actor::User => "You",
        Actor::Client => "An application",
        Actor::Unknown(_) => "Somebody",
    }
}

/// In place of what an action was about, where that is no longer known.
pub(crate) const fn nameless(category: Category) -> &'static str {
    match category {
        Category::SignIns => "another browser",
        Category::Consents | Category::Grants => common::THIS_SERVER,
        Category::Credentials
        | Category::Replays
        | Category::Administration
        | Category::Unknown => "without a name",
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
            by: Actor::User,
            subject: None,
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
                action.category() == Category::Administration,
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
