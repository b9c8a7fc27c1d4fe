//! What a session is worth, and when it ends.

use std::time::Duration;

use crate::house::{ADA, House, PASSWORD};

#[tokio::test]
async fn a_session_ends_at_sign_out() {
    let house = House::new().await;
    let ada = house.ada().await;
    assert!(house.person(&ada).await.is_some());
    let cleared = house.provider.sign_out(&ada).await.expect("signed out").header_value();
    assert!(cleared.contains("=; ") && cleared.contains("Max-Age=0"), "{cleared}");
    assert!(house.person(&ada).await.is_none(), "the old cookie is worth nothing");
    house.provider.sign_out(&ada).await.expect("twice is no fault");
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_up() {
    let house = House::new().await;
    let ada = house.ada().await;
    let lifetime = house.provider.settings().lifetimes.session;
    let moment = Duration::from_secs(1);
    house.pass(lifetime.saturating_sub(moment));
    assert!(house.person(&ada).await.is_some());
    house.pass(moment);
    assert!(house.person(&ada).await.is_none());
}

#[tokio::test]
async fn signing_in_again_replaces_the_session() {
    let house = House::new().await;
    let before = house.ada().await;
    let cookie = house.provider.sign_in_with_password(&before, ADA, PASSWORD).await.expect("signed in");
    let after = house.holding(&cookie);
    assert!(house.person(&after).await.is_some());
    assert!(house.person(&before).await.is_none());
}

#[tokio::test]
async fn disabling_ends_sessions_for_good() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.provider.disable_account(ADA).await.expect("disabled");
    assert!(house.person(&ada).await.is_none());
    house.provider.enable_account(ADA).await.expect("enabled");
    assert!(house.person(&ada).await.is_none(), "what ended stays ended");
    house.provider.sign_in_with_password(&house.browser(), ADA, PASSWORD).await.expect("signed in anew");
}

#[tokio::test]
async fn removal_and_a_new_password_end_sessions() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.provider.add_account(ADA, Some("another good one")).await.expect("a new password");
    assert!(house.person(&ada).await.is_none());
    let cookie = house.provider.sign_in_with_password(&ada, ADA, "another good one").await.expect("signed in");
    let ada = house.holding(&cookie);
    house.provider.remove_account(ADA).await.expect("removed");
    assert!(house.person(&ada).await.is_none());
    assert!(house.provider.account(&ada).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn any_number_of_sessions_ends_at_once() {
    let house = House::new().await;
    house.add(ADA).await;
    let mut browsers = Vec::new();
    for _ in 0..9 {
        let cookie = house.provider.sign_in_with_password(&house.browser(), ADA, PASSWORD).await.expect("signed in");
        browsers.push(house.holding(&cookie));
    }
    house.provider.disable_account(ADA).await.expect("disabled");
    for browser in &browsers {
        assert!(house.person(browser).await.is_none());
    }
}
