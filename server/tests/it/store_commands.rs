//! What a request costs the store: commands of Redis, and how often it waits for them. A path that
//! grows fails here.

use serde_json::json;
use testkit::{
    EngineKind, native_metadata,
    routed::{Browser, McpClient, TestServer, Tokens, register},
};

/// The commands and waits of some work, with what was left for after the response.
async fn cost<T>(server: &TestServer, work: impl Future<Output = T>) -> (Vec<String>, T) {
    let whole = async {
        let result = work.await;
        server.provider.finish_background_tasks().await;
        result
    };
    server.monitored(whole).await
}

fn assert_at_most(most: usize, what: &str, commands: &[String]) {
    assert!(
        commands.len() <= most,
        "{what} costs {} commands, at most {most} are allowed:\n{}",
        commands.len(),
        commands.join("\n")
    );
}

async fn at(server: &TestServer, uri: &str) -> McpClient {
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!([uri]);
    McpClient::registered(server, &metadata).await
}

/// With a remembered consent: one read of what is known beforehand, one of account and consent, one
/// write. The events of many clients are written together, after the responses.
#[tokio::test]
async fn a_silent_authorization_costs_ten_commands_in_three_round_trips() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    for _ in 0..20 {
        // A list of earlier grants costs nothing.
        assert!(browser.pass(&client).await.query.one("code").is_some());
    }
    server.provider.finish_background_tasks().await;
    for _ in 0..10 {
        let (commands, callback) = cost(&server, browser.pass(&client)).await;
        assert!(callback.query.one("code").is_some());
        assert_at_most(10, "a silent authorization", &commands);
    }
    let (waits, callback) = server.waits(browser.pass(&client)).await;
    assert!(callback.query.one("code").is_some());
    assert!(waits <= 3, "{waits} round trips");
}

#[tokio::test]
async fn an_exchange_and_a_refresh_cost_a_read_and_a_swap() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    let code = browser.pass(&client).await;
    server.provider.finish_background_tasks().await;
    let code = code.query.one("code").expect("a code").to_owned();
    let (commands, answer) = cost(&server, client.exchange(&code)).await;
    let tokens = Tokens::read(&answer);
    assert_at_most(2, "an exchange", &commands);
    let (commands, answer) = cost(&server, client.refresh(&tokens.refresh)).await;
    let tokens = Tokens::read(&answer);
    assert_at_most(2, "a refresh", &commands);
    let (waits, answer) = server.waits(client.refresh(&tokens.refresh)).await;
    answer.granted();
    assert_eq!(waits, 2);
}

#[tokio::test]
async fn a_registration_costs_few_commands_in_few_round_trips() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let address = "192.0.2.77".parse().expect("an address");
    let metadata = native_metadata();
    register(&server, address, &metadata).await;
    let (commands, answer) = cost(&server, register(&server, address, &metadata)).await;
    assert_eq!(answer.status, 201);
    assert_at_most(6, "a registration", &commands);
    let (waits, answer) = server.waits(register(&server, address, &metadata)).await;
    assert_eq!(answer.status, 201);
    assert!(waits <= 2, "{waits} round trips");
}

/// From the request of a client to its code, by a user who is not signed in: seven requests.
#[tokio::test]
async fn a_first_sign_in_with_consent_does_not_grow() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let mut warm = Browser::of_alice(&server).await;
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut warm).await;
    let client = at(&server, "https://other.example/callback").await;
    server.provider.finish_background_tasks().await;
    let mut browser = Browser::new(&server);
    let (commands, callback) = cost(&server, Box::pin(browser.decide(&client, "Allow"))).await;
    assert!(callback.query.one("code").is_some());
    assert_at_most(66, "a first sign-in with consent", &commands);
}
