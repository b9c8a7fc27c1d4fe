//! A user sees that an old token was used, and which connection ended because of it (R-O9, R-O14).

use serde_json::json;

use testkit::{
    EngineKind, native_metadata, on_both_engines,
    routed::{Browser, McpClient, TestServer},
};

on_both_engines!(
    r_o14_a_user_sees_a_replayed_refresh_token,
    r_o9_a_user_sees_a_code_that_was_redeemed_twice,
    a_connection_that_the_user_ended_is_no_replay,
    a_replay_is_shown_to_its_user_for_thirty_days,
);

const DAY: u64 = 24 * 3600;
const WHY: &str = "because a one-time key for it was used twice.";
const ADVICE: &str = "If this wasn't you, someone may have copied it.";

async fn r_o14_a_user_sees_a_replayed_refresh_token(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    for (redirect, who) in [
        (
            "https://app.example/callback",
            "Notebook ( app.example ) was using Notes . We disconnected it",
        ),
        (
            "http://127.0.0.1/cb",
            "Notebook on this computer was using Notes . We disconnected it",
        ),
    ] {
        let client = at(&server, redirect).await;
        let mut browser = Browser::of_alice(&server).await;
        let first = client.connect(&mut browser).await;
        client.refresh(&first.refresh).await.granted();
        assert!(!browser.open("/account").await.words().contains(WHY));
        server.pass(60);
        client
            .refresh(&first.refresh)
            .await
            .refused(400, "invalid_grant");
        server.pass(2 * 3600);
        let words = browser.open("/account").await.words();
        assert!(
            words.contains(&format!("{who} 2 hours ago {WHY}")) && words.contains(ADVICE),
            "{words}"
        );
        server.pass(30 * DAY);
    }
}

async fn r_o9_a_user_sees_a_code_that_was_redeemed_twice(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    client.exchange(&code).await.granted();
    client.exchange(&code).await.refused(400, "invalid_grant");
    let words = browser.open("/account").await.words();
    assert!(
        words.contains(&format!(
            "Notebook ( app.example ) was using Notes . We disconnected it just now {WHY}"
        )),
        "{words}"
    );
    // It may be connected again after consent; the notice stays.
    assert!(words.contains("No connected applications."), "{words}");
    let callback = browser.decide(&client, "Allow").await;
    client
        .exchange(callback.query.one("code").expect("a code"))
        .await
        .granted();
    let words = browser.open("/account").await.words();
    assert!(
        words.contains("app.example Notebook can use Notes") && words.contains(WHY),
        "{words}"
    );
}

async fn a_connection_that_the_user_ended_is_no_replay(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    browser.press("/account", "Disconnect Notebook").await;
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    assert!(!browser.open("/account").await.words().contains(WHY));
}

async fn a_replay_is_shown_to_its_user_for_thirty_days(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some("another quiet room"))
        .await
        .expect("Bob enrols");
    let client = at(&server, "https://app.example/callback").await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    client.exchange(&code).await.granted();
    client.exchange(&code).await.refused(400, "invalid_grant");
    let mut bob = Browser::new(&server);
    bob.sign_in("bob@example.com", "another quiet room").await;
    assert!(!bob.open("/account").await.words().contains(WHY));
    server.pass(30 * DAY - 1);
    assert!(
        Browser::of_alice(&server)
            .await
            .open("/account")
            .await
            .words()
            .contains(WHY)
    );
    server.pass(1);
    assert!(
        !Browser::of_alice(&server)
            .await
            .open("/account")
            .await
            .words()
            .contains(WHY)
    );
}

async fn at(server: &TestServer, redirect: &str) -> McpClient {
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!([redirect]);
    McpClient::registered(server, &metadata).await
}
