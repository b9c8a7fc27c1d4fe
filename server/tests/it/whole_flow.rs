//! The whole flow: a user connects a client, the client works, and nothing can be used twice.

use std::time::Duration;

use http::header;
use serde_json::{Value, json};
use store::{Store, StoreLocation};
use testkit::{
    EngineKind, RedisServer, on_both_engines,
    routed::{ALICE, Browser, Callback, ISSUER, MCP, McpClient, PASSWORD, TestServer, Tokens},
};

on_both_engines!(a_client_connects_and_works_until_a_replay);

async fn a_client_connects_and_works_until_a_replay(engine: EngineKind) {
    run_flow(TestServer::empty(engine).await).await;
}

/// Tests the line in docs/STORAGE.md: with fewer permissions, a part of the flow fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_redis_permissions_suffice_for_the_whole_flow() {
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let document = include_str!("../../../docs/STORAGE.md");
    let line = document
        .lines()
        .find(|line| line.starts_with("ACL SETUSER "))
        .expect("the line of the document");
    assert_eq!(redis.command(&line.replace("PASSWORD", "hush")), "+OK");
    let location = StoreLocation::Redis(redis.url().replace("redis://", "redis://vestibule:hush@"));
    let settings = testkit::direct::settings(ISSUER);
    run_flow(
        TestServer::over(
            Store::open(&location).await.expect("the store opens"),
            settings,
        )
        .await,
    )
    .await;
}

async fn run_flow(server: TestServer) {
    // There is no account yet. The terminal shows a link for the first one.
    let link = server
        .provider
        .enrolment()
        .first_account_link()
        .await
        .expect("the store answers")
        .expect("a link while there is no account");
    let mut laptop = Browser::new(&server);
    let setup = laptop
        .open(link.strip_prefix(ISSUER).expect("a page of the server"))
        .await;
    let form = setup
        .form("Create account")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    let moved_in = laptop.submit(&form, "Create account").await;
    let account = laptop.follow(&moved_in).await.document();
    assert_eq!(account.page(), "account");
    assert!(account.words().contains(ALICE));

    // A client calls the MCP server, and gets a challenge with the metadata URL.
    let turned_away = server.get("/mcp").await;
    assert_eq!(turned_away.status, 401);
    let challenge = turned_away
        .header(header::WWW_AUTHENTICATE)
        .expect("a challenge");
    let document = format!("{ISSUER}/.well-known/oauth-protected-resource/mcp");
    assert_eq!(
        challenge,
        format!("Bearer resource_metadata=\"{document}\", scope=\"notes:read\"")
    );
    let resource = server
        .get("/.well-known/oauth-protected-resource/mcp")
        .await
        .granted();
    assert_eq!(
        (&resource["resource"], &resource["authorization_servers"]),
        (&json!(MCP), &json!([ISSUER]))
    );
    let metadata = server
        .get("/.well-known/oauth-authorization-server")
        .await
        .granted();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(
        metadata["registration_endpoint"],
        format!("{ISSUER}/register")
    );

    // It registers, and opens another browser, where Alice signs in.
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read notes:write"));
    let mut phone = Browser::new(&server);
    let begun = phone.get(&client.authorize_path()).await;
    let login = phone.follow(&begun).await.document();
    assert_eq!(login.page(), "login");
    assert!(
        login.words().contains("to let Notebook use Notes"),
        "{}",
        login.words()
    );
    let signed_in = phone
        .submit(
            &login
                .form("Sign in")
                .fill("email", ALICE)
                .fill("password", PASSWORD),
            "Sign in",
        )
        .await;
    let signed_in = phone.past_the_offer(signed_in).await;
    let consent = phone.follow(&signed_in).await.document();
    assert_eq!(consent.page(), "consent");
    for said in [
        "Notebook",
        "127.0.0.1:33418",
        "on this computer",
        "vestibule.example",
        "Add notes for you",
        ALICE,
    ] {
        assert!(
            consent.words().contains(said),
            "{said} in {}",
            consent.words()
        );
    }

    // She allows it. The response is sent to the client, with its state and the issuer.
    let allowed = phone.submit(&consent.form("Allow"), "Allow").await;
    let callback = Callback::read(allowed.destination());
    assert_eq!(callback.base, client.redirect_uri);
    assert_eq!(callback.query.names(), ["code", "state", "iss"]);
    assert_eq!(
        callback.query.one("state"),
        client.authorization.one("state")
    );
    assert_eq!(callback.query.one("iss"), Some(ISSUER));

    let code = callback.query.one("code").expect("a code");
    use_tokens(&server, &client, code).await;
}

/// From the code to the revocation of the grant.
async fn use_tokens(server: &TestServer, client: &McpClient, code: &str) {
    // The code is exchanged for tokens.
    let answer = client.exchange(code).await;
    let body = answer.granted();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (
            &json!("Bearer"),
            &json!(3600),
            &json!("notes:read notes:write")
        )
    );
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    let tokens = Tokens::read(&answer);
    assert!(tokens.access.starts_with("v4.public."), "{}", tokens.access);

    // The access token identifies the caller, and is accepted by the tools.
    let me = client.me(&tokens.access).await.granted();
    let subject = me["sub"].as_str().expect("a subject").to_owned();
    assert_eq!(
        me,
        json!({ "sub": subject, "client_id": client.id, "device_id": client.id, "scope": "notes:read notes:write" })
    );
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "n", "version": "1" } });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello });
    let initialized = client.mcp(&tokens.access, &hello).await.granted();
    assert_eq!(
        initialized["result"]["serverInfo"]["name"],
        "vestibule-demonstration"
    );
    let whoami = result(
        &client
            .call(&tokens.access, "whoami", json!({}))
            .await
            .granted(),
    );
    assert_eq!(
        whoami,
        json!({ "sub": subject, "client_id": client.id, "scope": "notes:read notes:write" })
    );
    let noted = result(
        &client
            .call(&tokens.access, "add_note", json!({ "text": "buy milk" }))
            .await
            .granted(),
    );
    assert_eq!(noted, json!({ "notes": 1 }));

    // An hour later it has expired, and the refresh token gives a new one.
    server.pass(3600);
    assert_eq!(client.me(&tokens.access).await.status, 401);
    assert_eq!(
        client
            .call(&tokens.access, "whoami", json!({}))
            .await
            .status,
        401
    );
    let renewed = Tokens::read(&client.refresh(&tokens.refresh).await);
    assert_eq!(client.me(&renewed.access).await.granted()["sub"], subject);

    // Within half a minute, the old refresh token gives the same successor again.
    server.pass(29);
    assert_eq!(
        Tokens::read(&client.refresh(&tokens.refresh).await).refresh,
        renewed.refresh
    );
    // Later, it is a replay, which revokes the grant.
    server.pass(1);
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    client.assert_revoked(&renewed).await;

    // The redeemed code is refused.
    client.exchange(code).await.refused(400, "invalid_grant");
}

/// With a store file: acknowledged changes are there after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_clients_and_grants_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::File(folder.path().join("data"));
    let settings = testkit::direct::settings(ISSUER);
    let server = TestServer::over(
        Store::open(&location).await.expect("the store opens"),
        settings.clone(),
    )
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let id = client.id.clone();
    let redirect_uri = client.redirect_uri.clone();
    let cookies = browser.cookies.clone();
    drop((server, client, browser));

    let server = TestServer::over(reopened(&location).await, settings).await;
    let client = McpClient::known(&server, &id, None, &redirect_uri);
    client.me(&tokens.access).await.granted();
    Tokens::read(&client.refresh(&tokens.refresh).await);
    Tokens::read(&client.exchange(&code).await);
    let mut browser = Browser::new(&server);
    browser.cookies = cookies;
    assert_eq!(browser.open("/account").await.page(), "account");
}

/// The file can be opened when the last task of the old server has ended.
async fn reopened(location: &StoreLocation) -> Store {
    for _ in 0..200 {
        match Store::open(location).await {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the file is still in use");
}

/// The result of a tool.
fn result(answer: &Value) -> Value {
    let result = &answer["result"];
    assert_ne!(result["isError"], true, "{answer}");
    result["structuredContent"].clone()
}
