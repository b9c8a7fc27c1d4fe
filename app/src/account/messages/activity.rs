//! The events of an account, for its user.

use provider::{Actor, AuditAction, Category, Event, Role};

use crate::messages::{Template, common, text_table};

pub(crate) const TITLE: &str = "Recent activity";
pub(crate) const NONE: &str =
    "No activity yet. Sign-ins and changes to your account will appear here.";

/// The number of events that share a row.
pub(crate) fn times(times: u64) -> String {
    format!("{times} times")
}

/// The event and the browser it came from.
pub(crate) const WITH_DEVICE: Template = Template::new("{action} · {device}");

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
        SignInRefused: "Someone tried to sign in with a wrong password or recovery code",
        SignedOut: "You signed out",
        SessionEnded: "You signed out {about}",
        OtherSessionsEnded: "You signed out everywhere else",
        FirstAccountMade: "You created this account, the first on this server",
        SignedUp: "You created this account",
        Enrolled: "You set up this account",
        AccountReset: "You reset your sign-in with a one-time link",
        PasskeyAdded: "You added the passkey {about}",
        PasskeyRenamed: "You renamed a passkey to {about}",
        PasskeyRemoved: "You removed the passkey {about}",
        PasswordChanged: "You set a new password",
        PasswordRemoved: "You removed your password",
        RecoveryCodesMade: "You created recovery codes",
        EmailChanged: "You changed your email address from {about}",
        NameSet: "You changed your name to {about}",
        NameRemoved: "You removed your name",
        Allowed: "You allowed {client} to use {about}",
        AllowedAgain: "{client} connected to {about} again, as you allowed before",
        Denied: "You denied {client} access to {about}",
        Disconnected: "You disconnected {client} from {about}",
        AllDisconnected: "You disconnected all applications",
        GrantRevoked: "{client} disconnected itself",
        CodeReplayed: "A one-time code for {client} was used twice, so we disconnected it",
        RefreshTokenReplayed:
            "A one-time key for {client} was used twice, so we disconnected it",
        Unknown(_): "Unknown event: {about}",
        AccountAdded: "{who} created this account",
        InvitedAgain: "{who} created a new invitation link for you",
        AccountPasswordSet: "{who} set a password for your account",
        AccountDisabled: "{who} disabled your account",
        AccountEnabled: "{who} enabled your account again",
        AccountRemoved: "{who} removed your account",
        ResetLinkMade: "{who} created a reset link for your account",
        LinkWithdrawn: "{who} canceled a one-time link to your account",
        AccountEmailSet: "{who} changed your email address from {about}",
        AccountNameSet: "{who} changed your name to {about}",
        AccountNameRemoved: "{who} removed your name",
        RoleChanged: "{who} removed your administrator role",
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
            "{who} changed the settings of this server",
    }
}

/// Whether a change of the role made the user an administrator.
fn is_promotion(event: &Event) -> bool {
    event.action == AuditAction::RoleChanged
        && event.about.as_deref().and_then(Role::parse) == Some(Role::Administrator)
}

/// Who did it, for actions that are not the user's own.
pub(crate) const fn who(actor: &Actor) -> &'static str {
    match actor {
        Actor::Administrator(_) | Actor::Terminal => "An administrator",
        Actor::User => "You",
        Actor::Client => "An application",
        Actor::Unknown(_) => "Someone",
    }
}

/// In place of the object of an action, where its name is not known.
pub(crate) const fn nameless(category: Category) -> &'static str {
    match category {
        Category::SignIns => "another browser",
        Category::Consents | Category::Grants => common::THIS_SERVER,
        Category::Credentials
        | Category::Replays
        | Category::Administration
        | Category::Unknown => "(unnamed)",
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
    fn the_sentence_names_the_new_role() {
        let told = |role: Role| {
            format!(
                "{:?}",
                action(&event(AuditAction::RoleChanged, Some(role.as_str())))
            )
        };
        assert!(told(Role::Administrator).contains("made you an administrator"));
        assert!(told(Role::User).contains("removed your administrator role"));
    }
}
