//! Introspection (RFC 7662): a resource can introspect its own tokens only (T-C25).

use http::{Method, header};
use oauth::{
    Digest,
    resource::{Resource, ResourceIdentifier},
};
use serde_json::{Value, json};
use testkit::{
    EngineKind, FaultSwitch, Query, TestClock, basic, on_both_engines, percent_encoded,
    routed::{ALICE, Browser, ISSUER, MCP, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    introspection_returns_all_members_of_an_active_token,
    introspection_of_an_invalid_token_returns_only_inactive,
    a_resource_can_introspect_only_its_own_tokens,
    revoked_tokens_are_inactive_at_once_on_every_server,
    t_c25_tokens_of_disabled_or_removed_accounts_are_inactive_at_once,
    introspection_requires_the_secret_of_a_resource,
    a_token_is_needed_and_comes_once,
    a_store_failure_is_503_without_information_on_the_token,
    metadata_names_introspection_when_a_resource_may_use_it,
    introspection_has_no_rate_limit,
);

const SECRET: &str = "vis_the-secret-of-the-notes";
const OTHER: &str = "https://other.example/mcp";
const OTHER_SECRET: &str = "vis_the-secret-of-the-other";
const NOT_ACTIVE: &str = r#"{"active":false}"#;

async fn introspection_returns_all_members_of_an_active_token(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let answer = ask(&server, &tokens.access).await;
    let mut told = answer.granted();
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    let sub = told["sub"].take();
    let jti = told["jti"].take();
    assert!(
        sub.as_str().is_some_and(|sub| sub.starts_with("acct_")),
        "{sub}"
    );
    assert!(jti.as_str().is_some_and(|jti| jti.len() >= 16), "{jti}");
    assert_eq!(
        told,
        json!({
            "active": true, "scope": "notes:read", "client_id": client.id, "device_id": client.id, "sub": null, "jti": null,
            "aud": MCP, "iss": ISSUER, "iat": TestClock::START, "exp": TestClock::START + 3600, "token_type": "Bearer"
        })
    );
    // The same as in the token.
    assert_eq!(client.me(&tokens.access).await.granted()["sub"], sub);
    let in_body = Query::new([
        ("token", tokens.access.as_str()),
        ("client_id", MCP),
        ("client_secret", SECRET),
    ]);
    assert_eq!(
        server
            .post(
                "/introspect",
                &in_body.and("token_type_hint", "refresh_token")
            )
            .await
            .body,
        answer.body
    );
}

async fn introspection_of_an_invalid_token_returns_only_inactive(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let forged = format!("{}A", &tokens.access[..tokens.access.len() - 1]);
    for token in [
        "x",
        "v4.public.AAAA",
        "eyJhbGciOiJub25lIn0.e30.",
        &forged,
        &tokens.refresh,
        &client.id,
        &"x".repeat(10_000),
    ] {
        inactive(&ask(&server, token).await);
    }
    active(&ask(&server, &tokens.access).await);
    server.pass(3600);
    inactive(&ask(&server, &tokens.access).await);
}

async fn a_resource_can_introspect_only_its_own_tokens(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    inactive(&ask_as(&server, OTHER, OTHER_SECRET, &tokens.access).await);
    let client = client.asking(|query| query.set("resource", OTHER));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let theirs = Tokens::read(
        &server
            .post("/token", &client.code_form(&code).set("resource", OTHER))
            .await,
    );
    inactive(&ask(&server, &theirs.access).await);
    assert_eq!(
        active(&ask_as(&server, OTHER, OTHER_SECRET, &theirs.access).await)["aud"],
        OTHER
    );
}

async fn revoked_tokens_are_inactive_at_once_on_every_server(engine: EngineKind) {
    let (server, client, first) = connected(engine).await;
    let twin = server.twin().await;
    // A replay.
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    active(&ask(&twin, &second.access).await);
    server.pass(31);
    client
        .refresh(&first.refresh)
        .await
        .refused(400, "invalid_grant");
    // A revocation.
    let third = client.connect(&mut Browser::of_alice(&server).await).await;
    active(&ask(&twin, &third.access).await);
    let form = Query::new([("token", third.refresh.as_str()), ("client_id", &client.id)]);
    server.post("/revoke", &form).await.granted();
    // The client.
    let gone = McpClient::native(&server).await;
    let fourth = gone.connect(&mut Browser::of_alice(&server).await).await;
    active(&ask(&twin, &fourth.access).await);
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&gone.id)
        .await
        .expect("removed");
    for server in [&server, &twin] {
        for token in [&first.access, &second.access, &third.access, &fourth.access] {
            inactive(&ask(server, token).await);
        }
    }
}

async fn t_c25_tokens_of_disabled_or_removed_accounts_are_inactive_at_once(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    inactive(&ask(&server, &tokens.access).await);
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ALICE)
        .await
        .expect("enabled");
    inactive(&ask(&server, &tokens.access).await);
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    active(&ask(&server, &tokens.access).await);
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ALICE)
        .await
        .expect("removed");
    inactive(&ask(&server, &tokens.access).await);
}

async fn introspection_requires_the_secret_of_a_resource(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let client = McpClient::confidential(&server).await;
    let mute = "https://mute.example";
    let named = |identifier: &str| percent_encoded(identifier.as_bytes());
    let secret = client.secret.clone().expect("a secret");
    let bare = Query::new([("token", tokens.access.as_str())]);
    for authorization in [
        basic(&named(MCP), OTHER_SECRET),
        basic(&named(MCP), ""),
        basic(&named(mute), ""),
        basic(&named(mute), SECRET),
        basic(&named("https://unknown.example"), SECRET),
        basic(MCP, SECRET),
        basic(&client.id, &secret),
        format!("Bearer {}", tokens.access),
        format!("Bearer {SECRET}"),
        "Basic".to_owned(),
        String::new(),
    ] {
        unknown(&by_header(&server, &authorization, &bare).await);
    }
    let named = bare.clone().and("client_id", MCP);
    for form in [
        bare.clone(),
        named.clone(),
        named.clone().and("client_secret", "x"),
        bare.clone().and("client_secret", SECRET),
    ] {
        unknown(&server.post("/introspect", &form).await);
    }
    let own = basic(&percent_encoded(MCP.as_bytes()), SECRET);
    by_header(&server, &own, &named.and("client_secret", SECRET))
        .await
        .refused(400, "invalid_request");
    active(&by_header(&server, &own, &bare).await);
    assert_eq!(server.get("/introspect").await.status, 405);
}

async fn a_token_is_needed_and_comes_once(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let own = basic(&percent_encoded(MCP.as_bytes()), SECRET);
    let twice = Query::new([("token", &tokens.access), ("token", &tokens.access)]);
    for form in [Query::default(), Query::new([("token", "")]), twice] {
        by_header(&server, &own, &form)
            .await
            .refused(400, "invalid_request");
    }
}

async fn a_store_failure_is_503_without_information_on_the_token(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    FaultSwitch::break_all(&server.switch);
    let answer = ask(&server, &tokens.access).await;
    answer.refused(503, "temporarily_unavailable");
    assert!(answer.header(header::RETRY_AFTER).is_some() && !answer.body.contains("active"));
    server.switch.mend();
    active(&ask(&server, &tokens.access).await);
}

async fn metadata_names_introspection_when_a_resource_may_use_it(engine: EngineKind) {
    let path = "/.well-known/oauth-authorization-server";
    let metadata = asked(engine).await.get(path).await.granted();
    assert_eq!(
        metadata["introspection_endpoint"],
        format!("{ISSUER}/introspect")
    );
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    assert_eq!(
        metadata["introspection_endpoint_auth_methods_supported"],
        methods
    );
    let server = TestServer::empty(engine).await;
    let metadata = server.get(path).await.granted();
    assert!(
        metadata.get("introspection_endpoint").is_none(),
        "{metadata}"
    );
    unknown(&ask(&server, "x").await);
}

async fn introspection_has_no_rate_limit(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    for _ in 0..200 {
        active(&ask(&server, &tokens.access).await);
    }
}

/// A server with two resources that may introspect, and a third that may not.
async fn asked(engine: EngineKind) -> TestServer {
    let server = TestServer::with(engine, |settings| {
        let first = settings.resources[0].clone();
        let resource = |identifier: &str, secret: Option<&str>| Resource {
            identifier: ResourceIdentifier::parse(identifier).expect("an identifier"),
            introspection_secret: secret.map(|secret| Digest::of(secret.as_bytes())),
            ..first.clone()
        };
        settings.resources = vec![
            resource(MCP, Some(SECRET)),
            resource(OTHER, Some(OTHER_SECRET)),
            resource("https://mute.example", None),
        ];
    })
    .await;
    server.add_alice().await;
    server
}

async fn connected(engine: EngineKind) -> (TestServer, McpClient, Tokens) {
    let server = asked(engine).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    (server, client, tokens)
}

async fn ask(server: &TestServer, token: &str) -> TestResponse {
    ask_as(server, MCP, SECRET, token).await
}

async fn ask_as(server: &TestServer, identifier: &str, secret: &str, token: &str) -> TestResponse {
    by_header(
        server,
        &basic(&percent_encoded(identifier.as_bytes()), secret),
        &Query::new([("token", token)]),
    )
    .await
}

async fn by_header(server: &TestServer, authorization: &str, form: &Query) -> TestResponse {
    let request = request(Method::POST, "/introspect")
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server
        .send(request.body(form.encode().into()).expect("a request"))
        .await
}

fn active(answer: &TestResponse) -> Value {
    let told = answer.granted();
    assert_eq!(told["active"], true, "{answer:?}");
    told
}

fn inactive(answer: &TestResponse) {
    answer.granted();
    assert_eq!(
        (answer.body.as_str(), answer.header(header::CACHE_CONTROL)),
        (NOT_ACTIVE, Some("no-store"))
    );
}

fn unknown(answer: &TestResponse) {
    answer.refused(401, "invalid_client");
    assert!(
        answer
            .header(header::WWW_AUTHENTICATE)
            .is_some_and(|value| value.starts_with("Basic realm=")),
        "{answer:?}"
    );
}
