//! An administrator revokes all grants of one client, for all users at once, without blocking its
//! host.

use provider::{AuditAction, AuditFilter};
use serde_json::json;
use testkit::{
    EngineKind, Reply, Site, native_metadata, on_both_engines,
    routed::{Browser, Callback, McpClient, PASSWORD, TestServer, Tokens},
};

on_both_engines!(
    disconnecting_a_document_client_revokes_its_grants_for_all_users,
    disconnecting_a_registered_or_added_client_keeps_its_registration,
    removing_a_document_client_revokes_its_grants,
    a_reused_client_id_restores_nothing,
    a_code_without_a_page_during_a_disconnection_is_invalid,
    a_consent_during_a_removal_is_invalid,
    an_unknown_client_cannot_be_disconnected,
    a_store_failure_leaves_no_partial_disconnection,
);

const ID: &str = "https://app.example/client.json";
const CALLBACK: &str = "https://app.example/callback";
const BOB: &str = "bob@example.com";

async fn disconnecting_a_document_client_revokes_its_grants_for_all_users(engine: EngineKind) {
    let (server, site, client) = document_client(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account(BOB, Some(PASSWORD))
        .await
        .expect("Bob enrols");
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
        .clients()
        .disconnect_client(ID)
        .await
        .expect("disconnected");

    for server in [&server, &twin] {
        let client = client.at(server);
        for tokens in &held {
            client.assert_revoked(tokens).await;
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
            "it is not shown"
        );
        assert_eq!(
            without_page(browser, &client).await.query.one("error"),
            Some("consent_required")
        );
    }
    // Its document is still valid, and in the same second it can be allowed again.
    let again = client.connect(&mut alice).await;
    client.me(&again.access).await.granted();
    let again = Tokens::read(&client.refresh(&again.refresh).await);
    Tokens::read(&client.at(&twin).refresh(&again.refresh).await);
    assert!(
        without_page(&mut alice, &client)
            .await
            .query
            .one("code")
            .is_some()
    );
    assert_eq!(site.requests(ID), 1);
    assert_eq!(
        logged_clients(&server, AuditAction::ClientDisconnected).await,
        [ID]
    );
}

async fn disconnecting_a_registered_or_added_client_keeps_its_registration(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    let added = terminal
        .clients()
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
            .clients()
            .disconnect_client(&client.id)
            .await
            .expect("disconnected");
        client.assert_revoked(&tokens).await;
        let again = client.connect(&mut browser).await;
        client.me(&again.access).await.granted();
        terminal
            .clients()
            .disconnect_client(&client.id)
            .await
            .expect("disconnected again, in the same second");
        client
            .refresh(&again.refresh)
            .await
            .refused(400, "invalid_grant");
    }
}

async fn removing_a_document_client_revokes_its_grants(engine: EngineKind) {
    let (server, site, client) = document_client(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    server
        .provider
        .terminal()
        .clients()
        .remove_client(ID)
        .await
        .expect("removed");
    client.assert_revoked(&tokens).await;
    assert_eq!(
        site.requests(ID),
        1,
        "a revoked grant causes no fetch of the document"
    );
    assert_eq!(
        without_page(&mut browser, &client).await.query.one("error"),
        Some("consent_required")
    );
    assert_eq!(site.requests(ID), 2);
    client
        .me(&client.connect(&mut browser).await.access)
        .await
        .granted();
}

async fn a_reused_client_id_restores_nothing(engine: EngineKind) {
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
        .clients()
        .remove_client(&client.id)
        .await
        .expect("removed");
    server.put_back(&key, &record).await;
    client.assert_revoked(&tokens).await;
    assert_eq!(
        without_page(&mut browser, &client).await.query.one("error"),
        Some("consent_required")
    );
}

/// At every step of the disconnection, a code from an earlier consent is invalid.
async fn a_code_without_a_page_during_a_disconnection_is_invalid(engine: EngineKind) {
    let (server, _site, client) = document_client(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for answers in 1.. {
        client.connect(&mut browser).await;
        let terminal = server.provider.terminal();
        let clients = terminal.clients();
        let disconnect = clients.disconnect_client(ID);
        let mut window = browser.clone();
        let (callback, came) =
            Box::pin(server.between(answers, without_page(&mut window, &client), disconnect)).await;
        if !came {
            break;
        }
        assert!(answers < 40, "it ends");
        if let Some(code) = callback.query.one("code") {
            client.exchange(code).await.refused(400, "invalid_grant");
        }
    }
}

/// The same for a consent that the user gives during a removal.
async fn a_consent_during_a_removal_is_invalid(engine: EngineKind) {
    let (server, _site, client) = document_client(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for answers in 1.. {
        let form = browser
            .consent_page(&client.asking(|query| query.set("prompt", "consent")))
            .await
            .form("Allow");
        let terminal = server.provider.terminal();
        let clients = terminal.clients();
        let remove = clients.remove_client(ID);
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

async fn an_unknown_client_cannot_be_disconnected(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    for id in [
        "vc_AAAAAAAAAAAAAAAAAAAAAA",
        "",
        "https://",
        "http://app.example/client.json",
    ] {
        assert!(
            terminal.clients().disconnect_client(id).await.is_err(),
            "{id}"
        );
    }
    // Grants of a removed document may still exist.
    terminal
        .clients()
        .disconnect_client("https://forgotten.example/client.json")
        .await
        .expect("disconnected");
}

async fn a_store_failure_leaves_no_partial_disconnection(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::registered(&server, &native_metadata()).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    server.switch.break_writes();
    assert!(
        server
            .provider
            .terminal()
            .clients()
            .disconnect_client(&client.id)
            .await
            .is_err()
    );
    assert!(
        server
            .provider
            .terminal()
            .clients()
            .remove_client(&client.id)
            .await
            .is_err()
    );
    server.switch.mend();
    client.me(&tokens.access).await.granted();
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&client.id)
        .await
        .expect("removed");
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
}

/// A server with Alice's account, and a client with a metadata document.
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

/// The response to the client without a page.
async fn without_page(browser: &mut Browser, client: &McpClient) -> Callback {
    browser
        .pass(&client.asking(|query| query.set("prompt", "none")))
        .await
}

async fn client_code(browser: &mut Browser, client: &McpClient) -> String {
    without_page(browser, client)
        .await
        .query
        .one("code")
        .expect("a code")
        .to_owned()
}

/// The client ids in the audit log's events of this action.
async fn logged_clients(server: &TestServer, action: AuditAction) -> Vec<String> {
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
