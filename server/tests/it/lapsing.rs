//! Clients that are forgotten: unused ones, those not used for long, and those that the settings
//! would let in no more (T-E38). What they are told then makes a client register again
//! (requirements 5.1, 7.2).

use http::{Method, header};
use oauth::redirect::PrivateSchemes;
use serde_json::json;

use testkit::race;
use testkit::{
    EngineKind, native_metadata, on_both_engines,
    routed::{Browser, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    a_client_that_nobody_used_goes_after_7_days,
    a_used_client_goes_180_days_after_its_last_use,
    a_client_whose_refresh_token_lives_longer_stays_as_long,
    an_added_client_stays_for_ever,
    a_use_is_noted_once_a_day_and_costs_the_other_requests_nothing,
    a_use_that_cannot_be_noted_costs_nothing,
    of_racing_refreshes_all_are_answered_while_the_use_is_noted,
    requirement_7_2_a_forgotten_client_is_told_so_in_the_way_it_understands,
    t_e38_a_stricter_policy_ends_clients_that_registered_before_it,
    t_e38_a_stricter_policy_ends_what_waits_and_what_is_held,
);

const DAY: u64 = 24 * 3600;

async fn a_client_that_nobody_used_goes_after_7_days(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    server.pass(7 * DAY - 1);
    Browser::new(&server)
        .get(&client.authorize_path())
        .await
        .destination();
    // Looking is not using: somebody has to allow it something.
    server.pass(1);
    forgotten(&server, &client).await;
}

async fn a_used_client_goes_180_days_after_its_last_use(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    server.pass(80 * DAY);
    Tokens::read(&client.refresh(&tokens.refresh).await);
    server.pass(180 * DAY - 1);
    Browser::new(&server)
        .get(&client.authorize_path())
        .await
        .destination();
    server.pass(1);
    forgotten(&server, &client).await;
}

async fn a_client_whose_refresh_token_lives_longer_stays_as_long(engine: EngineKind) {
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

async fn an_added_client_stays_for_ever(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let uri = "https://agent.example/cb";
    let added = server
        .provider
        .terminal()
        .add_client("Agent", &[uri.to_owned()], true)
        .await
        .expect("added");
    server.pass(3650 * DAY);
    let client = McpClient::known(&server, &added.client_id, added.client_secret, uri);
    client.connect(&mut Browser::of_alice(&server).await).await;
}

async fn a_use_is_noted_once_a_day_and_costs_the_other_requests_nothing(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let (calls, answer) = server.counting(client.refresh(&tokens.refresh)).await;
    let tokens = Tokens::read(&answer);
    assert_eq!(calls, 5, "the consent of today has noted it");
    server.pass(DAY);
    let (calls, answer) = server.counting(client.refresh(&tokens.refresh)).await;
    let tokens = Tokens::read(&answer);
    assert_eq!(calls, 6, "once");
    server.pass(DAY - 1);
    assert_eq!(
        server.counting(client.refresh(&tokens.refresh)).await.0,
        5,
        "and not again on the same day"
    );
    // A refusal is no use.
    server.pass(DAY);
    let (calls, refused) = server.counting(client.refresh("vrt_x")).await;
    refused.refused(400, "invalid_grant");
    assert_eq!(
        calls, 4,
        "one look at the client, one for its name, and two for the note that whoever runs the server gets"
    );
}

async fn a_use_that_cannot_be_noted_costs_nothing(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    server.pass(DAY - 10);
    let next = Tokens::read(&client.refresh(&tokens.refresh).await);
    // Inside the replay window the answer needs no write of its own, and the day is over.
    server.pass(10);
    server.switch.break_writes();
    let (calls, again) = server.counting(client.refresh(&tokens.refresh)).await;
    server.switch.mend();
    assert_eq!((calls, Tokens::read(&again).refresh), (5, next.refresh));
}

async fn of_racing_refreshes_all_are_answered_while_the_use_is_noted(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    server.pass(DAY);
    let servers = [server.clone(), server.twin().await];
    let answers = race(16, |number| {
        let (client, token) = (client.at(&servers[number % 2]), tokens.refresh.clone());
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

async fn requirement_7_2_a_forgotten_client_is_told_so_in_the_way_it_understands(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    server.pass(7 * DAY);
    // A person reads what to do, and nothing leads away from the page.
    let words = Browser::new(&server)
        .get(&client.authorize_path())
        .await
        .problem(400)
        .words();
    assert!(
        words.contains("not known here")
            && words.contains("Remove this server in the application, add it again"),
        "{words}"
    );
    // A program learns it from the code (requirements 7.2).
    let program =
        request(Method::GET, &client.authorize_path()).header(header::ACCEPT, "application/json");
    server
        .send(program.body("".into()).expect("a request"))
        .await
        .refused(400, "invalid_client");
    // It registers again, and that is that.
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
    let (cursor, dotted) = (
        McpClient::registered(&server, &cursor).await,
        McpClient::registered(&server, &dotted).await,
    );
    let added = server
        .provider
        .terminal()
        .add_client("Old", &["zed://cb".to_owned()], false)
        .await
        .expect("added");
    let added = McpClient::known(&server, &added.client_id, None, "zed://cb");
    let mut browser = Browser::of_alice(&server).await;
    let tokens = cursor.connect(&mut browser).await;
    let strict = strict(&server).await;
    for client in [&cursor, &added] {
        forgotten(&strict, &client.at(&strict)).await;
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
    // Others go on, and so does this one where the policy is what it was.
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

async fn t_e38_a_stricter_policy_ends_what_waits_and_what_is_held(engine: EngineKind) {
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
    assert!(!leads_to_cursor(&answer), "{answer:?}");
}

/// The same server, once no scheme without a dot may receive an answer.
async fn strict(server: &TestServer) -> TestServer {
    server
        .twin_with(|settings| settings.private_schemes = PrivateSchemes::read([]).expect("none"))
        .await
}

fn leads_to_cursor(answer: &TestResponse) -> bool {
    answer
        .header(header::LOCATION)
        .is_some_and(|to| to.starts_with("cursor:"))
}

/// The person gets a page, and the client learns at the token endpoint that it is to register
/// again.
async fn forgotten(server: &TestServer, client: &McpClient) {
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
