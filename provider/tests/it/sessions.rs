//! What a session is worth, and when it ends.

use std::time::Duration;

use provider::{AccountError, AuditAction, SessionView, Visitor};

use crate::{
    authenticator::{settled, with_passkey},
    browser::Browser,
    house::{ADA, BOB, DEVICE, House, PASSWORD},
};

const A_SECOND: Duration = Duration::from_secs(1);

async fn sessions(house: &House, visitor: &Visitor) -> Vec<SessionView> {
    house
        .provider
        .sessions(visitor)
        .await
        .expect("the store answers")
        .expect("signed in")
        .rows
}

#[tokio::test]
async fn a_session_ends_at_sign_out() {
    let house = House::new().await;
    let ada = house.ada().await;
    assert!(house.person(&ada).await.is_some());
    let cleared = house
        .provider
        .sign_out(&ada)
        .await
        .expect("signed out")
        .header_value();
    assert!(
        cleared.contains("=; ") && cleared.contains("Max-Age=0"),
        "{cleared}"
    );
    assert!(
        house.person(&ada).await.is_none(),
        "the old cookie is worth nothing"
    );
    house
        .provider
        .sign_out(&ada)
        .await
        .expect("twice is no fault");
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_up() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.pass_almost(house.provider.settings().lifetimes.session);
    assert!(house.person(&ada).await.is_some());
    house.pass(A_SECOND);
    assert!(house.person(&ada).await.is_none());
}

#[tokio::test]
async fn signing_in_again_replaces_the_session() {
    let house = House::new().await;
    let before = house.ada().await;
    let cookie = house
        .provider
        .sign_in_with_password(&before, ADA, PASSWORD)
        .await
        .expect("signed in");
    let after = house.holding(&cookie);
    assert!(house.person(&after).await.is_some());
    assert!(house.person(&before).await.is_none());
}

#[tokio::test]
async fn disabling_ends_sessions_for_good() {
    let house = House::new().await;
    let ada = house.ada().await;
    house
        .provider
        .terminal()
        .disable_account(ADA)
        .await
        .expect("disabled");
    assert!(house.person(&ada).await.is_none());
    house
        .provider
        .terminal()
        .enable_account(ADA)
        .await
        .expect("enabled");
    assert!(house.person(&ada).await.is_none(), "what ended stays ended");
    house
        .provider
        .sign_in_with_password(&house.browser(), ADA, PASSWORD)
        .await
        .expect("signed in anew");
}

#[tokio::test]
async fn removal_and_a_new_password_end_sessions() {
    let house = House::new().await;
    let ada = house.ada().await;
    house
        .provider
        .terminal()
        .set_account_password(ADA, "another good one")
        .await
        .expect("a new password");
    assert!(house.person(&ada).await.is_none());
    let cookie = house
        .provider
        .sign_in_with_password(&ada, ADA, "another good one")
        .await
        .expect("signed in");
    let ada = house.holding(&cookie);
    house
        .provider
        .terminal()
        .remove_account(ADA)
        .await
        .expect("removed");
    assert!(house.person(&ada).await.is_none());
    assert!(
        house
            .provider
            .account(&ada)
            .await
            .expect("the store answers")
            .is_none()
    );
}

#[tokio::test]
async fn any_number_of_sessions_ends_at_once() {
    let house = House::new().await;
    house.add(ADA).await;
    let mut browsers = Vec::new();
    for _ in 0..9 {
        let cookie = house
            .provider
            .sign_in_with_password(&house.browser(), ADA, PASSWORD)
            .await
            .expect("signed in");
        browsers.push(house.holding(&cookie));
    }
    house
        .provider
        .terminal()
        .disable_account(ADA)
        .await
        .expect("disabled");
    for browser in &browsers {
        assert!(house.person(browser).await.is_none());
    }
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_this_browser_first() {
    let house = House::new().await;
    house.add(ADA).await;
    let (mut desk, mut phone, mut lost) = (
        Browser::from(&house, 1),
        Browser::from(&house, 2),
        Browser::from(&house, 3),
    );
    assert!(lost.signs_in(ADA, PASSWORD).await && phone.signs_in(ADA, PASSWORD).await);
    house.pass(Duration::from_mins(10));
    assert!(desk.signs_in(ADA, PASSWORD).await && house.person(&phone.visits()).await.is_some());
    let (began, now) = (
        house.provider.now().before(Duration::from_mins(10)),
        house.provider.now(),
    );
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
    let seen = facts(sessions(&house, &desk.visits()).await);
    assert_eq!(
        seen,
        [
            fact(1, now, now, true),
            fact(2, began, now, false),
            fact(3, began, began, false)
        ]
    );
    // Within five minutes from the same place a use is not noted again; from another it is.
    house.pass_almost(Duration::from_mins(5));
    desk.address = [198, 51, 100, 1].into();
    assert!(
        house.person(&desk.visits()).await.is_some()
            && house.person(&phone.visits()).await.is_some()
    );
    let seen = sessions(&house, &phone.visits()).await;
    let used = |number: usize| (seen[number].address.as_str(), seen[number].last_used_at);
    assert_eq!(
        (used(0), used(1)),
        (("192.0.2.2", now), ("198.51.100.1", house.provider.now()))
    );
    // What has ended is not shown.
    house
        .provider
        .sign_out(&desk.visits())
        .await
        .expect("signed out");
    assert_eq!(sessions(&house, &phone.visits()).await.len(), 2);
    house.pass(
        house
            .provider
            .settings()
            .lifetimes
            .session
            .saturating_sub(Duration::from_mins(1)),
    );
    let phone = house.sign_in(ADA, PASSWORD).await;
    assert_eq!(sessions(&house, &phone).await.len(), 1);
}

#[tokio::test]
async fn ending_a_session_signs_that_browser_out_and_no_other() {
    let (house, mut passkey, ada) = with_passkey().await;
    let mut others = Vec::new();
    for number in 2..5 {
        let mut browser = Browser::from(&house, number);
        browser.keep_all(
            &passkey
                .signs_in(&house, &browser.visits())
                .await
                .expect("signed in"),
        );
        others.push(browser);
    }
    house.pass(Duration::from_mins(6));
    let ended = sessions(&house, &ada)
        .await
        .into_iter()
        .find(|one| one.address == "192.0.2.3")
        .expect("it is listed");
    house
        .provider
        .end_session(&ada, &ended.id)
        .await
        .expect("ended, however old the sign-in");
    assert_eq!(
        house.provider.end_session(&ada, &ended.id).await,
        Err(AccountError::Gone),
        "once"
    );
    let mut alive = Vec::new();
    for other in &others {
        alive.push(house.person(&other.visits()).await.is_some());
    }
    assert_eq!(alive, [true, false, true]);
    assert!(house.person(&ada).await.is_some());
    assert_eq!(sessions(&house, &ada).await.len(), 3);
}

#[tokio::test]
async fn f50_nobody_sees_or_ends_a_session_of_another_or_reads_what_happened_to_them() {
    let house = House::new().await;
    let (_, ada) = settled(&house).await;
    let bob = house.bob().await;
    let (hers, his) = (sessions(&house, &ada).await, sessions(&house, &bob).await);
    assert_eq!((hers.len(), his.len()), (1, 1));
    for id in [
        hers[0].id.as_str(),
        "",
        "x",
        &"A".repeat(43),
        &format!("{}*", hers[0].id),
    ] {
        assert_eq!(
            house.provider.end_session(&bob, id).await,
            Err(AccountError::Gone),
            "{id}"
        );
    }
    house
        .provider
        .end_other_sessions(&bob)
        .await
        .expect("ended, his own");
    assert!(house.person(&ada).await.is_some());
    let bob = house.sign_in(BOB, PASSWORD).await;
    let actions = async |visitor: &Visitor| {
        let events = house
            .provider
            .activity(visitor)
            .await
            .expect("the store answers")
            .expect("signed in");
        events
            .into_iter()
            .map(|event| (event.action, event.whose.expect("somebody's").email))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        actions(&ada).await,
        [(AuditAction::FirstAccountMade, ADA.to_owned())]
    );
    assert!(actions(&bob).await.iter().all(|(_, whose)| whose == BOB));
    let stranger = house.browser();
    assert_eq!(house.provider.sessions(&stranger).await, Ok(None));
    assert_eq!(house.provider.activity(&stranger).await, Ok(None));
}

#[tokio::test]
async fn ending_all_other_sessions_keeps_this_browser_and_is_no_new_sign_in() {
    let (house, mut passkey, ada) = with_passkey().await;
    let other = house.holding(
        &passkey
            .signs_in(&house, &house.browser())
            .await
            .expect("signed in"),
    );
    let began = sessions(&house, &ada).await[0].created_at;
    house.pass(Duration::from_mins(5));
    let cookie = house
        .provider
        .end_other_sessions(&ada)
        .await
        .expect("ended, however old the sign-in");
    let here = house.holding_cookie(&cookie);
    assert!(
        house.person(&other).await.is_none() && house.person(&ada).await.is_none(),
        "also under the old secret"
    );
    assert!(!house.account(&here).await.is_fresh);
    let person = house.person(&here).await.expect("signed in");
    assert_eq!(person.authenticated_at, began);
    let [only] = &sessions(&house, &here).await[..] else {
        panic!("one session")
    };
    assert_eq!((only.created_at, only.is_this), (began, true));
    // Nor does it last any longer, however often.
    let lifetime = house.provider.settings().lifetimes.session;
    house.pass(lifetime.saturating_sub(Duration::from_mins(6)));
    let cookie = house
        .provider
        .end_other_sessions(&here)
        .await
        .expect("ended");
    assert!(
        cookie.header_value().contains("Max-Age=60;"),
        "{}",
        cookie.header_value()
    );
    let here = house.holding_cookie(&cookie);
    house.pass_almost(Duration::from_mins(1));
    assert!(house.person(&here).await.is_some());
    house.pass(A_SECOND);
    assert!(house.person(&here).await.is_none());
}

#[tokio::test]
async fn recent_activity_is_short_and_forgets_with_the_trail() {
    let (house, mut passkey, mut ada) = with_passkey().await;
    for number in 0..60 {
        if number % 20 == 19 {
            house.pass(Duration::from_mins(5));
        }
        ada = house.holding(&passkey.signs_in(&house, &ada).await.expect("signed in"));
    }
    let events = house
        .provider
        .activity(&ada)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!((events.len(), events[0].at), (50, house.provider.now()));
    assert!(events.is_sorted_by(|newer, older| newer.at >= older.at));
    house.pass(house.provider.settings().lifetimes.audit);
    let ada = house.holding(
        &passkey
            .signs_in(&house, &house.browser())
            .await
            .expect("signed in"),
    );
    let events = house
        .provider
        .activity(&ada)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!(events.len(), 1);
}
