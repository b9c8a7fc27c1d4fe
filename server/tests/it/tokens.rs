//! Access tokens at `/api/me` and the demonstration MCP server (RFC 6750, RFC 9728 section 5.1,
//! R-P; T-C21, T-C22, T-C25).

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, header};
use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use serde_json::{Value, json};
use testkit::{
    EngineKind, on_both_engines,
    routed::{ALICE, Browser, ISSUER, MCP, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    access_tokens_have_the_documented_claims,
    r_p16_without_a_token_no_error_is_named,
    me_names_no_missing_metadata_document,
    t_c21_every_invalid_token_is_refused,
    r_a8_an_access_token_is_valid_for_an_hour,
    t_c22_a_rotated_key_verifies_until_its_overlap_ends,
    a_token_for_another_resource_is_accepted_only_by_me,
    r_p8_a_tool_that_needs_more_scope_answers_403,
    r_p12_p13_the_mcp_server_has_no_sessions_and_refuses_foreign_origins,
    t_c25_me_refuses_disabled_and_removed_accounts_at_once,
);

async fn access_tokens_have_the_documented_claims(engine: EngineKind) {
    let (_, client, tokens) = McpClient::connected(engine).await;
    let parts: Vec<_> = tokens.access.split('.').collect();
    assert_eq!((parts[0], parts[1], parts.len()), ("v4", "public", 4));
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let payload = decode(parts[2]);
    let claims: Value = serde_json::from_slice(&payload[..payload.len() - 64])
        .expect("claims before a signature of 64 bytes");
    let footer: Value = serde_json::from_slice(&decode(parts[3])).expect("a footer");
    assert!(
        footer["kid"]
            .as_str()
            .is_some_and(|kid| kid.starts_with("k4.pid.")),
        "{footer}"
    );
    for (name, value) in [
        ("iss", ISSUER),
        ("aud", MCP),
        ("client_id", &client.id),
        ("device_id", &client.id),
        ("scope", "notes:read"),
        ("iat", "2027-01-15T08:00:00Z"),
        ("exp", "2027-01-15T09:00:00Z"),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    // R-O21: user ids and client ids differ in form.
    assert!(
        claims["sub"]
            .as_str()
            .is_some_and(|sub| sub.starts_with("acct_")),
        "{claims}"
    );
    assert!(
        claims["jti"].as_str().is_some_and(|jti| jti.len() >= 16),
        "{claims}"
    );
    assert!(!claims.to_string().contains(ALICE));
}

async fn r_p16_without_a_token_no_error_is_named(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in ["/api/me", "/mcp"] {
        let document = format!("{ISSUER}/.well-known/oauth-protected-resource/mcp");
        let expected = format!("Bearer resource_metadata=\"{document}\", scope=\"notes:read\"");
        let bare = server.get(path).await;
        let basic = asking(&server, path, "Basic dTpw").await;
        for answer in [bare, basic] {
            assert_eq!(
                (
                    answer.status.as_u16(),
                    answer.header(header::WWW_AUTHENTICATE)
                ),
                (401, Some(expected.as_str()))
            );
            assert!(answer.json().get("error").is_none(), "{answer:?}");
        }
    }
}

async fn me_names_no_missing_metadata_document(engine: EngineKind) {
    let resource = |identifier: &str, scope: &str| {
        Resource::new(
            ResourceIdentifier::parse(identifier).expect("an identifier"),
            "Notes".to_owned(),
            vec![ScopeDescription {
                name: scope.to_owned(),
                sentence: "Read".to_owned(),
                default: true,
            }],
        )
    };
    let documents = format!("{ISSUER}/.well-known/oauth-protected-resource");
    let foreign = resource("https://elsewhere.example/mcp", "a");
    let own = [
        resource("https://vestibule.example/b?c", "b"),
        resource(MCP, "c"),
    ];
    for (resources, expected) in [
        (vec![foreign.clone()], "Bearer scope=\"a\"".to_owned()),
        (
            vec![foreign, own[1].clone()],
            format!("Bearer resource_metadata=\"{documents}/mcp\", scope=\"c\""),
        ),
        (
            own.to_vec(),
            format!("Bearer resource_metadata=\"{documents}/b\", scope=\"b\""),
        ),
        (
            vec![resource(ISSUER, "d")],
            format!("Bearer resource_metadata=\"{documents}\", scope=\"d\""),
        ),
        (Vec::new(), "Bearer".to_owned()),
    ] {
        let server = TestServer::with(engine, |settings| settings.resources = resources).await;
        let challenge = server
            .get("/api/me")
            .await
            .header(header::WWW_AUTHENTICATE)
            .map(str::to_owned);
        assert_eq!(challenge.as_deref(), Some(expected.as_str()));
        if let Some(document) = expected
            .split('"')
            .nth(1)
            .and_then(|text| text.strip_prefix(ISSUER))
        {
            server.get(document).await.granted();
        }
    }
}

async fn t_c21_every_invalid_token_is_refused(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let (twin_server, _, foreign) = McpClient::connected(engine).await;
    let parts: Vec<_> = tokens.access.split('.').collect();
    let mut payload = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
    payload[10] ^= 1;
    let tampered = URL_SAFE_NO_PAD.encode(&payload);
    let footer =
        URL_SAFE_NO_PAD.encode("{\"kid\":\"k4.pid.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    for bad in [
        foreign.access.clone(),
        tokens.refresh.clone(),
        client.id.clone(),
        "x".to_owned(),
        format!("v4.public.{tampered}.{}", parts[3]),
        format!("v4.public.{}.{footer}", parts[2]),
        format!("v4.public.{}", parts[2]),
        format!("v4.local.{}.{}", parts[2], parts[3]),
        format!("v3.public.{}.{}", parts[2], parts[3]),
        format!("V4.PUBLIC.{}.{}", parts[2], parts[3]),
        format!("{}A", tokens.access),
        format!("{}=", tokens.access),
        format!("{}.x", tokens.access),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhY2N0X0EifQ.".to_owned(),
        "a".repeat(20_000),
    ] {
        for path in ["/api/me", "/mcp"] {
            let answer = asking(&server, path, &format!("Bearer {bad}")).await;
            assert!(
                [400, 401].contains(&answer.status.as_u16()),
                "{path} {bad}: {answer:?}"
            );
            let challenge = answer
                .header(header::WWW_AUTHENTICATE)
                .expect("a challenge");
            assert!(
                challenge.starts_with("Bearer error=\"invalid_"),
                "{bad}: {challenge}"
            );
        }
    }
    // RFC 6750 section 2: tokens in the query and in the body are ignored.
    assert_eq!(
        server
            .get(&format!("/api/me?access_token={}", tokens.access))
            .await
            .status,
        401
    );
    client.me(&tokens.access).await.granted();
    assert_eq!(
        asking(&server, "/api/me", &format!("bearer {}", tokens.access))
            .await
            .status,
        200
    );
    drop(twin_server);
}

async fn r_a8_an_access_token_is_valid_for_an_hour(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.pass(3599);
    client.me(&tokens.access).await.granted();
    client
        .call(&tokens.access, "whoami", json!({}))
        .await
        .granted();
    server.pass(1);
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

async fn t_c22_a_rotated_key_verifies_until_its_overlap_ends(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.lifetimes.access_token = std::time::Duration::from_hours(2);
    })
    .await;
    server.add_alice().await;
    // The setting is shorter than a token's lifetime: the overlap is at least that lifetime.
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let old = client.connect(&mut browser).await;
    server
        .provider
        .terminal()
        .rotate_keys(false)
        .await
        .expect("rotated");
    let new = Tokens::read(&client.refresh(&old.refresh).await);
    let kid = |tokens: &Tokens| {
        tokens
            .access
            .rsplit('.')
            .next()
            .expect("a footer")
            .to_owned()
    };
    assert_ne!(kid(&old), kid(&new));
    server.pass(7199);
    client.me(&old.access).await.granted();
    client.me(&new.access).await.granted();
    server.pass(24 * 3600);
    client.me(&old.access).await.refused(401, "invalid_token");
    client.me(&new.access).await.refused(401, "invalid_token");
}

async fn a_token_for_another_resource_is_accepted_only_by_me(engine: EngineKind) {
    let other = "https://elsewhere.example/mcp";
    let server = TestServer::with(engine, |settings| {
        settings.resources.push(Resource::new(
            ResourceIdentifier::parse(other).expect("an identifier"),
            "Elsewhere".to_owned(),
            vec![ScopeDescription {
                name: "notes:read".to_owned(),
                sentence: "Read".to_owned(),
                default: true,
            }],
        ));
    })
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("resource", other));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let tokens = Tokens::read(
        &server
            .post("/token", &client.code_form(&code).set("resource", other))
            .await,
    );
    client.me(&tokens.access).await.granted();
    assert_eq!(
        client
            .call(&tokens.access, "whoami", json!({}))
            .await
            .status,
        401
    );
    // With several resources, none is chosen by default.
    let silent = client.asking(|query| query.without("resource"));
    assert!(
        server
            .get(&silent.authorize_path())
            .await
            .destination()
            .contains("error=invalid_target")
    );
}

async fn r_p8_a_tool_that_needs_more_scope_answers_403(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let writer = client
        .asking(|query| query.set("scope", "notes:write"))
        .connect(&mut browser)
        .await;
    let refused = client.call(&writer.access, "whoami", json!({})).await;
    assert_eq!(refused.status, 403);
    let challenge = refused
        .header(header::WWW_AUTHENTICATE)
        .expect("a challenge");
    assert!(
        challenge.starts_with("Bearer error=\"insufficient_scope\"")
            && challenge.contains("scope=\"notes:read\""),
        "{challenge}"
    );
    // The opposite case is in step_up.rs.
}

async fn r_p12_p13_the_mcp_server_has_no_sessions_and_refuses_foreign_origins(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let answer = client.call(&tokens.access, "whoami", json!({})).await;
    assert_eq!(answer.header("mcp-session-id"), None);
    for (name, value) in [
        (header::ORIGIN, "https://evil.example"),
        (header::HOST, "evil.example"),
    ] {
        let mut request = request(Method::POST, "/mcp")
            .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .body(Body::from(
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string(),
            ))
            .expect("a request");
        request
            .headers_mut()
            .insert(name, value.parse().expect("a header"));
        assert_eq!(server.send(request).await.status, 403);
    }
}

async fn t_c25_me_refuses_disabled_and_removed_accounts_at_once(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    let answer = client.me(&tokens.access).await;
    answer.refused(401, "invalid_token");
    let challenge = answer
        .header(header::WWW_AUTHENTICATE)
        .expect("a challenge");
    assert!(
        challenge.starts_with("Bearer error=\"invalid_token\"")
            && challenge.contains("scope=\"notes:read"),
        "{challenge}"
    );
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ALICE)
        .await
        .expect("removed");
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
}

async fn asking(server: &TestServer, path: &str, authorization: &str) -> TestResponse {
    let request = request(Method::GET, path).header(header::AUTHORIZATION, authorization);
    server
        .send(request.body(Body::empty()).expect("a request"))
        .await
}
