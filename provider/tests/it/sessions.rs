//! What a session is worth, and when it ends.

use std::time::Duration;

use provider::{AccountError, AuditAction, BrowserContext, BrowserUpdate, SessionView};

use testkit::direct::{ADA, BOB, Browser, DEVICE, PASSWORD, TestProvider, settled, with_passkey};

const A_SECOND: Duration = Duration::from_secs(1);

async fn sessions(server: &TestProvider, context: &BrowserContext) -> Vec<SessionView> {
    server
        .provider
        .sessions()
        .list(context)
        .await
        .expect("the store answers")
        .expect("signed in")
        .rows
}

#[tokio::test]
async fn a_session_ends_at_sign_out() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    assert!(server.user(&ada).await.is_some());
    let cleared = server
        .provider
        .sessions()
        .sign_out(&ada)
        .await
        .expect("signed out");
    assert!(
        matches!(cleared, BrowserUpdate::SessionEnded),
        "{cleared:?}"
    );
    assert!(
        server.user(&ada).await.is_none(),
        "the old cookie is worth nothing"
    );
    server
        .provider
        .sessions()
        .sign_out(&ada)
        .await
        .expect("twice is no fault");
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_up() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    server.pass_almost(server.provider.settings().lifetimes.session);
    assert!(server.user(&ada).await.is_some());
    server.pass(A_SECOND);
    assert!(server.user(&ada).await.is_none());
}

#[tokio::test]
async fn signing_in_again_replaces_the_session() {
    let server = TestProvider::new().await;
    let before = server.ada().await;
    let cookie = server
        .provider
        .sign_in()
        .sign_in_with_password(&before, ADA, PASSWORD)
        .await
        .expect("signed in");
    let after = server.holding(&cookie);
    assert!(server.user(&after).await.is_some());
    assert!(server.user(&before).await.is_none());
}

#[tokio::test]
async fn disabling_ends_sessions_for_good() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    assert!(server.user(&ada).await.is_none());
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ADA)
        .await
        .expect("enabled");
    assert!(server.user(&ada).await.is_none(), "what ended stays ended");
    server
        .provider
        .sign_in()
        .sign_in_with_password(&server.browser(), ADA, PASSWORD)
        .await
        .expect("signed in again");
}

#[tokio::test]
async fn removal_and_a_new_password_end_sessions() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    server
        .provider
        .terminal()
        .accounts()
        .set_account_password(ADA, "another good one")
        .await
        .expect("a new password");
    assert!(server.user(&ada).await.is_none());
    let cookie = server
        .provider
        .sign_in()
        .sign_in_with_password(&ada, ADA, "another good one")
        .await
        .expect("signed in");
    let ada = server.holding(&cookie);
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ADA)
        .await
        .expect("removed");
    assert!(server.user(&ada).await.is_none());
    assert!(
        server
            .provider
            .sessions()
            .account(&ada)
            .await
            .expect("the store answers")
            .is_none()
    );
}

#[tokio::test]
async fn any_number_of_sessions_ends_at_once() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let mut browsers = Vec::new();
    for _ in 0..9 {
        let cookie = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), ADA, PASSWORD)
            .await
            .expect("signed in");
        browsers.push(server.holding(&cookie));
    }
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    for browser in &browsers {
        assert!(server.user(browser).await.is_none());
    }
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_this_browser_first() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let mut desk = Browser::from(&server, 1);
    let mut phone = Browser::from(&server, 2);
    let mut lost = Browser::from(&server, 3);
    assert!(lost.signs_in(ADA, PASSWORD).await && phone.signs_in(ADA, PASSWORD).await);
    server.pass(Duration::from_mins(10));
    assert!(desk.signs_in(ADA, PASSWORD).await && server.user(&phone.context()).await.is_some());
    let began = server.provider.now().before(Duration::from_mins(10));
    let now = server.provider.now();
    let facts = |seen: Vec<SessionView>| -> Vec<_> {
        seen.into_iter()
            .map(|one| {
                (
                    one.device,
                    one.address,
                    one.created_at,
                    one.last_used_at,
                    one.is_this,
                )
            })
            .collect()
    };
    let fact = |last_byte, created_at, used_at, is_this| {
        (
            DEVICE.to_owned(),
            format!("192.0.2.{last_byte}"),
            created_at,
            used_at,
            is_this,
        )
    };
    let seen = facts(sessions(&server, &desk.context()).await);
    assert_eq!(
        seen,
        [
            fact(1, now, now, true),
            fact(2, began, now, false),
            fact(3, began, began, false)
        ]
    );
    // Within five minutes from the same place a use is not noted again; from another it is.
    server.pass_almost(Duration::from_mins(5));
    desk.address = [198, 51, 100, 1].into();
    assert!(
        server.user(&desk.context()).await.is_some()
            && server.user(&phone.context()).await.is_some()
    );
    let seen = sessions(&server, &phone.context()).await;
    let used = |number: usize| (seen[number].address.as_str(), seen[number].last_used_at);
    assert_eq!(
        (used(0), used(1)),
        (("192.0.2.2", now), ("198.51.100.1", server.provider.now()))
    );
    // What has ended is not shown.
    server
        .provider
        .sessions()
        .sign_out(&desk.context())
        .await
        .expect("signed out");
    assert_eq!(sessions(&server, &phone.context()).await.len(), 2);
    server.pass(
        server
            .provider
            .settings()
            .lifetimes
            .session
            .saturating_sub(Duration::from_mins(1)),
    );
    let phone = server.sign_in(ADA, PASSWORD).await;
    assert_eq!(sessions(&server, &phone).await.len(), 1);
}

#[tokio::test]
async fn ending_a_session_signs_that_browser_out_and_no_other() {
    let (server, mut passkey, ada) = with_passkey().await;
    let mut others = Vec::new();
    for number in 2..5 {
        let mut browser = Browser::from(&server, number);
        browser.keep_all(
            &passkey
                .signs_in(&server, &browser.context())
                .await
                .expect("signed in"),
        );
        others.push(browser);
    }
    server.pass(Duration::from_mins(6));
    let ended = sessions(&server, &ada)
        .await
        .into_iter()
        .find(|one| one.address == "192.0.2.3")
        .expect("it is listed");
    server
        .provider
        .sessions()
        .end_session(&ada, &ended.id)
        .await
        .expect("ended, however old the sign-in");
    assert_eq!(
        server
            .provider
            .sessions()
            .end_session(&ada, &ended.id)
            .await,
        Err(AccountError::Gone),
        "once"
    );
    let mut alive = Vec::new();
    for other in &others {
        alive.push(server.user(&other.context()).await.is_some());
    }
    assert_eq!(alive, [true, false, true]);
    assert!(server.user(&ada).await.is_some());
    assert_eq!(sessions(&server, &ada).await.len(), 3);
}

#[tokio::test]
async fn t_f50_nobody_sees_or_ends_a_session_of_another_or_reads_what_happened_to_them() {
    let server = TestProvider::new().await;
    let (_, ada) = settled(&server).await;
    let bob = server.bob().await;
    let hers = sessions(&server, &ada).await;
    let his = sessions(&server, &bob).await;
    assert_eq!((hers.len(), his.len()), (1, 1));
    for id in [
        hers[0].id.as_str(),
        "",
        "x",
        &"A".repeat(43),
        &format!("{}*", hers[0].id),
    ] {
        assert_eq!(
            server.provider.sessions().end_session(&bob, id).await,
            Err(AccountError::Gone),
            "{id}"
        );
    }
    server
        .provider
        .sessions()
        .end_other_sessions(&bob)
        .await
        .expect("ended, his own");
    assert!(server.user(&ada).await.is_some());
    let bob = server.sign_in(BOB, PASSWORD).await;
    let actions = async |context: &BrowserContext| {
        let events = server
            .provider
            .sessions()
            .activity(context)
            .await
            .expect("the store answers")
            .expect("signed in");
        events
            .into_iter()
            .map(|event| (event.action, event.subject.expect("somebody's").email))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        actions(&ada).await,
        [(AuditAction::FirstAccountMade, ADA.to_owned())]
    );
    assert!(
        actions(&bob)
            .await
            .iter()
            .all(|(_, subject)| subject == BOB)
    );
    let stranger = server.browser();
    assert_eq!(server.provider.sessions().list(&stranger).await, Ok(None));
    assert_eq!(
        server.provider.sessions().activity(&stranger).await,
        Ok(None)
    );
}

#[tokio::test]
async fn ending_all_other_sessions_keeps_this_browser_and_is_no_new_sign_in() {
    let (server, mut passkey, ada) = with_passkey().await;
    let other = server.holding(
        &passkey
            .signs_in(&server, &server.browser())
            .await
            .expect("signed in"),
    );
    let began = sessions(&server, &ada).await[0].created_at;
    server.pass(Duration::from_mins(5));
    let cookie = server
        .provider
        .sessions()
        .end_other_sessions(&ada)
        .await
        .expect("ended, however old the sign-in");
    let here = server.holding_update(&cookie);
    assert!(
        server.user(&other).await.is_none() && server.user(&ada).await.is_none(),
        "also under the old secret"
    );
    assert!(!server.account(&here).await.is_fresh);
    let user = server.user(&here).await.expect("signed in");
    assert_eq!(user.authenticated_at, began);
    let [only] = &sessions(&server, &here).await[..] else {
        panic!("one session")
    };
    assert_eq!((only.created_at, only.is_this), (began, true));
    // Nor does it last any longer, however often.
    let lifetime = server.provider.settings().lifetimes.session;
    server.pass(lifetime.saturating_sub(Duration::from_mins(6)));
    let cookie = server
        .provider
        .sessions()
        .end_other_sessions(&here)
        .await
        .expect("ended");
    assert!(
        matches!(
            cookie,
            BrowserUpdate::SessionBegun { lifetime, .. } if lifetime == Duration::from_mins(1)
        ),
        "{cookie:?}"
    );
    let here = server.holding_update(&cookie);
    server.pass_almost(Duration::from_mins(1));
    assert!(server.user(&here).await.is_some());
    server.pass(A_SECOND);
    assert!(server.user(&here).await.is_none());
}

#[tokio::test]
async fn recent_activity_is_short_and_forgets_with_the_trail() {
    let (server, mut passkey, mut ada) = with_passkey().await;
    for number in 0..60 {
        if number % 20 == 19 {
            server.pass(Duration::from_mins(5));
        }
        ada = server.holding(&passkey.signs_in(&server, &ada).await.expect("signed in"));
    }
    let events = server
        .provider
        .sessions()
        .activity(&ada)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!((events.len(), events[0].at), (50, server.provider.now()));
    assert!(events.is_sorted_by(|newer, older| newer.at >= older.at));
    server.pass(server.provider.settings().lifetimes.audit);
    let ada = server.holding(
        &passkey
            .signs_in(&server, &server.browser())
            .await
            .expect("signed in"),
    );
    let events = server
        .provider
        .sessions()
        .activity(&ada)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!(events.len(), 1);
}
