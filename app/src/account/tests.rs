//! What the sections say, and what they offer to which user.

use std::time::Duration;

use leptos::prelude::*;
use oauth::{Id, Timestamp};
use provider::{
    AccountName, AccountView, Actor, AuditAction, ClientName, ConnectedClient, Connection,
    Connections, Event, LastUseView, PasskeyView, RequestSource, Role, SessionView,
};

use crate::{
    account::{
        activity::RecentActivity,
        connections::ConnectedClients,
        messages::Done,
        page::{Credentials, Frame, Head},
        passkeys::Passkeys,
        password::Password,
        recovery::RecoveryCodes,
        sessions::Sessions,
    },
    messages::Message,
};

const NOW: Timestamp = Timestamp::from_seconds(1_795_442_700);

fn frame() -> Frame {
    Frame {
        form_token: "proof".to_owned(),
        now: NOW,
        has_passkeys: true,
    }
}

fn earlier(minutes: u64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() - minutes * 60)
}

/// The text of a view, with a space where a tag stood.
fn words<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let html = html(view).replace("<!>", "");
    let text: String = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
        .collect::<Vec<_>>()
        .join("");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    Owner::new().with(|| view().into_view().to_html())
}

fn passkey(name: &str) -> PasskeyView {
    PasskeyView {
        id: format!("id-{name}"),
        name: name.to_owned(),
        created_at: earlier(3 * 24 * 60),
        last_used_at: Some(earlier(5)),
    }
}

#[test]
fn what_was_done_is_shown_at_the_top() {
    let head = |message, done| {
        html(|| view! { <Head email="a@b".to_owned() role=Role::User message done/> })
    };
    let told = head(None, Some(Done::PasswordSaved));
    assert!(
        told.contains("role=\"status\"") && told.contains("signed out everywhere else"),
        "{told}"
    );
    assert!(!told.contains("role=\"alert\""), "{told}");
    assert!(!head(Some(Message::Gone), None).contains("role=\"status\""));
}

#[test]
fn an_older_sign_in_is_told_before_anything_is_typed() {
    let credentials = |is_fresh| {
        let account = AccountView {
            shortest_password: 8,
            email: "alice@example.com".to_owned(),
            name: None,
            role: Role::User,
            passkeys: Vec::new(),
            has_password: true,
            password_set_at: None,
            recovery_codes: None,
            is_fresh,
            by_code: false,
        };
        let section = html(
            || view! { <Credentials account message=None typed=String::new() frame=frame()/> },
        );
        section
            .split("<section")
            .next()
            .expect("what stands above")
            .to_owned()
    };
    let told = credentials(false);
    assert!(
        told.contains("please confirm it's you first")
            && told.contains("href=\"/confirm?then=account\""),
        "{told}"
    );
    assert!(!credentials(true).contains("/confirm"));
}

#[test]
fn the_last_way_to_sign_in_cannot_be_removed() {
    let passkeys = |count: usize, has_password| {
        let passkeys = ["Laptop", "Phone"]
            .iter()
            .take(count)
            .map(|name| passkey(name))
            .collect::<Vec<_>>();
        words(|| view! { <Passkeys passkeys has_password frame=frame()/> })
    };
    let alone = passkeys(1, false);
    assert!(
        alone.contains("Laptop · added 3 days ago · last used 5 minutes ago"),
        "{alone}"
    );
    assert!(
        alone.contains("your only way to sign in") && !alone.contains("Remove Laptop"),
        "{alone}"
    );
    for more in [passkeys(1, true), passkeys(2, false)] {
        assert!(
            more.contains("Remove Laptop") && !more.contains("your only way"),
            "{more}"
        );
    }
    assert!(passkeys(0, true).contains("No passkeys."));
}

#[test]
fn a_password_is_removed_only_where_a_passkey_is_left() {
    let password = |has_password, has_passkey, message| {
        let email = "alice@example.com".to_owned();
        let chosen_at = Some(earlier(60));
        html(
            || view! { <Password email has_password chosen_at has_passkey fewest=8 message frame=frame()/> },
        )
    };
    let both = password(true, true, None);
    assert!(
        both.contains("Change password")
            && both.contains("Remove password")
            && both.contains("Last changed"),
        "{both}"
    );
    assert!(!password(true, false, None).contains("Remove password"));
    let none = password(false, true, None);
    assert!(
        none.contains("Set a password")
            && !none.contains("Remove password")
            && !none.contains("Last changed"),
        "{none}"
    );
    // The box is open beside its message.
    assert!(!both.contains("<details open"), "{both}");
    let short = password(true, true, Some(Message::PasswordTooShort { minimum: 8 }));
    assert!(
        short.contains("<details open") && short.contains("at least 8 characters"),
        "{short}"
    );
    assert!(
        short.contains("aria-describedby=\"password-hint password-alert\""),
        "{short}"
    );
    assert!(
        both.contains("aria-describedby=\"password-hint\"")
            && both.contains("At least 8 characters."),
        "{both}"
    );
    assert!(!password(true, true, Some(Message::Gone)).contains("role=\"alert\""));
}

#[test]
fn recovery_codes_say_how_many_are_left() {
    let section =
        |codes| words(|| view! { <RecoveryCodes codes now=NOW form_token=String::new()/> });
    assert!(section(None).contains("No recovery codes."));
    let some = section(Some(provider::RemainingCodes {
        left: 7,
        made_at: earlier(120),
    }));
    assert!(
        some.contains("7 of 10 left · created 2 hours ago") && some.contains("stop working"),
        "{some}"
    );
}

#[test]
fn this_browser_is_marked_and_the_others_can_be_signed_out() {
    let session = |device: &str, is_this| SessionView {
        id: device.to_owned(),
        device: device.to_owned(),
        address: "192.0.2.1".to_owned(),
        created_at: earlier(90),
        last_used_at: earlier(2),
        is_this,
    };
    let sessions =
        |sessions: Vec<SessionView>| words(|| view! { <Sessions sessions frame=frame()/> });
    let both = sessions(vec![
        session("Chrome on Linux", true),
        session("Safari on iPhone", false),
    ]);
    assert!(both.contains("Chrome on Linux This browser · 192.0.2.1 · signed in 1 hour ago · last used 2 minutes ago"), "{both}");
    assert!(
        both.contains("Sign out Safari on iPhone") && !both.contains("Sign out Chrome"),
        "{both}"
    );
    assert!(both.contains("Sign out everywhere else"), "{both}");
    assert!(!sessions(vec![session("Chrome on Linux", true)]).contains("Sign out"));
}

fn connection(name: &str, host: Option<&str>) -> Connection {
    Connection {
        name: format!("connection-{name}"),
        client: ConnectedClient {
            name: name.to_owned(),
            host: host.map(str::to_owned),
            on_this_computer: host.is_none(),
            resource_name: "Notes".to_owned(),
        },
        scopes: vec!["See who you are and read your notes".to_owned()],
        since: earlier(90),
        times: 1,
        has_more_grants: false,
        last_used: Some(LastUseView {
            at: earlier(3),
            address: "2001:db8::1".to_owned(),
        }),
    }
}

#[test]
fn applications_are_grouped_by_host() {
    let section = |active| {
        let connections = Connections {
            active,
            replayed: Vec::new(),
            unreadable: 0,
            next: None,
        };
        words(
            || view! { <ConnectedClients connections after=String::new() access_lifetime=Duration::from_hours(1) frame=frame()/> },
        )
    };
    let web = Some("claude.ai");
    let told = section(vec![
        connection("Claude", web),
        connection("Claude Code", None),
        connection("Claude Desktop", web),
    ]);
    assert_eq!(
        (
            told.matches("claude.ai").count(),
            told.matches("On your computers").count()
        ),
        (1, 1),
        "{told}"
    );
    let said =
        "Claude can use Notes · allowed 1 hour ago · last used 3 minutes ago from 2001:db8::1";
    assert!(
        told.contains(said) && told.contains("Disconnect all"),
        "{told}"
    );
    let places = [
        "claude.ai",
        "Disconnect Claude Desktop",
        "On your computers",
        "Disconnect Claude Code",
    ];
    assert!(places.map(|place| told.find(place)).is_sorted(), "{told}");
    let none = section(Vec::new());
    assert!(
        none.contains("No connected applications.") && !none.contains("Disconnect"),
        "{none}"
    );
}

#[test]
fn a_second_step_is_heard_with_what_it_is_about() {
    let connections = || Connections {
        active: vec![connection("Claude", None)],
        replayed: Vec::new(),
        unreadable: 0,
        next: None,
    };
    let told = [
        html(
            || view! { <Passkeys passkeys=vec![passkey("Laptop")] has_password=true frame=frame()/> },
        ),
        html(
            || view! { <ConnectedClients connections=connections() after=String::new() access_lifetime=Duration::from_hours(1) frame=frame()/> },
        ),
    ];
    for (told, heard) in told.iter().zip(["Change Laptop", "Disconnect Claude"]) {
        let summary = told
            .split("<summary>")
            .nth(1)
            .and_then(|rest| rest.split("</summary>").next())
            .expect("a summary");
        assert!(summary.contains("class=\"unseen\""), "{summary}");
        let text: String = summary
            .split('<')
            .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
            .collect();
        assert_eq!(text.replace("<!>", ""), heard);
    }
}

fn event(action: AuditAction, by: Actor, about: Option<&str>) -> Event {
    let from = Some(RequestSource {
        address: "192.0.2.1".to_owned(),
        device: "Chrome on Linux".to_owned(),
    });
    let client = Some(ClientName {
        id: "c1".to_owned(),
        name: "Claude".to_owned(),
    });
    Event {
        at: earlier(4),
        action,
        by,
        subject: None,
        from,
        client,
        about: about.map(str::to_owned),
        times: None,
    }
}

#[test]
fn events_are_told_to_the_user() {
    let administrator = Actor::Administrator(AccountName {
        account: Id::new([1; 16]),
        email: "boss@example.com".to_owned(),
    });
    for (event, said) in [
        (
            event(AuditAction::SignedInWithPasskey, Actor::User, None),
            "You signed in with a passkey · Chrome on Linux · 192.0.2.1 · 4 minutes ago",
        ),
        (
            event(AuditAction::Allowed, Actor::User, Some("Notes")),
            "You allowed Claude to use Notes · Chrome on Linux",
        ),
        (
            event(
                AuditAction::PasskeyRemoved,
                Actor::User,
                Some("Phone\u{202e}"),
            ),
            "You removed the passkey Phone ·",
        ),
        (
            event(AuditAction::ResetLinkMade, administrator, None),
            "An administrator created a reset link for your account · 4",
        ),
        (
            event(AuditAction::AccountDisabled, Actor::Terminal, None),
            "An administrator disabled your account · 4 minutes ago",
        ),
    ] {
        let told = words(|| view! { <RecentActivity events=vec![event] now=NOW/> });
        assert!(told.contains(said), "{told}");
    }
    assert!(
        words(|| view! { <RecentActivity events=Vec::new() now=NOW/> })
            .contains("No activity yet.")
    );
}

#[test]
fn a_replay_asks_for_attention_and_says_what_to_do() {
    for (action, is_replay) in [
        (AuditAction::CodeReplayed, true),
        (AuditAction::RefreshTokenReplayed, true),
        (AuditAction::SignedOut, false),
    ] {
        let events = vec![event(action, Actor::Client, None)];
        let told = html(|| view! { <RecentActivity events now=NOW/> });
        let marked = told.contains("class=\"caution") && told.contains("Check the computer");
        assert_eq!(marked, is_replay, "{told}");
    }
}

#[test]
fn twenty_events_are_shown() {
    let events = vec![event(AuditAction::SignedOut, Actor::User, None); 30];
    assert_eq!(
        html(|| view! { <RecentActivity events now=NOW/> })
            .matches("<li")
            .count(),
        20
    );
}
