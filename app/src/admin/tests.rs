//! What the rows say, what they offer, and what a hostile name cannot make of them.

use std::time::Duration;

use leptos::prelude::*;
use oauth::{Id, Timestamp};
use provider::{
    AccountName, AccountSummary, Actor, Attempt as Attempted, AuditAction, ClientKind, ClientName,
    ClientStanding, ClientSummary, Event, FailedRequest, FailedStep, FailureKind, FailureView,
    RequestSource, RequestedParameters, RequestedText, Role, Settings,
};

use crate::{
    admin::{
        accounts, applications, audit, failures,
        flash::{Attempt, Fault, FlashMessage},
        parts::ResultMessage,
    },
    flash::{Flash, OneTimeSecret},
};

const NOW: Timestamp = Timestamp::from_seconds(1_795_442_700);
const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\u{200b}";

fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    Owner::new()
        .with(|| view().into_view().to_html())
        .replace("<!>", "")
}

/// The text of a view, without its tags.
fn words(html: &str) -> String {
    let text: String = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn asking(text: &str) -> RequestedParameters {
    let text = || RequestedText::of(text);
    RequestedParameters {
        redirect_uri: text(),
        resource: text(),
        scope: text(),
        client_name: text(),
    }
}

fn known() -> failures::page::Known {
    let issuer = oauth::Issuer::parse("https://auth.example").expect("an issuer");
    failures::page::Known::of(
        &Settings::new(issuer, crate::pages::link_pages()),
        NOW,
        "proof".to_owned(),
    )
}

fn account(email: &str) -> AccountSummary {
    AccountSummary {
        link_expires_at: None,
        id: Id::new([1; 16]),
        email: email.to_owned(),
        name: None,
        disabled: false,
        passkeys: 1,
        has_password: true,
        created_at: NOW,
        role: Role::User,
        last_sign_in_at: Some(NOW),
    }
}

fn account_row(account: AccountSummary, own: bool) -> String {
    html(|| view! { <accounts::page::Row account own now=NOW form_token="proof"/> })
}

#[test]
fn an_account_says_its_state_and_offers_what_fits_it() {
    let bob = || account("bob@example.com");
    let active = account_row(bob(), false);
    assert!(
        words(&active).contains(
            "bob@example.com · active · 1 passkey and a password · last signed in just now"
        ),
        "{active}"
    );
    for offered in [
        "Disable bob@example.com",
        "Create reset link",
        "Make administrator",
        "Remove bob@example.com",
    ] {
        assert!(words(&active).contains(offered), "{offered} in {active}");
    }
    let disabled = account_row(
        AccountSummary {
            disabled: true,
            role: Role::Administrator,
            ..bob()
        },
        false,
    );
    for offered in [
        "disabled",
        "Enable bob@example.com",
        "Remove administrator role",
        "Remove bob@example.com",
    ] {
        assert!(
            words(&disabled).contains(offered),
            "{offered} in {disabled}"
        );
    }
    assert!(
        !words(&disabled).contains("Create reset link"),
        "{disabled}"
    );
    let waiting = account_row(
        AccountSummary {
            passkeys: 0,
            has_password: false,
            last_sign_in_at: None,
            ..bob()
        },
        false,
    );
    assert!(
        words(&waiting).contains("invited, not set up yet · added just now"),
        "{waiting}"
    );
    assert!(
        words(&waiting).contains("Create new invitation link")
            && waiting.contains("/actions/invite"),
        "{waiting}"
    );
}

#[test]
fn nobody_can_lock_themselves_out() {
    let own = account_row(
        AccountSummary {
            role: Role::Administrator,
            ..account("alice@example.com")
        },
        true,
    );
    assert!(words(&own).contains("This is your own account"), "{own}");
    assert!(!own.contains("<form") && !own.contains("<button"), "{own}");
}

#[test]
fn t_d30_hostile_names_are_text_in_every_row() {
    let client = ClientSummary {
        client_id: HOSTILE.to_owned(),
        name: HOSTILE.to_owned(),
        redirect_uris: vec![HOSTILE.to_owned()],
        confidential: false,
        created_at: NOW,
        kind: ClientKind::Registered,
        hosts: vec![HOSTILE.to_owned()],
        last_used_at: None,
        blocked: false,
    };
    let viewed = applications::page::Viewed {
        blocked: Vec::new(),
        access_lifetime: Duration::from_hours(1),
        now: NOW,
        form_token: "proof".to_owned(),
    };
    let failure = FailedRequest {
        client_id: HOSTILE.to_owned(),
        client_name: None,
        step: FailedStep::Authorize,
        kind: FailureKind::UnknownClient,
        code: "invalid_client".to_owned(),
        description: HOSTILE.to_owned(),
        times: 2,
        first_at: NOW,
        last_at: NOW,
        last_from: HOSTILE.to_owned(),
        standing: ClientStanding::Added,
        attempts: vec![Attempted {
            asked: asking(HOSTILE),
            requests: vec!["00ff".to_owned()],
            times: 2,
            last_at: NOW,
        }],
    };
    let failed = |kind| {
        let failure = FailedRequest {
            kind,
            ..failure.clone()
        };
        let view = FailureView {
            failure,
            registered: vec![HOSTILE.to_owned()],
            addable: Vec::new(),
        };
        let known = known();
        html(|| view! { <failures::page::Row view known=&known/> })
    };
    let subject = AccountName {
        account: Id::new([1; 16]),
        email: HOSTILE.to_owned(),
    };
    let event = Event {
        at: NOW,
        action: AuditAction::Allowed,
        by: Actor::User,
        subject: Some(subject),
        from: Some(RequestSource {
            address: HOSTILE.to_owned(),
            device: HOSTILE.to_owned(),
        }),
        client: Some(ClientName {
            id: HOSTILE.to_owned(),
            name: HOSTILE.to_owned(),
        }),
        about: Some(HOSTILE.to_owned()),
        times: None,
    };
    for row in [
        account_row(account(HOSTILE), false),
        html(|| view! { <applications::page::Row client viewed/> }),
        failed(FailureKind::UnknownClient),
        failed(FailureKind::WrongRedirect),
        failed(FailureKind::UnknownScope),
        failed(FailureKind::UnknownResource),
        failed(FailureKind::BadRegistration),
        failed(FailureKind::KeptOut),
        html(|| view! { <audit::page::Row event now=NOW/> }),
    ] {
        assert!(!row.contains("<script"), "{row}");
        // A hidden field names exactly what the button is about; it is not shown.
        let read: String = row
            .split("<input")
            .map(|part| part.split_once('>').map_or(part, |(_, rest)| rest))
            .collect();
        let misleading = words(&read).contains(['\u{202e}', '\u{200b}']);
        assert!(!misleading, "{read:?}");
    }
}

#[test]
fn a_button_says_which_of_two_applications_of_one_name_it_is_about() {
    let client = |client_id: &str| ClientSummary {
        client_id: client_id.to_owned(),
        name: "Claude".to_owned(),
        redirect_uris: vec!["https://claude.ai/cb".to_owned()],
        confidential: true,
        created_at: NOW,
        kind: ClientKind::Added,
        hosts: vec!["claude.ai".to_owned(), "evil.example".to_owned()],
        last_used_at: Some(NOW),
        blocked: true,
    };
    let blocked = vec!["evil.example".to_owned()];
    let viewed = applications::page::Viewed {
        blocked,
        access_lifetime: Duration::from_hours(1),
        now: NOW,
        form_token: "proof".to_owned(),
    };
    let row = html(|| view! { <applications::page::Row client=client("c1") viewed/> });
    assert!(row.contains("aria-label=\"Remove Claude (c1)\""), "{row}");
    assert!(
        words(&row).contains(
            "Claude at claude.ai, evil.example Blocked · added manually just now · last used just now"
        ),
        "{row}"
    );
    assert!(
        words(&row).contains("Block claude.ai") && !words(&row).contains("Block evil.example"),
        "{row}"
    );
}

#[test]
fn a_wrong_redirect_stands_beside_those_that_are_registered_and_can_be_added() {
    let asked = "https://agent.example/Callback";
    let failure = FailedRequest {
        client_id: "c1".to_owned(),
        client_name: Some("Agent".to_owned()),
        step: FailedStep::Authorize,
        kind: FailureKind::WrongRedirect,
        code: "invalid_request".to_owned(),
        description: "the redirect URI is not registered for this client".to_owned(),
        times: 1,
        first_at: NOW,
        last_at: NOW,
        last_from: "192.0.2.1".to_owned(),
        standing: ClientStanding::Added,
        attempts: vec![Attempted {
            asked: asking(asked),
            requests: vec!["00ff".to_owned()],
            times: 1,
            last_at: NOW,
        }],
    };
    let registered = vec!["https://agent.example/callback".to_owned()];
    let view = |addable: &[&str]| FailureView {
        failure: failure.clone(),
        registered: registered.clone(),
        addable: addable.iter().map(|uri| (*uri).to_owned()).collect(),
    };
    let known = known();
    let row = html(|| view! { <failures::page::Row view=view(&[asked]) known=&known/> });
    assert!(
        row.contains("https://agent.example/<mark>C</mark>allback"),
        "{row}"
    );
    assert!(
        row.contains("<dt>Registered</dt><dd><bdi>https://agent.example/callback</bdi>"),
        "{row}"
    );
    assert!(
        words(&row).contains(&format!("Add {asked}"))
            && row.contains(&format!("name=\"redirect_uri\" value=\"{asked}\"")),
        "{row}"
    );
    assert!(
        row.contains("<dt>Request IDs, latest first</dt><dd><bdi>00ff</bdi>"),
        "{row}"
    );
    let row = html(|| view! { <failures::page::Row view=view(&[]) known=&known/> });
    assert!(!row.contains("<form"), "{row}");
}

#[test]
fn an_event_names_who_did_it() {
    let named = |email: &str| AccountName {
        account: Id::new([1; 16]),
        email: email.to_owned(),
    };
    let event = |by| Event {
        at: NOW,
        action: AuditAction::RoleChanged,
        by,
        subject: Some(named("bob@example.com")),
        from: Some(RequestSource {
            address: "192.0.2.1".to_owned(),
            device: "Chrome on Linux".to_owned(),
        }),
        client: None,
        about: Some("administrator".to_owned()),
        times: None,
    };
    for (by, sentence) in [
        (
            Actor::Administrator(named("alice@example.com")),
            "alice@example.com changed the role of bob@example.com to administrator.",
        ),
        (
            Actor::Terminal,
            "The command line changed the role of bob@example.com to administrator.",
        ),
    ] {
        let row = words(&html(
            || view! { <audit::page::Row event=event(by) now=NOW/> },
        ));
        assert_eq!(
            row,
            format!("{sentence}just now · 192.0.2.1 · Chrome on Linux")
        );
    }
    let many = Event {
        times: Some(25),
        ..event(Actor::Terminal)
    };
    let row = words(&html(|| view! { <audit::page::Row event=many now=NOW/> }));
    assert!(row.ends_with("Chrome on Linux · 25 times"), "{row}");
}

#[test]
fn what_was_made_stands_in_a_box_to_be_copied() {
    let shown = |message, secret: Option<&str>| {
        let secret = secret.map(|secret| OneTimeSecret(secret.to_owned()));
        let flash = Some(Flash {
            message,
            email: String::new(),
            secret,
        });
        html(|| view! { <ResultMessage flash lifetime=Duration::from_hours(24)/> })
    };
    let invited = shown(
        FlashMessage::LinkMade {
            outcome: accounts::messages::invited("bob@example.com"),
            email: "bob@example.com".to_owned(),
        },
        Some("https://auth.example/enroll/x"),
    );
    assert!(
        invited.contains("One-time link")
            && invited.contains("value=\"https://auth.example/enroll/x\""),
        "{invited}"
    );
    assert!(
        words(&invited).contains("expires within 24 hours"),
        "{invited}"
    );
    let added = shown(
        FlashMessage::ClientAdded {
            outcome: applications::messages::CLIENT_ADDED.to_owned(),
            client_id: "c1".to_owned(),
        },
        Some("vcs_x"),
    );
    for part in [
        "Client ID",
        "value=\"c1\"",
        "Client secret",
        "value=\"vcs_x\"",
    ] {
        assert!(added.contains(part), "{part} in {added}");
    }
    assert!(
        !shown(
            FlashMessage::ClientAdded {
                outcome: applications::messages::CLIENT_ADDED.to_owned(),
                client_id: "c1".to_owned()
            },
            None
        )
        .contains("Client secret")
    );
    // The error of a form is shown beside that form alone.
    let refused = |attempt| {
        shown(
            FlashMessage::Refused {
                attempt,
                why: Fault::Own,
            },
            None,
        )
    };
    assert!(refused(Attempt::Button).contains("role=\"alert\""));
    assert!(!refused(Attempt::invite("bob", "person")).contains("role=\"alert\""));
}
