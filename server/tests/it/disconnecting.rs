//! An administrator ends everything that people allowed one application: for all of them, at once,
//! and without keeping its host out.

use provider::{AuditAction, AuditFilter};
use serde_json::json;
use testkit::{Reply, Site};

use testkit::{
    EngineKind, native_metadata, on_both_engines,
    routed::{Browser, Callback, McpClient, PASSWORD, TestServer, Tokens},
};

on_both_engines!(
    disconnecting_a_document_client_ends_everything_for_everybody_at_once,
    disconnecting_a_registered_or_added_client_leaves_it_known,
    removing_a_document_client_ends_what_it_holds,
    an_id_that_comes_back_brings_nothing_back,
    what_is_passed_while_the_client_is_disconnected_is_dead,
    what_is_allowed_while_the_client_is_removed_is_dead,
    a_client_nobody_knows_is_not_disconnected,
    a_store_that_fails_disconnects_nothing_by_halves,
);

const ID: &str = "https://app.example/client.json";
const CALLBACK: &str = "https://app.example/callback";
const BOB: &str = "bob@example.com";

async fn disconnecting_a_document_client_ends_everything_for_everybody_at_once(engine: EngineKind) {
    let (server, site, client) = document_client(engine).await;
    server
        .provider
        .terminal()
        .add_account(BOB, Some(PASSWORD))
        .await
        .expect("Bob moves in");
    let mut alice = Browser::of_alice(&server).await;
    let mut bob = Browser::new(&server);
    bob.sign_in(BOB, PASSWORD).await;
    let held = [
        client.connect(&mut alice).await,
        client.connect(&mut bob).await,
    ];
    let code = client_code(&mut alice, &client).await;
    let twin = server.twin().await;

    server
        .provider
        .terminal()
        .disconnect_client(ID)
        .await
        .expect("disconnected");

    for server in [&server, &twin] {
        let client = client.at(server);
        for tokens in &held {
            client
                .refresh(&tokens.refresh)
                .await
                .refused(400, "invalid_grant");
            client
                .me(&tokens.access)
                .await
                .refused(401, "invalid_token");
            assert_eq!(
                client
                    .call(&tokens.access, "whoami", json!({}))
                    .await
                    .status,
                401
            );
        }
        client.exchange(&code).await.refused(400, "invalid_grant");
    }
    for browser in [&mut alice, &mut bob] {
        assert!(
            !browser
                .open("/account")
                .await
                .words()
                .contains("app.example"),
            "nothing of it is shown"
        );
        assert_eq!(
            silent(browser, &client).await.query.one("error"),
            Some("consent_required")
        );
    }
    // Its document serves on, and in the same second it is allowed again.
    let again = client.connect(&mut alice).await;
    client.me(&again.access).await.granted();
    let again = Tokens::read(&client.refresh(&again.refresh).await);
    Tokens::read(&client.at(&twin).refresh(&again.refresh).await);
    assert!(
        silent(&mut alice, &client)
            .await
            .query
            .one("code")
            .is_some()
    );
    assert_eq!(site.requests(ID), 1);
    assert_eq!(noted(&server, AuditAction::ClientDisconnected).await, [ID]);
}

async fn disconnecting_a_registered_or_added_client_leaves_it_known(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    let added = terminal
        .add_client("Web notes", &[CALLBACK.to_owned()], false)
        .await
        .expect("added")
        .client_id;
    let clients = [
        McpClient::native(&server).await,
        McpClient::known(&server, &added, None, CALLBACK),
    ];
    let mut browser = Browser::of_alice(&server).await;
    for client in clients {
        let tokens = client.connect(&mut browser).await;
        terminal
            .disconnect_client(&client.id)
            .await
            .expect("disconnected");
        client
            .refresh(&tokens.refresh)
            .await
            .refused(400, "invalid_grant");
        client
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
        let again = client.connect(&mut browser).await;
        client.me(&again.access).await.granted();
        terminal
            .disconnect_client(&client.id)
            .await
            .expect("disconnected again, in the same second");
        client
            .refresh(&again.refresh)
            .await
            .refused(400, "invalid_grant");
    }
}

async fn removing_a_document_client_ends_what_it_holds(engine: EngineKind) {
    let (server, site, client) = document_client(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    server
        .provider
        .terminal()
        .remove_client(ID)
        .await
        .expect("removed");
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
    assert_eq!(
        site.requests(ID),
        1,
        "a dead grant is no reason to ask for the document"
    );
    assert_eq!(
        silent(&mut browser, &client).await.query.one("error"),
        Some("consent_required")
    );
    assert_eq!(site.requests(ID), 2);
    client
        .me(&client.connect(&mut browser).await.access)
        .await
        .granted();
}

async fn an_id_that_comes_back_brings_nothing_back(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let client = McpClient::registered(&server, &metadata).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let key = format!("client:{}", client.id);
    let record = server.record(&key).await;
    server
        .provider
        .terminal()
        .remove_client(&client.id)
        .await
        .expect("removed");
    server.put_back(&key, &record).await;
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
    assert_eq!(
        silent(&mut browser, &client).await.query.one("error"),
        Some("consent_required")
    );
}

/// At whatever moment the end comes, a code that follows from an earlier yes is worth nothing.
async fn what_is_passed_while_the_client_is_disconnected_is_dead(engine: EngineKind) {
    let (server, _site, client) = document_client(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for answers in 1.. {
        client.connect(&mut browser).await;
        let terminal = server.provider.terminal();
        let disconnect = terminal.disconnect_client(ID);
        let mut window = browser.clone();
        let (callback, came) =
            Box::pin(server.between(answers, silent(&mut window, &client), disconnect)).await;
        if !came {
            break;
        }
        assert!(answers < 40, "it ends");
        if let Some(code) = callback.query.one("code") {
            client.exchange(code).await.refused(400, "invalid_grant");
        }
    }
}

/// The same of a yes that the person gives while the client is removed.
async fn what_is_allowed_while_the_client_is_removed_is_dead(engine: EngineKind) {
    let (server, _site, client) = document_client(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for answers in 1.. {
        let form = browser
            .consent_page(&client.asking(|query| query.set("prompt", "consent")))
            .await
            .form("Allow");
        let terminal = server.provider.terminal();
        let remove = terminal.remove_client(ID);
        let mut window = browser.clone();
        let (answer, came) =
            Box::pin(server.between(answers, window.submit(&form, "Allow"), remove)).await;
        if !came {
            break;
        }
        assert!(answers < 60, "it ends");
        let location = answer
            .header(http::header::LOCATION)
            .filter(|location| location.starts_with(CALLBACK));
        if let Some(code) = location.and_then(|location| {
            Callback::read(location)
                .query
                .one("code")
                .map(str::to_owned)
        }) {
            client.exchange(&code).await.refused(400, "invalid_grant");
        }
    }
}

async fn a_client_nobody_knows_is_not_disconnected(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    for id in [
        "vc_AAAAAAAAAAAAAAAAAAAAAA",
        "",
        "https://",
        "http://app.example/client.json",
    ] {
        assert!(terminal.disconnect_client(id).await.is_err(), "{id}");
    }
    // Of a document that was forgotten here, grants may be left.
    terminal
        .disconnect_client("https://forgotten.example/client.json")
        .await
        .expect("disconnected");
}

async fn a_store_that_fails_disconnects_nothing_by_halves(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::registered(&server, &native_metadata()).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    server.switch.break_writes();
    assert!(
        server
            .provider
            .terminal()
            .disconnect_client(&client.id)
            .await
            .is_err()
    );
    assert!(
        server
            .provider
            .terminal()
            .remove_client(&client.id)
            .await
            .is_err()
    );
    server.switch.mend();
    client.me(&tokens.access).await.granted();
    server
        .provider
        .terminal()
        .remove_client(&client.id)
        .await
        .expect("removed");
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
}

/// A server where Alice lives, and a client that is known by its document.
async fn document_client(engine: EngineKind) -> (TestServer, Site, McpClient) {
    let site = Site::open(&["app.example"]).await;
    let document = json!({ "client_id": ID, "client_name": "App", "redirect_uris": [CALLBACK] });
    site.put(
        ID,
        Reply::json(&document.to_string()).with("cache-control", "max-age=600"),
    );
    let server =
        TestServer::on_this_computer(engine, site.web(), |settings| settings.rate_limits = false)
            .await;
    let client = McpClient::known(&server, ID, None, CALLBACK);
    (server, site, client)
}

/// What the client gets without a page.
async fn silent(browser: &mut Browser, client: &McpClient) -> Callback {
    browser
        .pass(&client.asking(|query| query.set("prompt", "none")))
        .await
}

async fn client_code(browser: &mut Browser, client: &McpClient) -> String {
    silent(browser, client)
        .await
        .query
        .one("code")
        .expect("a code")
        .to_owned()
}

/// The ids of the clients that the audit log tells this of.
async fn noted(server: &TestServer, action: AuditAction) -> Vec<String> {
    let page = server
        .provider
        .terminal()
        .audit(&AuditFilter::default(), None, 100)
        .await
        .expect("events");
    let told = page
        .events
        .into_iter()
        .filter(|entry| entry.event.action == action);
    told.filter_map(|entry| entry.event.client.map(|client| client.id))
        .collect()
}
