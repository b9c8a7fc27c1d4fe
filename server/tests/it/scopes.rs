//! Granted scopes and resources (R-A16, R-A17, R-A19, R-K6, R-K7, R-K9, R-O13, R-P3, R-P4, R-P5;
//! T-C19).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header;
use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use serde_json::{Value, json};
use testkit::{
    EngineKind, on_both_engines,
    routed::{Browser, Callback, ISSUER, MCP, McpClient, TestServer, Tokens},
};

const DOCUMENT: &str = "/.well-known/oauth-protected-resource/mcp";
/// An origin as a resource, in canonical form.
const WHOLE: &str = "https://files.example";
const PORTED: &str = "https://vestibule.example:8443/Mcp?tenant=A";

on_both_engines!(
    r_p3_p4_p5_k9_the_resource_lists_a_baseline_and_the_server_all_scopes,
    r_k7_o13_a_request_without_scope_gets_the_default_scopes,
    r_a16_unknown_scopes_are_dropped_and_the_result_is_reported,
    a_narrowed_exchange_affects_only_its_access_token,
    r_k6_a19_every_token_is_for_the_requested_resource,
    r_a17_a_resource_is_found_by_every_equivalent_spelling,
    t_c19_an_unknown_resource_is_an_invalid_target_and_consumes_nothing,
);

async fn r_p3_p4_p5_k9_the_resource_lists_a_baseline_and_the_server_all_scopes(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    assert_eq!(
        server.get(DOCUMENT).await.granted()["scopes_supported"],
        json!(["notes:read"])
    );
    for path in ["/mcp", "/api/me"] {
        let challenge = server
            .get(path)
            .await
            .header(header::WWW_AUTHENTICATE)
            .expect("a challenge")
            .to_owned();
        assert_eq!(
            challenge,
            format!("Bearer resource_metadata=\"{ISSUER}{DOCUMENT}\", scope=\"notes:read\"")
        );
    }
    let metadata = server
        .get("/.well-known/oauth-authorization-server")
        .await
        .granted();
    assert_eq!(
        metadata["scopes_supported"],
        json!(["notes:read", "notes:write", "offline_access"])
    );
}

async fn r_k7_o13_a_request_without_scope_gets_the_default_scopes(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    for (asked, granted) in [
        (None, "notes:read"),
        (Some(""), "notes:read"),
        (Some("offline_access"), "notes:read offline_access"),
        (Some("openid offline_access"), "notes:read offline_access"),
    ] {
        assert_eq!(
            granted_to(&mut browser, &client, asked).await,
            granted,
            "{asked:?}"
        );
    }
}

async fn r_a16_unknown_scopes_are_dropped_and_the_result_is_reported(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    for (asked, granted) in [
        (
            "openid email profile notes:write notes:write",
            "notes:write",
        ),
        ("notes:write  notes:read claudeai", "notes:write notes:read"),
        ("NOTES:READ notes:read:all notes:write", "notes:write"),
    ] {
        assert_eq!(
            granted_to(&mut browser, &client, Some(asked)).await,
            granted,
            "{asked}"
        );
    }
    let nothing = client.asking(|query| query.set("scope", "openid email profile"));
    let refused = browser.pass(&nothing).await.query;
    assert_eq!(
        (refused.one("error"), refused.one("iss")),
        (Some("invalid_scope"), Some(ISSUER))
    );
}

async fn a_narrowed_exchange_affects_only_its_access_token(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read notes:write"));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let narrow = server
        .post(
            "/token",
            &client.code_form(&code).and("scope", "notes:read"),
        )
        .await;
    assert_eq!(narrow.granted()["scope"], "notes:read");
    let tokens = Tokens::read(&narrow);
    assert_eq!(claims(&tokens.access)["scope"], "notes:read");
    // The user allowed both, and the grant still has both.
    assert_eq!(
        client.refresh(&tokens.refresh).await.granted()["scope"],
        "notes:read notes:write"
    );
}

async fn r_k6_a19_every_token_is_for_the_requested_resource(engine: EngineKind) {
    let server = with_three_resources(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = McpClient::native(&server).await;
    for resource in [MCP, WHOLE, PORTED] {
        let client = client.asking(|query| query.set("resource", resource));
        let code = browser.allow(&client).await;
        let tokens = Tokens::read(
            &server
                .post("/token", &client.code_form(&code).set("resource", resource))
                .await,
        );
        assert_eq!(claims(&tokens.access)["aud"], resource);
        // Without a resource, it is that of the grant.
        let refreshed = Tokens::read(&client.refresh(&tokens.refresh).await);
        assert_eq!(claims(&refreshed.access)["aud"], resource);
        let code = browser.allow(&client).await;
        let tokens = Tokens::read(
            &server
                .post("/token", &client.code_form(&code).without("resource"))
                .await,
        );
        assert_eq!(claims(&tokens.access)["aud"], resource);
        let opens = client
            .call(&tokens.access, "whoami", json!({}))
            .await
            .status;
        assert_eq!(
            opens.as_u16(),
            if resource == MCP { 200 } else { 401 },
            "{resource}"
        );
    }
    // With several resources, the server does not choose one.
    let silent = client.asking(|query| query.without("resource"));
    assert_eq!(
        browser.pass(&silent).await.query.one("error"),
        Some("invalid_target")
    );
}

async fn r_a17_a_resource_is_found_by_every_equivalent_spelling(engine: EngineKind) {
    let server = with_three_resources(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = McpClient::native(&server).await;
    for (canonical, spellings) in [
        (
            WHOLE,
            [
                "https://files.example/",
                "HTTPS://Files.Example",
                "https://files.example:443/",
            ],
        ),
        (
            MCP,
            [
                "https://VESTIBULE.example/mcp",
                "https://vestibule.example:443/mcp",
                "Https://vestibule.example/mcp",
            ],
        ),
        (
            PORTED,
            [
                "HTTPS://vestibule.example:8443/Mcp?tenant=A",
                "https://Vestibule.Example:8443/Mcp?tenant=A",
                PORTED,
            ],
        ),
    ] {
        for spelling in spellings {
            let client = client.asking(|query| query.set("resource", spelling));
            let code = browser.allow(&client).await;
            let tokens = Tokens::read(
                &server
                    .post("/token", &client.code_form(&code).set("resource", spelling))
                    .await,
            );
            assert_eq!(claims(&tokens.access)["aud"], canonical, "{spelling}");
            let again = client
                .refresh_form(&tokens.refresh)
                .and("resource", spelling);
            assert_eq!(
                claims(&Tokens::read(&server.post("/token", &again).await).access)["aud"],
                canonical,
                "{spelling}"
            );
        }
    }
    // Path and query are compared exactly.
    for other in [
        "https://vestibule.example/mcp/",
        "https://vestibule.example/Mcp",
        "https://vestibule.example/%6dcp",
    ] {
        let client = client.asking(|query| query.set("resource", other));
        assert_eq!(
            browser.pass(&client).await.query.one("error"),
            Some("invalid_target"),
            "{other}"
        );
    }
}

async fn t_c19_an_unknown_resource_is_an_invalid_target_and_consumes_nothing(engine: EngineKind) {
    let server = with_three_resources(engine).await;
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let other = WHOLE;
    let unknown = "https://unknown.example/mcp";
    for resource in [
        other,
        PORTED,
        unknown,
        "mcp",
        "https://vestibule.example/mcp#x",
    ] {
        server
            .post("/token", &client.code_form(&code).set("resource", resource))
            .await
            .refused(400, "invalid_target");
    }
    let tokens = Tokens::read(&client.exchange(&code).await);
    let form = client.refresh_form(&tokens.refresh);
    for resource in [other, PORTED, unknown, "mcp"] {
        server
            .post("/token", &form.clone().and("resource", resource))
            .await
            .refused(400, "invalid_target");
    }
    // Neither the code nor the refresh token was consumed: with a window of zero, a used one would
    // revoke the grant.
    server.pass(60);
    let next = Tokens::read(&client.refresh(&tokens.refresh).await);
    client.me(&next.access).await.granted();
}

async fn with_three_resources(engine: EngineKind) -> TestServer {
    let resource = |identifier: &str, name: &str| {
        Resource::new(
            ResourceIdentifier::parse(identifier).expect("an identifier"),
            name.to_owned(),
            vec![ScopeDescription {
                name: "use".to_owned(),
                sentence: "Use it".to_owned(),
                default: true,
            }],
        )
    };
    let others = [
        resource("https://files.example/", "Files"),
        resource(PORTED, "Ported"),
    ];
    let server = TestServer::with(engine, |settings| settings.resources.extend(others)).await;
    server.add_alice().await;
    server
}

async fn granted_to(browser: &mut Browser, client: &McpClient, asked: Option<&str>) -> String {
    let client = client.asking(|query| match asked {
        Some(scope) => query.set("scope", scope),
        None => query.without("scope"),
    });
    let code: Callback = browser.decide(&client, "Allow").await;
    let body = client
        .exchange(code.query.one("code").expect("a code"))
        .await
        .granted();
    body["scope"]
        .as_str()
        .expect("a scope is always named")
        .to_owned()
}

/// The claims of an access token.
fn claims(access: &str) -> Value {
    let payload = URL_SAFE_NO_PAD
        .decode(access.split('.').nth(2).expect("a payload"))
        .expect("base64url");
    serde_json::from_slice(&payload[..payload.len() - 64])
        .expect("claims before a signature of 64 bytes")
}
