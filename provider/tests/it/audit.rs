//! What the audit log says of each operation, and who sees it.

use oauth::Parameters;
use provider::{
    Actor, AuditAction, AuditFilter, Category, Decision, EnrolmentSource, Event, Role,
    SignUpPolicy, TokenError,
};
use testkit::{
    Fault, FaultPlan,
    direct::{
        ADA, ADDRESS, Authenticator, BOB, Browser, ISSUER, ON_THE_WEB, PASSWORD, TestClient,
        TestProvider, settled, with_passkey,
    },
};

/// An event on a line: what | who | whose account | from where | which client | about what.
fn line(event: &Event) -> String {
    let by = match &event.by {
        Actor::User => "person",
        Actor::Administrator(by) => &by.email,
        Actor::Terminal => "terminal",
        Actor::Client => "client",
        Actor::Unknown(_) => "unknown",
    };
    let subject = event.subject.as_ref().map_or("-", |subject| &subject.email);
    let from = event.from.as_ref().map_or("-".to_owned(), |from| {
        format!("{} {}", from.address, from.device)
    });
    let client = event.client.as_ref().map_or("-", |client| &client.name);
    [
        event.action.as_str(),
        by,
        subject,
        from.trim(),
        client,
        event.about.as_deref().unwrap_or("-"),
    ]
    .join(" | ")
}

pub(crate) async fn lines(server: &TestProvider) -> Vec<String> {
    server
        .audit_log()
        .await
        .iter()
        .map(|entry| line(&entry.event))
        .collect()
}

#[tokio::test]
async fn what_a_person_does_is_noted_with_from_where() {
    let (server, mut passkey, browser) = with_passkey().await;
    let provider = &server.provider;
    provider
        .credentials()
        .change_password(&browser, PASSWORD)
        .await
        .expect("changed");
    assert!(
        provider
            .sign_in()
            .sign_in_with_password(&server.browser_from(66), ADA, "a guess")
            .await
            .is_err()
    );
    assert!(
        provider
            .sign_in()
            .sign_in_with_password(&server.browser_from(66), "nobody@example.com", "a guess")
            .await
            .is_err()
    );
    let other = server.sign_in(ADA, PASSWORD).await;
    let mut browser = Browser::from(&server, 1);
    assert!(browser.signs_in(ADA, PASSWORD).await);
    let ada = browser.context();
    Authenticator::new(2)
        .is_added(&server, &ada)
        .await
        .expect("added");
    let passkeys = server.account(&ada).await.passkeys;
    provider
        .credentials()
        .rename_passkey(&ada, &passkeys[1].id, "The blue one")
        .await
        .expect("renamed");
    provider
        .credentials()
        .remove_passkey(&ada, &passkeys[1].id)
        .await
        .expect("removed");
    provider
        .credentials()
        .remove_password(&ada)
        .await
        .expect("removed");
    browser.keep(
        &provider
            .credentials()
            .make_recovery_codes(&ada)
            .await
            .expect("made"),
    );
    let (codes, _) = provider
        .credentials()
        .fresh_recovery_codes(&browser.context())
        .await
        .expect("the store answers")
        .expect("codes");
    assert!(
        provider
            .sign_in()
            .sign_in_with_recovery_code(&server.browser(), ADA, "0000")
            .await
            .is_err()
    );
    provider
        .sign_in()
        .sign_in_with_recovery_code(&server.browser(), ADA, &codes[0])
        .await
        .expect("signed in");
    passkey
        .signs_in(&server, &server.browser())
        .await
        .expect("signed in");
    let sessions = provider
        .sessions()
        .list(&ada)
        .await
        .expect("the store answers")
        .expect("signed in");
    provider
        .sessions()
        .end_session(&ada, &sessions[1].id)
        .await
        .expect("ended");
    provider
        .sessions()
        .sign_out(&other)
        .await
        .expect("signed out");
    provider
        .sessions()
        .end_other_sessions(&ada)
        .await
        .expect("ended");
    let from = "person | Ada@example.com | 192.0.2.1 Chrome on Linux | -";
    let expected = [
        format!("first_account_made | {from} | -"),
        format!("password_changed | {from} | -"),
        "sign_in_refused | person | Ada@example.com | 192.0.2.66 Chrome on Linux | - | -"
            .to_owned(),
        format!("signed_in_with_password | {from} | -"),
        format!("signed_in_with_password | {from} | -"),
        format!("passkey_added | {from} | Chrome on Linux"),
        format!("passkey_renamed | {from} | The blue one"),
        format!("passkey_removed | {from} | The blue one"),
        format!("password_removed | {from} | -"),
        format!("recovery_codes_made | {from} | -"),
        format!("sign_in_refused | {from} | -"),
        format!("signed_in_with_recovery_code | {from} | -"),
        format!("signed_in_with_passkey | {from} | Chrome on Linux"),
        format!("session_ended | {from} | Chrome on Linux"),
        format!("signed_out | {from} | -"),
        format!("other_sessions_ended | {from} | -"),
    ];
    assert_eq!(lines(&server).await, expected);
}

#[tokio::test]
async fn how_a_person_came_is_noted() {
    let server = TestProvider::set_up(|settings| settings.sign_up = SignUpPolicy::Open).await;
    let first = server.first_account_token().await;
    Authenticator::new(1)
        .comes_in(
            &server,
            &server.browser_from(2),
            EnrolmentSource::Link(&first),
            ADA,
        )
        .await
        .expect("accepted");
    Authenticator::new(2)
        .comes_in(
            &server,
            &server.browser_from(3),
            EnrolmentSource::SignUp,
            BOB,
        )
        .await
        .expect("signed up");
    let link = server.enrolment_token("c@example.com").await;
    Authenticator::new(3)
        .comes_in(
            &server,
            &server.browser_from(4),
            EnrolmentSource::Link(&link),
            "",
        )
        .await
        .expect("accepted");
    let link = server.reset_token(BOB).await;
    Authenticator::new(4)
        .comes_in(
            &server,
            &server.browser_from(5),
            EnrolmentSource::Link(&link),
            "",
        )
        .await
        .expect("accepted");
    let expected = [
        "first_account_made | person | Ada@example.com | 192.0.2.2 Chrome on Linux | - | -",
        "signed_up | person | bob@example.com | 192.0.2.3 Chrome on Linux | - | -",
        "account_added | terminal | c@example.com | - | - | person",
        "enrolled | person | c@example.com | 192.0.2.4 Chrome on Linux | - | -",
        "reset_link_made | terminal | bob@example.com | - | - | -",
        "account_reset | person | bob@example.com | 192.0.2.5 Chrome on Linux | - | -",
    ];
    assert_eq!(lines(&server).await, expected);
}

#[tokio::test]
async fn what_became_of_an_application_is_noted_with_its_name() {
    let (server, _, ada) = with_passkey().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    client.is_answered(&server, &ada, Decision::Deny).await;
    let tokens = client.connects(&server, &ada).await;
    assert!(
        client
            .asks(&server, &ada)
            .await
            .is_ok_and(|begun| matches!(begun, provider::AuthorizeOutcome::Issued(_)))
    );
    assert!(
        client.redeems(&server, &tokens.code).await.is_err(),
        "a code comes once"
    );
    let old = client.connects(&server, &ada).await.refresh;
    client.refreshes(&server, &old).await.expect("tokens");
    server.pass(server.provider.settings().lifetimes.refresh_replay_window);
    assert!(
        client.refreshes(&server, &old).await.is_err(),
        "an old one ends it all"
    );
    let refresh = client.connects(&server, &ada).await.refresh;
    let form = format!("token={refresh}&client_id={}", client.id);
    for _ in 0..2 {
        server
            .provider
            .token_endpoint()
            .revoke(&Parameters::parse(form.as_bytes()), None, ADDRESS)
            .await
            .expect("ended");
    }
    let connections = server
        .provider
        .connections()
        .page(&ada, None)
        .await
        .expect("the store answers")
        .expect("signed in");
    server
        .provider
        .connections()
        .disconnect(&ada, &connections.active[0].name)
        .await
        .expect("ended");
    client.connects(&server, &ada).await;
    for _ in 0..2 {
        server
            .provider
            .connections()
            .disconnect_all(&ada)
            .await
            .expect("ended, or nothing to end");
    }
    let by_user = "person | Ada@example.com | 192.0.2.1 Chrome on Linux | Claude";
    let program = "client | Ada@example.com | 198.51.100.7 | Claude";
    let expected = [
        "client_added | terminal | - | - | Claude | -".to_owned(),
        format!("denied | {by_user} | {ISSUER}/mcp"),
        format!("allowed | {by_user} | {ISSUER}/mcp"),
        format!(
            "allowed_again | client | Ada@example.com | 192.0.2.1 Chrome on Linux | Claude | {ISSUER}/mcp"
        ),
        format!("code_replayed | {program} | {ISSUER}/mcp"),
        format!("allowed | {by_user} | {ISSUER}/mcp"),
        format!("refresh_token_replayed | {program} | {ISSUER}/mcp"),
        format!("allowed | {by_user} | {ISSUER}/mcp"),
        format!("grant_revoked | {program} | {ISSUER}/mcp"),
        format!("disconnected | {by_user} | {ISSUER}/mcp"),
        format!("allowed | {by_user} | {ISSUER}/mcp"),
        "all_disconnected | person | Ada@example.com | 192.0.2.1 Chrome on Linux | - | -"
            .to_owned(),
    ];
    assert_eq!(lines(&server).await[1..], expected);
}

#[tokio::test]
async fn what_an_administrator_does_is_noted_under_their_name() {
    let (server, _, ada) = with_passkey().await;
    for (admin, who) in [
        (
            server.provider.administrator(&ada).await.expect("she is"),
            "Ada@example.com | {whose} | 192.0.2.1 Chrome on Linux",
        ),
        (server.provider.terminal(), "terminal | {whose} | -"),
    ] {
        let before = server.audit_log().await.len();
        admin
            .accounts()
            .invite(BOB, Some(Role::User))
            .await
            .expect("invited");
        admin
            .accounts()
            .invite(BOB, Some(Role::Administrator))
            .await
            .expect("a new link for the same, as something else");
        admin
            .accounts()
            .set_role(BOB, Role::User)
            .await
            .expect("changed");
        admin.accounts().reset_account(BOB).await.expect("a link");
        admin
            .accounts()
            .set_account_password(BOB, PASSWORD)
            .await
            .expect("a password");
        admin
            .accounts()
            .disable_account(BOB)
            .await
            .expect("disabled");
        admin.accounts().enable_account(BOB).await.expect("enabled");
        admin.accounts().remove_account(BOB).await.expect("removed");
        let added = admin
            .clients()
            .add_client("Batch", &[ON_THE_WEB.to_owned()], true)
            .await
            .expect("added");
        admin
            .clients()
            .remove_client(&added.client_id)
            .await
            .expect("removed");
        admin
            .clients()
            .block_host(" Evil.Example ")
            .await
            .expect("blocked");
        admin
            .clients()
            .block_host("evil.example")
            .await
            .expect("blocked already");
        admin
            .clients()
            .unblock_host("evil.example")
            .await
            .expect("let in again");
        let kid = admin.rotate_keys(false).await.expect("rotated")[0]
            .kid
            .clone();
        let expected = [
            ("account_added", BOB, "-", "person"),
            ("invited_again", BOB, "-", "administrator"),
            ("role_changed", BOB, "-", "person"),
            ("reset_link_made", BOB, "-", "-"),
            ("account_password_set", BOB, "-", "-"),
            ("account_disabled", BOB, "-", "-"),
            ("account_enabled", BOB, "-", "-"),
            ("account_removed", BOB, "-", "-"),
            ("client_added", "-", "Batch", "-"),
            ("client_removed", "-", "Batch", "-"),
            ("host_blocked", "-", "-", "evil.example"),
            ("host_unblocked", "-", "-", "evil.example"),
            ("key_rotated", "-", "-", &kid),
        ];
        let expected: Vec<_> = expected
            .map(|(action, subject, client, about)| {
                format!(
                    "{action} | {} | {client} | {about}",
                    who.replace("{whose}", subject)
                )
            })
            .into();
        assert_eq!(lines(&server).await[before..], expected);
    }
}

/// An operation that was refused, or changed nothing, leaves no event.
#[tokio::test]
async fn what_did_not_happen_is_not_noted() {
    let (server, _, ada) = with_passkey().await;
    let provider = &server.provider;
    let admin = server.provider.administrator(&ada).await.expect("she is");
    let passkey = server.account(&ada).await.passkeys[0].id.clone();
    assert!(
        provider
            .credentials()
            .remove_passkey(&ada, &passkey)
            .await
            .is_err()
    );
    assert!(provider.credentials().remove_password(&ada).await.is_err());
    assert!(
        provider
            .credentials()
            .rename_passkey(&ada, "x", "x")
            .await
            .is_err()
    );
    assert!(
        provider
            .credentials()
            .change_password(&ada, "short")
            .await
            .is_err()
    );
    assert!(provider.sessions().end_session(&ada, "x").await.is_err());
    provider
        .connections()
        .disconnect(&ada, &"A".repeat(43))
        .await
        .expect("nothing to do");
    for email in [ADA, "nobody@example.com", "x"] {
        assert!(
            admin.accounts().disable_account(email).await.is_err()
                && admin.accounts().remove_account(email).await.is_err()
        );
        assert!(admin.accounts().set_role(email, Role::User).await.is_err());
    }
    assert!(
        admin.clients().remove_client("vc_x").await.is_err()
            && admin.clients().unblock_host("x.example").await.is_err()
    );
    assert!(
        admin.clients().add_client("", &[], false).await.is_err()
            && admin.clients().block_host("no host").await.is_err()
    );
    assert_eq!(server.audit_log().await.len(), 1, "how she came");
}

#[tokio::test]
async fn events_are_found_by_kind_and_by_name_page_by_page() {
    let (server, _, ada) = with_passkey().await;
    for number in 0..150 {
        server
            .provider
            .terminal()
            .accounts()
            .invite(&format!("P{number}@example.com"), Some(Role::User))
            .await
            .expect("invited");
        server
            .provider
            .sessions()
            .sign_out(&server.browser())
            .await
            .expect("nobody was signed in");
    }
    TestClient::added(&server, "Claude Code", ON_THE_WEB)
        .await
        .connects(&server, &ada)
        .await;
    let admin = server.provider.administrator(&ada).await.expect("she is");
    admin
        .accounts()
        .reset_account("p7@example.com")
        .await
        .expect("a link");
    for (category, who, count) in [
        (None, None, 154),
        (None, Some(""), 154),
        (Some(Category::Administration), None, 152),
        (Some(Category::Credentials), None, 1),
        (Some(Category::Consents), None, 1),
        (Some(Category::Replays), None, 0),
        (None, Some("p14"), 11),
        (None, Some("p7@EXAMPLE"), 2),
        (None, Some("ada@"), 3),
        (None, Some("claude code"), 2),
        (Some(Category::Consents), Some("Claude"), 1),
        (Some(Category::Consents), Some("p7@example"), 0),
    ] {
        let filter = AuditFilter {
            category,
            who: who.map(str::to_owned),
            ..AuditFilter::default()
        };
        for limit in [1, 7, 64, 1000] {
            let mut numbers = Vec::new();
            let mut before = None;
            loop {
                let page = admin.audit(&filter, before, limit).await.expect("a page");
                assert!(page.events.len() <= limit);
                numbers.extend(page.events.iter().map(|entry| entry.number));
                before = page.before;
                if before.is_none() {
                    break;
                }
            }
            assert!(
                numbers.is_sorted_by(|newer, older| newer > older),
                "newest first, none twice"
            );
            assert_eq!(numbers.len(), count, "{category:?} {who:?} by {limit}");
            let exported = admin.audit_export(&filter, 0, 1000).await.expect("events");
            numbers.reverse();
            assert_eq!(
                exported
                    .iter()
                    .map(|entry| entry.number)
                    .collect::<Vec<_>>(),
                numbers
            );
        }
        let rest = admin.audit_export(&filter, 100, 3).await.expect("events");
        assert!(rest.len() <= 3 && rest.iter().all(|entry| entry.number > 100));
    }
}

/// Whichever step of an operation the store fails at: if the answer says that it was done, or that
/// a replay was seen, the event is recorded.
#[tokio::test]
async fn what_is_done_is_noted_whichever_step_fails() {
    for action in [
        AuditAction::Disconnected,
        AuditAction::GrantRevoked,
        AuditAction::RefreshTokenReplayed,
        AuditAction::OtherSessionsEnded,
        AuditAction::RoleChanged,
    ] {
        for fault in [Fault::NotDone, Fault::AnswerLost] {
            let mut step = 0;
            while is_noted_though_it_fails_at(step, fault, action).await {
                step += 1;
            }
            assert!(step > 2, "every step was tried");
        }
    }
}

/// Whether there was such a step.
async fn is_noted_though_it_fails_at(step: usize, fault: Fault, action: AuditAction) -> bool {
    let (store, plan) = FaultPlan::store().await;
    let server = TestProvider::over(store).await;
    let (_, ada) = settled(&server).await;
    let provider = &server.provider;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    let refresh = client.connects(&server, &ada).await.refresh;
    let revocation =
        Parameters::parse(format!("token={refresh}&client_id={}", client.id).as_bytes());
    let connections = provider
        .connections()
        .page(&ada, None)
        .await
        .expect("the store answers")
        .expect("signed in");
    provider
        .terminal()
        .accounts()
        .invite(BOB, Some(Role::User))
        .await
        .expect("invited");
    client.refreshes(&server, &refresh).await.expect("tokens");
    server.pass(provider.settings().lifetimes.refresh_replay_window);
    plan.fail(step..step + 1, fault);
    let is_done = match action {
        AuditAction::Disconnected => provider
            .connections()
            .disconnect(&ada, &connections.active[0].name)
            .await
            .is_ok(),
        AuditAction::GrantRevoked => provider
            .token_endpoint()
            .revoke(&revocation, None, ADDRESS)
            .await
            .is_ok(),
        AuditAction::OtherSessionsEnded => {
            provider.sessions().end_other_sessions(&ada).await.is_ok()
        }
        AuditAction::RoleChanged => provider
            .terminal()
            .accounts()
            .set_role(BOB, Role::Administrator)
            .await
            .is_ok(),
        _ => matches!(
            client.refreshes(&server, &refresh).await,
            Err(TokenError::Refused(_))
        ),
    };
    let failed = plan.mend();
    let noted = server
        .audit_log()
        .await
        .iter()
        .filter(|entry| entry.event.action == action)
        .count();
    assert!(noted == 1 || !is_done, "{action:?} step {step} {fault:?}");
    failed
}
