//! Clients with a metadata document (R-C1 to R-C13, T-E37 to T-E39): fetching, caching, and the
//! responses to users and clients when a document is invalid or its host does not answer.

use std::{net::IpAddr, time::Duration};

use http::{Method, header};
use oauth::Digest;
use oauth_clients::document::DocumentPolicy;
use provider::PageRequest;
use serde_json::{Value, json};
use testkit::{
    Document, EngineKind, Reply, Site, on_both_engines,
    routed::{Browser, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    r_c4_a_stale_document_is_fetched_again,
    r_c7_errors_are_never_cached,
    a_stored_document_is_used_while_its_host_does_not_answer,
    a_temporary_error_is_never_invalid_client,
    a_stale_document_is_renewed_in_the_background_of_a_refresh,
    a_document_with_a_grant_is_stored_for_180_days,
    an_administrator_can_remove_a_stored_document,
    the_list_by_name_has_a_document_client_under_the_name_of_its_newest_document,
    t_e38_a_stricter_document_policy_applies_to_known_clients,
    exchange_and_refresh_take_two_round_trips_with_a_document_too,
    a_store_failure_costs_a_document_client_nothing,
);

const ID: &str = "https://app.example/client.json";
const CALLBACK: &str = "https://app.example/callback";
const HOUR: u64 = 3600;

fn document() -> Value {
    json!({ "client_id": ID, "client_name": "App", "redirect_uris": [CALLBACK] })
}

/// A document that is fresh for this many seconds.
fn fresh_for(document: &Value, seconds: u64) -> Reply {
    Reply::json(&document.to_string()).with("cache-control", &format!("max-age={seconds}"))
}

/// A server, and the web server of a client's document.
async fn server_and_site(engine: EngineKind) -> (TestServer, Site) {
    let site = Site::open(&["app.example", "sub.app.example", "other.example"]).await;
    site.put(ID, fresh_for(&document(), 600));
    (
        TestServer::on_this_computer(engine, site.web(), |_| {}).await,
        site,
    )
}

fn client(server: &TestServer) -> McpClient {
    McpClient::known(server, ID, None, CALLBACK)
}

/// The key of the stored document.
fn key() -> String {
    format!("document:{}", Digest::of(ID.as_bytes()).as_str())
}

/// The response to a browser without a session.
async fn authorize(server: &TestServer, client: &McpClient) -> TestResponse {
    Browser::new(server).get(&client.authorize_path()).await
}

/// Expects these words in the details of an error page.
fn expect_details(page: &Document, words: &str) {
    assert!(page.words().contains(words), "{words} in {}", page.words());
}

async fn r_c4_a_stale_document_is_fetched_again(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    authorize(&server, &client).await.destination();
    server.pass(599);
    authorize(&server, &client).await.destination();
    assert_eq!(site.requests(ID), 1);
    // The owner of the URL may change the document, which applies when the stored one is stale.
    let moved = json!({ "client_id": ID, "client_name": "App", "redirect_uris": ["https://app.example/elsewhere"] });
    site.put(ID, fresh_for(&moved, 600));
    authorize(&server, &client).await.destination();
    server.pass(1);
    expect_details(
        &authorize(&server, &client).await.problem(400),
        "send you to an unregistered address",
    );
    assert_eq!(site.requests(ID), 2);
    // A document is fresh for at least a minute, whatever the host says.
    site.put(
        ID,
        Reply::json(&document().to_string()).with("cache-control", "no-store"),
    );
    server.pass(600);
    authorize(&server, &client).await.destination();
    server.pass(59);
    authorize(&server, &client).await.destination();
    assert_eq!(site.requests(ID), 3);
    server.pass(1);
    authorize(&server, &client).await.destination();
    assert_eq!(site.requests(ID), 4);
}

async fn r_c7_errors_are_never_cached(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut asked = 0;
    for (reply, words) in [
        (Reply::new("404 Not Found", ""), "HTTP 404"),
        (
            Reply::new("302 Found", "").with("location", "https://other.example/x"),
            "HTTP 302",
        ),
        (
            Reply::new("200 OK", "<html>").with("content-type", "text/html"),
            "the content type is not application/json",
        ),
        (Reply::json("{"), "is not a JSON object"),
        (
            Reply::json(&"x".repeat(5 * 1024 + 1)),
            "the response is too large",
        ),
        (
            Reply::json(r#"{"client_id": "https://app.example/other"}"#),
            "it does not exactly match the URL",
        ),
        (
            Reply::json(&json!({ "client_id": ID, "redirect_uris": [CALLBACK] }).to_string()),
            "client_name",
        ),
        (
            Reply::json(&json!({ "client_id": ID, "client_name": "App" }).to_string()),
            "redirect_uris",
        ),
    ] {
        site.put(ID, reply);
        asked += 1;
        let page = authorize(&server, &client).await.problem(400);
        expect_details(&page, "The application could not be identified.");
        expect_details(&page, "invalid_client");
        expect_details(&page, words);
        assert_eq!(site.requests(ID), asked);
    }
    // After it is corrected, it works at once.
    site.put(ID, fresh_for(&document(), 600));
    authorize(&server, &client).await.destination();
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
}

async fn a_stored_document_is_used_while_its_host_does_not_answer(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    site.set_up(false);
    // Stale by less than a day: the flow still works.
    server.pass(600 + 24 * HOUR - 1);
    let code = browser.allow(&client).await;
    Tokens::read(&client.exchange(&code).await);
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    // Stale by a day: a page shows the error, and connected clients are not affected.
    server.pass(1);
    let answer = authorize(&server, &client).await;
    let page = answer.problem(503);
    expect_details(&page, "The application can't be identified right now.");
    expect_details(&page, "app.example");
    expect_details(&page, "temporarily_unavailable");
    assert_eq!(answer.header(header::RETRY_AFTER), Some("30"));
    server.pass(60);
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    // An error of the host is tolerated as well; one of the document is not.
    site.set_up(true);
    site.put(ID, Reply::new("500 Oops", ""));
    authorize(&server, &client).await.problem(503);
    site.put(ID, Reply::new("404 Not Found", ""));
    authorize(&server, &client).await.problem(400);
    server.pass(60);
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn a_temporary_error_is_never_invalid_client(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let key = key();
    server.lose(&key).await;
    site.set_up(false);
    let answer = client.refresh(&tokens.refresh).await;
    answer.refused(503, "temporarily_unavailable");
    assert!(answer.header(header::RETRY_AFTER).is_some());
    // Nothing was consumed.
    site.set_up(true);
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    assert_eq!(site.requests(ID), 2);
    // Without a grant of the client nothing is fetched, and the answer is that the grant is
    // unknown.
    server.lose(&key).await;
    let other_client =
        McpClient::known(&server, "https://other.example/client.json", None, CALLBACK);
    client
        .refresh("vrt_nonsense")
        .await
        .refused(400, "invalid_grant");
    client
        .exchange("nonsense")
        .await
        .refused(400, "invalid_grant");
    other_client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    assert_eq!((site.requests(ID), site.requests(&other_client.id)), (2, 0));
    // An error of the document itself is an error of the client.
    site.put(ID, Reply::new("404 Not Found", ""));
    client
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");
}

async fn a_stale_document_is_renewed_in_the_background_of_a_refresh(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    server.pass(599);
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    server.pass(31);
    assert_eq!(site.requests(ID), 1, "fresh when it was used");
    let key = key();
    let before = server.record(&key).await;
    Tokens::read(&client.refresh(&tokens.refresh).await);
    for _ in 0..500 {
        if server.record(&key).await != before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // A later authorization request finds it fresh.
    authorize(&server, &client).await.destination();
    assert_eq!(site.requests(ID), 2);
}

async fn a_document_with_a_grant_is_stored_for_180_days(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let mut tokens = client.connect(&mut browser).await;
    site.set_up(false);
    for days in [80, 80] {
        server.pass(days * 24 * HOUR);
        tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    }
    server.pass(20 * 24 * HOUR - 1);
    tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    server.pass(60);
    client
        .refresh(&tokens.refresh)
        .await
        .refused(503, "temporarily_unavailable");
    site.set_up(true);
    server.pass(60);
    tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    // A document that was fetched at the token endpoint is stored as long.
    site.set_up(false);
    server.pass(80 * 24 * HOUR);
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

/// `vestibule client remove URL`: the next request fetches the document again, and no grant is
/// revoked by it.
async fn an_administrator_can_remove_a_stored_document(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let renamed = json!({ "client_id": ID, "client_name": "Renamed", "redirect_uris": [CALLBACK] });
    site.put(ID, fresh_for(&renamed, 600));
    let repeated = client.asking(|query| query.set("prompt", "consent"));
    assert!(
        !browser
            .consent_page(&repeated)
            .await
            .words()
            .contains("Renamed"),
        "it is fresh"
    );
    server
        .provider
        .terminal()
        .clients()
        .remove_client(ID)
        .await
        .expect("removed");
    assert!(
        server
            .provider
            .terminal()
            .clients()
            .remove_client(ID)
            .await
            .is_err(),
        "there is nothing to remove"
    );
    assert_eq!(site.requests(ID), 1);
    expect_details(&browser.consent_page(&repeated).await, "Renamed");
    assert_eq!(site.requests(ID), 2);
    // Its tokens are invalid, and cause no fetch.
    server
        .provider
        .terminal()
        .clients()
        .remove_client(ID)
        .await
        .expect("removed");
    client.assert_revoked(&tokens).await;
    assert_eq!(site.requests(ID), 2);
}

async fn the_list_by_name_has_a_document_client_under_the_name_of_its_newest_document(
    engine: EngineKind,
) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let terminal = server.provider.terminal();
    let names = async || {
        let page = terminal.clients().page(&PageRequest::default()).await;
        let rows = page.expect("a page").rows.into_iter();
        rows.map(|client| client.name).collect::<Vec<_>>()
    };
    let members = async || server.listed("clients-by-name").await;
    authorize(&server, &client).await.destination();
    assert!(names().await.is_empty(), "nobody has allowed it anything");
    assert!(members().await.is_empty());
    client.connect(&mut Browser::of_alice(&server).await).await;
    assert_eq!(names().await, ["App"]);
    let renamed = json!({ "client_id": ID, "client_name": "Renamed", "redirect_uris": [CALLBACK] });
    site.put(ID, fresh_for(&renamed, 600));
    server.pass(600);
    authorize(&server, &client).await.destination();
    assert_eq!(members().await, [format!("renamed\t{ID}")]);
    assert_eq!(names().await, ["Renamed"]);
    // Stored again after a removal, it is not listed before somebody allows it something.
    let removed = terminal.clients().remove_client(ID).await;
    removed.expect("removed");
    authorize(&server, &client).await.destination();
    assert!(names().await.is_empty());
    server.provider.finish_background_tasks().await;
    assert!(members().await.is_empty(), "tidied");
}

async fn t_e38_a_stricter_document_policy_applies_to_known_clients(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let waiting = browser
        .consent_page(&client.asking(|query| query.and("prompt", "consent")))
        .await
        .form("Allow");
    for policy in ["off", "other.example", ".app.example", "xapp.example"] {
        let policy = DocumentPolicy::parse(policy).expect("a policy");
        let on = policy.is_on();
        let strict = server
            .twin_with(|settings| settings.client_documents = policy)
            .await;
        let page = authorize(&strict, &client).await.problem(400);
        expect_details(&page, "This application isn't allowed on this server.");
        expect_details(&page, "invalid_client");
        client
            .at(&strict)
            .refresh(&tokens.refresh)
            .await
            .refused(401, "invalid_client");
        client
            .at(&strict)
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
        let metadata = strict
            .get("/.well-known/oauth-authorization-server")
            .await
            .granted();
        assert_eq!(metadata["client_id_metadata_document_supported"], on);
        // A pending request cannot be completed either.
        let decided = browser.at(&strict).submit(&waiting, "Allow").await;
        assert!(
            decided
                .header(header::LOCATION)
                .is_none_or(|location| !location.starts_with("https:")),
            "{decided:?}"
        );
    }
    assert_eq!(site.requests(ID), 1);
    for policy in ["on", "app.example", "claude.ai,app.example"] {
        let policy = DocumentPolicy::parse(policy).expect("a policy");
        let open = server
            .twin_with(|settings| settings.client_documents = policy)
            .await;
        authorize(&open, &client).await.destination();
    }
}

async fn exchange_and_refresh_take_two_round_trips_with_a_document_too(engine: EngineKind) {
    let (server, _site) = server_and_site(engine).await;
    let client = client(&server);
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    let (waits, answer) = server.waits(client.exchange(&code)).await;
    assert_eq!(waits, 2);
    let tokens = Tokens::read(&answer);
    server.pass(60);
    let (waits, answer) = server.waits(client.refresh(&tokens.refresh)).await;
    assert_eq!(waits, 2);
    Tokens::read(&answer);
}

async fn a_store_failure_costs_a_document_client_nothing(engine: EngineKind) {
    let (server, site) = server_and_site(engine).await;
    let client = client(&server);
    for fault in [
        testkit::FaultSwitch::break_all,
        testkit::FaultSwitch::break_writes,
    ] {
        fault(&server.switch);
        expect_details(
            &authorize(&server, &client).await.problem(503),
            "Nothing was lost.",
        );
        server.switch.mend();
    }
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    server.switch.break_all();
    client
        .exchange(&code)
        .await
        .refused(503, "temporarily_unavailable");
    client
        .refresh(&tokens.refresh)
        .await
        .refused(503, "temporarily_unavailable");
    server.switch.mend();
    Tokens::read(&client.exchange(&code).await);
    Tokens::read(&client.refresh(&tokens.refresh).await);
    assert!(site.requests(ID) <= 3);
}

#[tokio::test]
async fn r_c13_document_errors_are_local_pages_and_invalid_client() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    site.put(ID, Reply::json("[]"));
    let path = client(&server).authorize_path();
    let machine = request(Method::GET, &path).header(header::ACCEPT, "application/json");
    let answer = server
        .send(machine.body(axum::body::Body::empty()).expect("a request"))
        .await;
    let told = answer.refused(400, "invalid_client");
    assert_eq!(
        told["error_description"],
        "The client metadata document is not a JSON object."
    );
    site.set_up(false);
    let machine = request(Method::GET, &path).header(header::ACCEPT, "application/json");
    let answer = server
        .send(machine.body(axum::body::Body::empty()).expect("a request"))
        .await;
    answer.refused(503, "temporarily_unavailable");
}

#[tokio::test]
async fn r_c12_invalid_document_urls_are_never_fetched() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    for (id, why) in [
        (
            "http://app.example/client.json",
            "it does not start with https://",
        ),
        ("https://app.example", "it has no path after the host"),
        ("https://app.example/", "it has no path after the host"),
        (
            "https://app.example/a/../client.json",
            "its path has a dot segment",
        ),
        (
            "https://app.example/%2e%2e/client.json",
            "its path has a dot segment",
        ),
        ("https://app.example/client.json#x", "it has a fragment"),
        ("https://user@app.example/client.json", "it has a user part"),
        (
            "https://APP.example/client.json",
            "its host or port is not in normalized form",
        ),
        (
            "https://app.example:80/client.json",
            "its port is neither 443 nor above 1023",
        ),
        (
            "https://10.0.0.1/client.json",
            "its host has no public address",
        ),
        (
            "https://[::ffff:7f00:1]/client.json",
            "its host has no public address",
        ),
    ] {
        let page = authorize(&server, &McpClient::known(&server, id, None, CALLBACK))
            .await
            .problem(400);
        expect_details(&page, why);
    }
    assert_eq!(site.requests(ID), 0);
}

#[tokio::test]
async fn r_c8_a_public_server_fetches_nothing_from_loopback() {
    let site = Site::open(&["app.example"]).await;
    site.put(ID, fresh_for(&document(), 600));
    let settings = testkit::direct::settings(testkit::routed::ISSUER);
    let server = TestServer::in_the_web(
        EngineKind::Memory.open().await.0,
        settings,
        Some(site.web()),
    )
    .await;
    expect_details(
        &authorize(&server, &client(&server)).await.problem(400),
        "its host has no public address",
    );
    assert_eq!(site.requests(ID), 0);
}

#[tokio::test]
async fn r_c5_responses_go_only_to_redirect_uris_of_the_document() {
    let (server, _site) = server_and_site(EngineKind::Memory).await;
    for elsewhere in [
        "https://app.example/callback/",
        "https://app.example.evil.example/callback",
        "http://localhost:1/callback",
    ] {
        let client = McpClient::known(&server, ID, None, elsewhere);
        expect_details(
            &authorize(&server, &client).await.problem(400),
            "send you to an unregistered address",
        );
    }
}

#[tokio::test]
async fn sep_3149_no_common_authentication_method_is_a_local_error() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    let mut document = document();
    document["token_endpoint_auth_method"] = json!("tls_client_auth");
    site.put(ID, fresh_for(&document, 600));
    let page = authorize(&server, &client(&server)).await.problem(400);
    expect_details(&page, "have no authentication method in common");
    expect_details(
        &page,
        "must use the authentication method none or private_key_jwt",
    );
    // With one common method, the others are ignored.
    document["token_endpoint_auth_methods_supported"] = json!(["tls_client_auth", "none"]);
    site.put(ID, fresh_for(&document, 600));
    authorize(&server, &client(&server)).await.destination();
}

#[tokio::test]
async fn a_document_that_requires_keys_requires_an_assertion() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    let mut document = document();
    document["token_endpoint_auth_method"] = json!("private_key_jwt");
    document["jwks_uri"] = json!("https://app.example/jwks.json");
    site.put(ID, fresh_for(&document, 600));
    let client = client(&server);
    let code = Browser::of_alice(&server).await.allow(&client).await;
    client.exchange(&code).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn a_document_without_the_refresh_grant_gets_no_refresh_token() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    let mut document = document();
    document["grant_types"] = json!(["authorization_code"]);
    site.put(ID, fresh_for(&document, 600));
    let client = client(&server);
    let code = Browser::of_alice(&server).await.allow(&client).await;
    assert_eq!(
        client.exchange(&code).await.granted().get("refresh_token"),
        None
    );
}

#[tokio::test]
async fn a_document_client_has_no_secret() {
    let (server, _site) = server_and_site(EngineKind::Memory).await;
    let client = client(&server);
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code).and("client_secret", "s");
    server
        .post("/token", &form)
        .await
        .refused(401, "invalid_client");
    Tokens::read(&client.exchange(&code).await);
}

#[tokio::test]
async fn t_e37_fetches_for_one_network_are_limited() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    site.put(ID, Reply::new("404 Not Found", ""));
    let client = client(&server);
    let mut crowd = Browser::new(&server);
    crowd.address = IpAddr::from([198, 51, 100, 77]);
    for _ in 0..60 {
        crowd.get(&client.authorize_path()).await.problem(400);
    }
    // The error names the limit of this server, not the document's host.
    let answer = crowd.get(&client.authorize_path()).await;
    answer.problem(429);
    assert!(answer.header(header::RETRY_AFTER).is_some());
    assert_eq!(site.requests(ID), 60);
    // Other networks are not affected, not even concurrently, up to the limit for the host.
    let mut other = Browser::new(&server);
    other.address = IpAddr::from([198, 51, 100, 78]);
    let path = client.authorize_path();
    let (limited, answer) = tokio::join!(crowd.get(&path), other.get(&path));
    limited.problem(429);
    answer.problem(400);
    for neighbour in 0..59 {
        crowd.address = IpAddr::from([198, 51, 100, 100 + neighbour]);
        crowd.get(&client.authorize_path()).await.problem(400);
    }
    crowd.address = IpAddr::from([198, 51, 100, 99]);
    crowd.get(&client.authorize_path()).await.problem(429);
    assert_eq!(site.requests(ID), 120);
    // After a minute, documents are fetched again.
    server.pass(60);
    site.put(ID, fresh_for(&document(), 600));
    crowd.get(&client.authorize_path()).await.destination();
}

#[tokio::test]
async fn t_e37_beyond_the_request_limit_no_document_is_fetched() {
    let (server, site) = server_and_site(EngineKind::Memory).await;
    let mut browser = Browser::new(&server);
    for _ in 0..1000 {
        browser
            .get("/authorize?client_id=vc_unknown")
            .await
            .problem(400);
    }
    browser
        .get(&client(&server).authorize_path())
        .await
        .problem(429);
    assert_eq!(site.requests(ID), 0);
    server.pass(900);
    authorize(&server, &client(&server)).await.destination();
}

#[tokio::test]
async fn the_login_page_names_the_host_of_the_document() {
    let (server, _site) = server_and_site(EngineKind::Memory).await;
    let mut browser = Browser::new(&server);
    let begun = browser.get(&client(&server).authorize_path()).await;
    let page = browser.follow(&begun).await.document();
    assert_eq!(page.page(), "login");
    expect_details(&page, "to let App ( app.example ) use Notes");
}
