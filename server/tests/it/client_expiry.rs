//! Expiry of clients: unused ones, those not used for long, and those that the settings no longer
//! allow (T-E38). Their answer makes a client register again (requirements 5.1, 7.2).

use http::{Method, header};
use oauth::redirect::PrivateSchemes;
use serde_json::json;
use testkit::{
    EngineKind, native_metadata, on_both_engines, race,
    routed::{Browser, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    an_unused_client_expires_after_7_days,
    a_used_client_expires_180_days_after_its_last_use,
    a_client_does_not_expire_before_its_refresh_token,
    an_added_client_never_expires,
    the_last_use_is_stored_once_a_day,
    a_failure_to_store_the_last_use_is_ignored,
    concurrent_refreshes_succeed_while_the_last_use_is_stored,
    requirement_7_2_an_expired_client_gets_a_page_or_invalid_client,
    t_e38_a_stricter_policy_ends_clients_that_registered_before_it,
    t_e38_a_stricter_policy_ends_pending_requests_and_grants,
);

const DAY: u64 = 24 * 3600;

async fn an_unused_client_expires_after_7_days(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    server.pass(7 * DAY - 1);
    Browser::new(&server)
        .get(&client.authorize_path())
        .await
        .destination();
    // An authorization request is no use: a user has to allow it.
    server.pass(1);
    expect_expired(&server, &client).await;
}

async fn a_used_client_expires_180_days_after_its_last_use(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.pass(80 * DAY);
    Tokens::read(&client.refresh(&tokens.refresh).await);
    server.pass(180 * DAY - 1);
    Browser::new(&server)
        .get(&client.authorize_path())
        .await
        .destination();
    server.pass(1);
    expect_expired(&server, &client).await;
}

async fn a_client_does_not_expire_before_its_refresh_token(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.lifetimes.refresh_token = std::time::Duration::from_secs(365 * DAY);
    })
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    server.pass(365 * DAY - 1);
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn an_added_client_never_expires(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let uri = "https://agent.example/cb";
    let added = server
        .provider
        .terminal()
        .clients()
        .add_client("Agent", &[uri.to_owned()], true)
        .await
        .expect("added");
    server.pass(3650 * DAY);
    let client = McpClient::known(&server, &added.client_id, added.client_secret, uri);
    client.connect(&mut Browser::of_alice(&server).await).await;
}

async fn the_last_use_is_stored_once_a_day(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let (calls, answer) = server.counting(client.refresh(&tokens.refresh)).await;
    let tokens = Tokens::read(&answer);
    assert_eq!(calls, 2, "the consent of today has noted it");
    server.pass(DAY);
    let (calls, answer) = server.counting(client.refresh(&tokens.refresh)).await;
    let tokens = Tokens::read(&answer);
    assert_eq!(
        calls, 6,
        "once: its record, and three calls for its place by last use"
    );
    server.pass(DAY - 1);
    assert_eq!(
        server.counting(client.refresh(&tokens.refresh)).await.0,
        2,
        "not again on the same day"
    );
    // A refused request is no use.
    server.pass(DAY);
    let (calls, refused) = server.counting(client.refresh("vrt_x")).await;
    refused.refused(400, "invalid_grant");
    assert_eq!(
        calls, 4,
        "one read of the client, one of its name, and two calls for the failure record"
    );
}

async fn a_failure_to_store_the_last_use_is_ignored(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.pass(DAY - 10);
    let next = Tokens::read(&client.refresh(&tokens.refresh).await);
    // Inside the replay window the refresh itself writes nothing, and the day is over.
    server.pass(10);
    server.switch.break_writes();
    let (calls, again) = server.counting(client.refresh(&tokens.refresh)).await;
    server.switch.mend();
    assert_eq!((calls, Tokens::read(&again).refresh), (6, next.refresh));
}

async fn concurrent_refreshes_succeed_while_the_last_use_is_stored(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.pass(DAY);
    let servers = [server.clone(), server.twin().await];
    let answers = race(16, |number| {
        let client = client.at(&servers[number % 2]);
        let token = tokens.refresh.clone();
        async move { client.refresh(&token).await }
    })
    .await;
    let answers: Vec<_> = answers.iter().map(Tokens::read).collect();
    assert!(
        answers
            .iter()
            .all(|tokens| tokens.refresh == answers[0].refresh)
    );
}

async fn requirement_7_2_an_expired_client_gets_a_page_or_invalid_client(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    server.pass(7 * DAY);
    // A user gets a page with instructions, without a redirect.
    let words = Browser::new(&server)
        .get(&client.authorize_path())
        .await
        .problem(400)
        .words();
    assert!(
        words.contains("isn't registered with this server")
            && words.contains("Remove this server in the application, add it again"),
        "{words}"
    );
    // A program gets the error code (requirements 7.2).
    let program =
        request(Method::GET, &client.authorize_path()).header(header::ACCEPT, "application/json");
    server
        .send(program.body("".into()).expect("a request"))
        .await
        .refused(400, "invalid_client");
    // It registers again.
    McpClient::native(&server)
        .await
        .connect(&mut Browser::of_alice(&server).await)
        .await;
}

async fn t_e38_a_stricter_policy_ends_clients_that_registered_before_it(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut cursor = native_metadata();
    cursor["redirect_uris"] = json!([
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "http://localhost:8787/callback"
    ]);
    let mut dotted = native_metadata();
    dotted["redirect_uris"] = json!(["com.example.app:/oauth"]);
    let cursor = McpClient::registered(&server, &cursor).await;
    let dotted = McpClient::registered(&server, &dotted).await;
    let added = server
        .provider
        .terminal()
        .clients()
        .add_client("Old", &["zed://cb".to_owned()], false)
        .await
        .expect("added");
    let added = McpClient::known(&server, &added.client_id, None, "zed://cb");
    let mut browser = Browser::of_alice(&server).await;
    let tokens = cursor.connect(&mut browser).await;
    let strict = strict(&server).await;
    for client in [&cursor, &added] {
        expect_expired(&strict, &client.at(&strict)).await;
    }
    let at_loopback =
        cursor.asking(|query| query.set("redirect_uri", "http://localhost:8787/callback"));
    Browser::new(&strict)
        .get(&at_loopback.authorize_path())
        .await
        .problem(400);
    let cursor = cursor.at(&strict);
    cursor
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");
    cursor
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
    // Other clients still work, and this one too under the old policy.
    Browser::new(&strict)
        .get(&dotted.authorize_path())
        .await
        .destination();
    McpClient::native(&strict)
        .await
        .connect(&mut Browser::of_alice(&strict).await)
        .await;
    Tokens::read(&cursor.at(&server).refresh(&tokens.refresh).await);
}

async fn t_e38_a_stricter_policy_ends_pending_requests_and_grants(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut cursor = native_metadata();
    cursor["redirect_uris"] = json!(["cursor://anysphere.cursor-mcp/oauth/callback"]);
    let cursor = McpClient::registered(&server, &cursor).await;
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&cursor).await;
    let form = browser.consent_page(&cursor).await.form("Allow");
    let strict = strict(&server).await;
    cursor
        .at(&strict)
        .exchange(&code)
        .await
        .refused(401, "invalid_client");
    let answer = browser.at(&strict).submit(&form, "Allow").await;
    assert!(!redirects_to_cursor(&answer), "{answer:?}");
}

/// The same server without private-use schemes.
async fn strict(server: &TestServer) -> TestServer {
    server
        .twin_with(|settings| settings.private_schemes = PrivateSchemes::read([]).expect("none"))
        .await
}

fn redirects_to_cursor(answer: &TestResponse) -> bool {
    answer
        .header(header::LOCATION)
        .is_some_and(|to| to.starts_with("cursor:"))
}

/// Expects an error page for the user, and `invalid_client` at the token endpoint.
async fn expect_expired(server: &TestServer, client: &McpClient) {
    Browser::new(server)
        .get(&client.authorize_path())
        .await
        .problem(400);
    client
        .exchange("vac_x")
        .await
        .refused(401, "invalid_client");
    client.refresh("vrt_x").await.refused(401, "invalid_client");
}
