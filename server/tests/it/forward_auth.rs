//! Forward auth: what a reverse proxy is told of a request to a protected resource.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use guard::{Rule, Rules, Unlabelled};
use http::{Method, header};
use jose::{Jwks, UnverifiedJwt};
use oauth::{
    Digest,
    resource::{Resource, ResourceIdentifier},
};
use primitives::{JwtType, SigningAlgorithm, TokenFormat};
use provider::Settings;
use serde_json::{Value, json};
use server::Guards;
use testkit::{
    EngineKind, Query, TestClock, basic, on_both_engines,
    routed::{ALICE, Browser, ISSUER, MCP, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    a_live_token_passes_and_the_server_behind_is_told_whose_it_is,
    a_request_without_a_good_token_gets_the_challenge_of_the_resource,
    a_malformed_request_is_400,
    a_call_needs_the_scopes_of_its_rules,
    headers_that_do_not_say_what_is_called_buy_nothing,
    streams_and_ends_of_sessions_need_a_token_alone,
    the_method_of_a_client_does_not_replace_the_one_of_the_proxy,
    preflights_pass_without_a_token,
    a_token_of_another_resource_or_format_is_refused,
    a_revocation_counts_at_once_on_every_server,
    a_token_of_a_disabled_account_is_refused,
    the_address_is_told_only_when_the_grant_discloses_it,
    the_assertion_is_verified_with_the_published_keys_and_is_no_access_token,
    a_reload_gives_a_new_id_its_keys,
    an_unknown_id_is_404,
    the_metadata_of_a_resource_is_found_by_its_id,
    a_store_failure_is_503_and_no_challenge,
    a_passed_request_costs_one_read,
    forward_auth_has_no_rate_limit,
);

const OTHER: &str = "https://other.example/mcp?tenant=a";
const SECRET: &str = "vis_the-secret-of-the-notes";
const TOLD: [&str; 7] = [
    "vestibule-subject",
    "vestibule-email",
    "vestibule-name",
    "vestibule-client",
    "vestibule-scope",
    "vestibule-device",
    "vestibule-assertion",
];
const VERSION: [&str; 2] = ["mcp-protocol-version", "2026-07-28"];
const EDDSA: TokenFormat = TokenFormat::Jwt {
    algorithm: SigningAlgorithm::EdDsa,
    jwt_type: JwtType::AccessToken,
};

fn identifier(text: &str) -> ResourceIdentifier {
    ResourceIdentifier::parse(text).expect("an identifier")
}

/// Two resources with ids, of which the second is on another host.
fn resources(settings: &mut Settings) {
    let notes = &mut settings.resources[0];
    notes.id = Some("notes".to_owned());
    notes.introspection_secret = Some(Digest::of(SECRET.as_bytes()));
    let other = Resource {
        identifier: identifier(OTHER),
        id: Some("other".to_owned()),
        ..notes.clone()
    };
    settings.resources.push(other);
}

fn guards(unlabelled: Unlabelled) -> Guards {
    let rule = |method, name, scope| Rule::new(method, name, scope).expect("a rule");
    let rules = vec![
        rule(Some("tools/call"), Some("add_*"), "notes:write"),
        rule(Some("tools/call"), Some("t\u{f6}\u{f6}l"), "notes:write"),
        rule(Some("resources/read"), None, "notes:read notes:write"),
    ];
    Guards::default().with(identifier(MCP), Rules::new(rules, unlabelled))
}

async fn serving(engine: EngineKind) -> TestServer {
    let server = TestServer::with(engine, resources).await;
    server.add_alice().await;
    server
}

async fn connected(engine: EngineKind) -> (TestServer, McpClient, Tokens) {
    let server = serving(engine).await;
    let client = McpClient::native(&server).await;
    let client = client.asking(|query| query.set("resource", MCP));
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    (server, client, tokens)
}

/// A question of a proxy, with the method of the request as Traefik and Caddy say it.
async fn ask(server: &TestServer, token: &str, verb: &str, more: &[[&str; 2]]) -> TestResponse {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![
        ["authorization", authorization.as_str()],
        ["x-forwarded-method", verb],
    ];
    headers.extend(more);
    send(server, Method::GET, "/forward-auth/notes", &headers).await
}

async fn send(
    server: &TestServer,
    method: Method,
    path: &str,
    headers: &[[&str; 2]],
) -> TestResponse {
    let mut question = request(method, path);
    for [name, value] in headers {
        question = question.header(*name, *value);
    }
    let question = question.body(axum::body::Body::empty());
    server.send(question.expect("a request")).await
}

fn passed(answer: &TestResponse) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(answer.body, "");
    for name in TOLD {
        assert!(answer.header(name).is_some(), "{name}: {answer:?}");
    }
}

/// A refusal with the challenge of the resource.
fn refused(answer: &TestResponse, status: u16, error: &str, scope: &str) {
    answer.refused(status, error);
    let challenge = answer.header(header::WWW_AUTHENTICATE);
    let challenge = challenge.expect("a challenge");
    let expected = format!(
        "resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource/mcp\", scope=\"{scope}\""
    );
    assert!(
        challenge.starts_with(&format!("Bearer error=\"{error}\""))
            && challenge.ends_with(&expected),
        "{challenge}"
    );
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(TOLD.iter().all(|name| answer.header(*name).is_none()));
}

async fn a_live_token_passes_and_the_server_behind_is_told_whose_it_is(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let sub = client.me(&tokens.access).await.granted()["sub"].clone();
    let spoofed = TOLD.map(|name| [name, "mallory"]);
    let bearer = format!("Bearer {}", tokens.access);
    let mut headers = vec![["authorization", bearer.as_str()]];
    headers.extend(spoofed);
    for (method, path) in [
        (Method::GET, "/forward-auth/notes"),
        (Method::HEAD, "/forward-auth/notes"),
        (Method::POST, "/forward-auth/notes?x=y"),
        (Method::POST, "/ext-authz/notes"),
        (Method::DELETE, "/ext-authz/notes/"),
        (Method::PATCH, "/ext-authz/notes/mcp"),
        (Method::POST, "/ext-authz/notes/a/b/%2e%2e/c?d=e"),
    ] {
        let answer = send(&server, method, path, &headers).await;
        passed(&answer);
        let told = TOLD.map(|name| answer.header(name).unwrap_or_default());
        let expected = [
            sub.as_str().expect("a subject"),
            "",
            "",
            &client.id,
            "notes:read",
            &client.id,
        ];
        assert_eq!(told[..6], expected, "{path}");
        assert_eq!(told[6].split('.').count(), 3, "{path}");
    }
}

async fn a_request_without_a_good_token_gets_the_challenge_of_the_resource(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let server = server.guarded(guards(Unlabelled::Refuse));
    let metadata = format!("{ISSUER}/.well-known/oauth-protected-resource/mcp");
    for headers in [
        &[][..],
        &[["authorization", "Basic YTpi"]],
        &[["x-forwarded-method", "POST"]],
    ] {
        let answer = send(&server, Method::GET, "/forward-auth/notes", headers).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header(header::WWW_AUTHENTICATE),
            Some(format!("Bearer resource_metadata=\"{metadata}\", scope=\"notes:read\"").as_str())
        );
        assert_eq!(answer.json().get("error"), None);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let answer = send(&server, Method::POST, "/ext-authz/other/mcp", &[]).await;
    assert_eq!(
        answer.header(header::WWW_AUTHENTICATE),
        Some(
            "Bearer resource_metadata=\"https://other.example/.well-known/oauth-protected-resource/mcp?tenant=a\", \
             scope=\"notes:read\""
        )
    );
    let forged = format!("{}A", &tokens.access[..tokens.access.len() - 1]);
    for token in [
        "x",
        "v4.public.AAAA",
        "eyJhbGciOiJub25lIn0.e30.",
        &forged,
        &tokens.refresh,
    ] {
        let answer = ask(&server, token, "POST", &[]).await;
        refused(&answer, 401, "invalid_token", "notes:read");
    }
    server.pass(3600);
    let answer = ask(&server, &tokens.access, "GET", &[]).await;
    refused(&answer, 401, "invalid_token", "notes:read");
}

async fn a_malformed_request_is_400(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let twice = [["authorization", "Bearer x"]];
    let answer = ask(&server, &tokens.access, "POST", &twice).await;
    refused(&answer, 400, "invalid_request", "notes:read");
    for token in ["", "a b", "a,b"] {
        let answer = ask(&server, token, "POST", &[]).await;
        refused(&answer, 400, "invalid_request", "notes:read");
    }
}

async fn a_call_needs_the_scopes_of_its_rules(engine: EngineKind) {
    let (server, client, narrow) = connected(engine).await;
    let server = server.guarded(guards(Unlabelled::Refuse));
    let encoded = |name: &str| format!("=?base64?{}?=", BASE64_STANDARD.encode(name));
    let call = async |token: &str, method: &str, name: &str| {
        let labels = [VERSION, ["mcp-method", method], ["mcp-name", name]];
        ask(&server, token, "POST", &labels).await
    };
    for (method, name) in [
        ("tools/call", "whoami"),
        ("tools/call", "Add_note"),
        ("tools/call", &encoded("whoami")),
        ("prompts/get", "add_note"),
    ] {
        passed(&call(&narrow.access, method, name).await);
    }
    let listing = [VERSION, ["mcp-method", "tools/list"]];
    passed(&ask(&server, &narrow.access, "POST", &listing).await);
    let needing = [
        ("tools/call", "add_note".to_owned(), "notes:write"),
        ("tools/call", encoded("add_note"), "notes:write"),
        ("tools/call", encoded("t\u{f6}\u{f6}l"), "notes:write"),
        ("tools/call", "whoami, add_note".to_owned(), "notes:write"),
        (
            "resources/read",
            "file:///x".to_owned(),
            "notes:read notes:write",
        ),
    ];
    for (method, name, scope) in &needing {
        let answer = call(&narrow.access, method, name).await;
        refused(&answer, 403, "insufficient_scope", scope);
    }
    let wider = client.asking(|query| query.set("scope", "notes:read notes:write"));
    let wide = wider.connect(&mut Browser::of_alice(&server).await).await;
    for (method, name, _) in &needing {
        let answer = call(&wide.access, method, name).await;
        passed(&answer);
        assert_eq!(
            answer.header("vestibule-scope"),
            Some("notes:read notes:write")
        );
    }
    // Envoy asks with the method of the request.
    let bearer = format!("Bearer {}", narrow.access);
    let labels = [
        ["authorization", bearer.as_str()],
        VERSION,
        ["mcp-method", "tools/call"],
        ["mcp-name", "add_note"],
        ["x-forwarded-method", "GET"],
    ];
    let answer = send(&server, Method::POST, "/ext-authz/notes/mcp", &labels).await;
    refused(&answer, 403, "insufficient_scope", "notes:write");
    passed(&send(&server, Method::GET, "/ext-authz/notes/mcp", &labels).await);
}

async fn headers_that_do_not_say_what_is_called_buy_nothing(engine: EngineKind) {
    let (server, client, narrow) = connected(engine).await;
    let wider = client.asking(|query| query.set("scope", "notes:read notes:write"));
    let wide = wider.connect(&mut Browser::of_alice(&server).await).await;
    let strict = server.clone().guarded(guards(Unlabelled::Refuse));
    let lenient = server.clone().guarded(guards(Unlabelled::AllScopes));
    let ping = ["mcp-method", "ping"];
    for labels in [
        &[][..],
        &[VERSION],
        &[ping],
        &[["mcp-protocol-version", "2025-11-25"], ping],
        &[["mcp-protocol-version", "zzzz"], ping],
        &[VERSION, ["mcp-method", "tools/call"]],
    ] {
        for token in [&narrow.access, &wide.access] {
            let answer = ask(&strict, token, "POST", labels).await;
            refused(&answer, 400, "invalid_request", "notes:read");
            // Without rules, nothing has to be said.
            passed(&ask(&server, token, "POST", labels).await);
        }
        let answer = ask(&lenient, &narrow.access, "POST", labels).await;
        refused(&answer, 403, "insufficient_scope", "notes:write notes:read");
        passed(&ask(&lenient, &wide.access, "POST", labels).await);
    }
    // Malformed and repeated ones are refused, whatever the token permits.
    for labels in [
        &[VERSION, ping, ping][..],
        &[VERSION, VERSION, ping],
        &[VERSION, ["mcp-method", "tools/call, ping"]],
        &[
            VERSION,
            ["mcp-method", "tools/call"],
            ["mcp-name", "a"],
            ["mcp-name", "a"],
        ],
        &[
            VERSION,
            ["mcp-method", "tools/call"],
            ["mcp-name", "=?base64?!?="],
        ],
        &[
            VERSION,
            ["mcp-method", "tools/call"],
            ["mcp-name", "=?base64?/w==?="],
        ],
    ] {
        for server in [&strict, &lenient] {
            let answer = ask(server, &wide.access, "POST", labels).await;
            refused(&answer, 400, "invalid_request", "notes:read");
        }
    }
}

async fn streams_and_ends_of_sessions_need_a_token_alone(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let server = server.guarded(guards(Unlabelled::Refuse));
    for verb in ["GET", "HEAD", "DELETE"] {
        passed(&ask(&server, &tokens.access, verb, &[]).await);
        let without = [["x-original-method", verb]];
        let answer = send(&server, Method::GET, "/forward-auth/notes", &without).await;
        assert_eq!(answer.status, 401);
    }
    for verb in ["POST", "PUT", "PATCH", "get", "QUERY"] {
        let answer = ask(&server, &tokens.access, verb, &[]).await;
        refused(&answer, 400, "invalid_request", "notes:read");
    }
}

async fn the_method_of_a_client_does_not_replace_the_one_of_the_proxy(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let server = server.guarded(guards(Unlabelled::Refuse));
    let bearer = format!("Bearer {}", tokens.access);
    let ask = async |method: Method, headers: &[[&str; 2]]| {
        let all = [&[["authorization", bearer.as_str()]], headers].concat();
        send(&server, method, "/forward-auth/notes", &all).await
    };
    for (method, headers) in [
        (
            Method::GET,
            &[["x-original-method", "POST"], ["x-forwarded-method", "GET"]][..],
        ),
        (
            Method::GET,
            &[
                ["x-forwarded-method", "POST"],
                ["x-forwarded-method", "GET"],
            ],
        ),
        (Method::POST, &[["x-forwarded-method", "GET"]]),
        (
            Method::POST,
            &[
                ["x-forwarded-method", "OPTIONS"],
                ["access-control-request-method", "POST"],
            ],
        ),
        // A proxy that does not say the method has not shown that it is GET.
        (Method::GET, &[]),
    ] {
        let answer = ask(method, headers).await;
        refused(&answer, 400, "invalid_request", "notes:read");
    }
    passed(&ask(Method::DELETE, &[]).await);
    passed(
        &ask(
            Method::GET,
            &[["x-original-method", "GET"], ["x-forwarded-method", "GET"]],
        )
        .await,
    );
}

async fn preflights_pass_without_a_token(engine: EngineKind) {
    let server = serving(engine).await.guarded(guards(Unlabelled::Refuse));
    let preflight = ["access-control-request-method", "POST"];
    for (method, path, headers) in [
        (
            Method::GET,
            "/forward-auth/notes",
            vec![preflight, ["x-forwarded-method", "OPTIONS"]],
        ),
        (
            Method::GET,
            "/forward-auth/notes",
            vec![preflight, ["x-original-method", "OPTIONS"]],
        ),
        (
            Method::OPTIONS,
            "/ext-authz/notes/mcp",
            vec![preflight, ["vestibule-subject", "mallory"]],
        ),
    ] {
        let (calls, answer) = server.counting(send(&server, method, path, &headers)).await;
        passed(&answer);
        assert_eq!(calls, 0);
        assert!(TOLD.iter().all(|name| answer.header(*name) == Some("")));
    }
    let options = [["x-forwarded-method", "OPTIONS"]];
    let answer = send(&server, Method::GET, "/forward-auth/notes", &options).await;
    assert_eq!(answer.status, 401);
    let post = [preflight, ["x-forwarded-method", "POST"]];
    let answer = send(&server, Method::GET, "/forward-auth/notes", &post).await;
    assert_eq!(answer.status, 401);
}

async fn a_token_of_another_resource_or_format_is_refused(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let other = client.asking(|query| query.set("resource", OTHER));
    let code = Browser::of_alice(&server).await.allow(&other).await;
    let form = other.code_form(&code).set("resource", OTHER);
    let theirs = Tokens::read(&server.post("/token", &form).await);
    let answer = ask(&server, &theirs.access, "GET", &[]).await;
    refused(&answer, 401, "invalid_token", "notes:read");
    let bearer = format!("Bearer {}", theirs.access);
    let headers = [["authorization", bearer.as_str()]];
    passed(&send(&server, Method::POST, "/ext-authz/other/mcp", &headers).await);

    let jwts = |settings: &mut Settings| settings.resources[0].token_format = EDDSA;
    let twin = server.twin_with(jwts).await;
    let jwt = Tokens::read(&client.at(&twin).refresh(&tokens.refresh).await);
    passed(&ask(&server, &tokens.access, "GET", &[]).await);
    passed(&ask(&twin, &jwt.access, "GET", &[]).await);
    for (server, token) in [(&server, &jwt.access), (&twin, &tokens.access)] {
        let answer = ask(server, token, "GET", &[]).await;
        refused(&answer, 401, "invalid_token", "notes:read");
    }
}

async fn a_revocation_counts_at_once_on_every_server(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let twin = server.twin().await;
    passed(&ask(&twin, &tokens.access, "GET", &[]).await);
    let form = Query::new([
        ("token", tokens.refresh.as_str()),
        ("client_id", &client.id),
    ]);
    server.post("/revoke", &form).await.granted();
    for server in [&server, &twin] {
        let answer = ask(server, &tokens.access, "GET", &[]).await;
        refused(&answer, 401, "invalid_token", "notes:read");
    }
    let again = client.connect(&mut Browser::of_alice(&server).await).await;
    passed(&ask(&twin, &again.access, "GET", &[]).await);
    let clients = server.provider.terminal();
    let removed = clients.clients().remove_client(&client.id).await;
    removed.expect("removed");
    let answer = ask(&twin, &again.access, "GET", &[]).await;
    refused(&answer, 401, "invalid_token", "notes:read");
}

async fn a_token_of_a_disabled_account_is_refused(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let terminal = server.provider.terminal();
    let disabled = terminal.accounts().disable_account(ALICE).await;
    disabled.expect("disabled");
    let answer = ask(&server, &tokens.access, "POST", &[]).await;
    refused(&answer, 401, "invalid_token", "notes:read");
}

async fn the_address_is_told_only_when_the_grant_discloses_it(engine: EngineKind) {
    let (server, client, before) = connected(engine).await;
    let twin = server
        .twin_with(|settings| settings.resources[0].disclosed.email = true)
        .await;
    let told = |answer: &TestResponse| answer.header("vestibule-email").map(str::to_owned);
    // What was allowed before does not tell the address.
    let answer = ask(&twin, &before.access, "GET", &[]).await;
    passed(&answer);
    assert_eq!(told(&answer).as_deref(), Some(""));
    let mut browser = Browser::of_alice(&twin).await;
    let after = client.at(&twin).connect(&mut browser).await;
    let answer = ask(&twin, &after.access, "GET", &[]).await;
    passed(&answer);
    assert_eq!(told(&answer).as_deref(), Some(ALICE));
    // A token with more than the settings allow now is refused, and the client gets another.
    let answer = ask(&server, &after.access, "GET", &[]).await;
    refused(&answer, 401, "invalid_token", "notes:read");
}

async fn the_assertion_is_verified_with_the_published_keys_and_is_no_access_token(
    engine: EngineKind,
) {
    let (server, client, tokens) = connected(engine).await;
    let answer = ask(&server, &tokens.access, "POST", &[]).await;
    let assertion = answer.header("vestibule-assertion").expect("an assertion");
    let metadata = server.get("/.well-known/oauth-authorization-server").await;
    let address = metadata.granted()["jwks_uri"].clone();
    let path = address.as_str().and_then(|uri| uri.strip_prefix(ISSUER));
    let keys = server.get(path.expect("of this server")).await.granted();
    let keys = Jwks::parse(&keys).expect("the published keys");
    let jwt = UnverifiedJwt::<Value>::parse(assertion, &["vestibule-assertion+jwt"]);
    let jwt = jwt.expect("an assertion");
    jwt.verify(&keys).expect("signed");
    let mut claims = jwt.unverified_claims().clone();
    assert!(claims["jti"].take().is_string());
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER, "sub": answer.header("vestibule-subject"), "aud": MCP,
            "client_id": client.id, "scope": "notes:read", "jti": null,
            "iat": TestClock::START, "exp": TestClock::START + 60,
        })
    );
    let second = ask(&server, &tokens.access, "POST", &[]).await;
    assert_ne!(second.header("vestibule-assertion"), Some(assertion));

    // It is not taken for an access token, also where the tokens are JWTs of the same key.
    let jwts = |settings: &mut Settings| settings.resources[0].token_format = EDDSA;
    for server in [&server, &server.twin_with(jwts).await] {
        let refusal = ask(server, assertion, "GET", &[]).await;
        refused(&refusal, 401, "invalid_token", "notes:read");
        let client = client.at(server);
        client.me(assertion).await.refused(401, "invalid_token");
        let called = client.call(assertion, "whoami", json!({})).await;
        called.refused(401, "invalid_token");
        let form = Query::new([("token", assertion)]).encode();
        let asked = request(Method::POST, "/introspect")
            .header("authorization", basic("notes", SECRET))
            .header("content-type", "application/x-www-form-urlencoded");
        let introspected = server.send(asked.body(form.into()).expect("a request"));
        assert_eq!(introspected.await.json(), json!({"active": false}));
        let form = Query::new([("token", assertion), ("client_id", &client.id)]);
        server.post("/revoke", &form).await.granted();
    }
    passed(&ask(&server, &tokens.access, "GET", &[]).await);
}

async fn a_reload_gives_a_new_id_its_keys(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    assert_eq!(server.get("/.well-known/jwks.json").await.status, 404);
    assert_eq!(server.get("/forward-auth/notes").await.status, 404);
    let mut settings = server.provider.settings().clone();
    resources(&mut settings);
    let algorithms = settings.jwt_algorithms();
    assert_eq!(algorithms, [SigningAlgorithm::EdDsa]);
    let keys = server.provider.signing_keys();
    keys.prepare_keys(&algorithms).await.expect("keys");
    let reloaded = server.twin_with(resources).await;
    let keys = reloaded.get("/.well-known/jwks.json").await.granted();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
    // Tokens are PASETO as before, so nothing looks for JWTs where OpenID Connect has them.
    let openid = reloaded.get("/.well-known/openid-configuration").await;
    assert_eq!(openid.status, 404);
}

async fn an_unknown_id_is_404(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let bearer = format!("Bearer {}", tokens.access);
    let headers = [["authorization", bearer.as_str()]];
    for path in [
        "/forward-auth/Notes",
        "/forward-auth/note",
        "/forward-auth/%6eotes%2f",
        "/forward-auth/%ff",
        "/ext-authz/unknown",
        "/ext-authz/unknown/",
        "/ext-authz/unknown/notes",
        "/forward-auth/unknown/metadata",
        "/forward-auth/notes/more",
        "/forward-auth/",
    ] {
        let answer = send(&server, Method::GET, path, &headers).await;
        answer.refused(404, "not_found");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), None);
    }
}

async fn the_metadata_of_a_resource_is_found_by_its_id(engine: EngineKind) {
    let server = serving(engine).await;
    let document = server.get("/forward-auth/other/metadata").await;
    assert_eq!(
        document.granted(),
        json!({
            "resource": OTHER, "authorization_servers": [ISSUER], "scopes_supported": ["notes:read"],
            "bearer_methods_supported": ["header"], "resource_name": "Notes",
        })
    );
    assert_eq!(document.header("access-control-allow-origin"), Some("*"));
    let own = server
        .get("/.well-known/oauth-protected-resource/mcp")
        .await;
    let by_id = server.get("/forward-auth/notes/metadata").await;
    assert_eq!(by_id.body, own.body);
    assert_eq!(
        by_id.header(header::CACHE_CONTROL),
        own.header(header::CACHE_CONTROL)
    );
    let post = send(&server, Method::POST, "/forward-auth/notes/metadata", &[]).await;
    assert_eq!(post.status, 405);
}

async fn a_store_failure_is_503_and_no_challenge(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    server.switch.break_all();
    let answer = ask(&server, &tokens.access, "POST", &[]).await;
    answer.refused(503, "temporarily_unavailable");
    assert!(answer.header(header::RETRY_AFTER).is_some());
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), None);
    assert!(TOLD.iter().all(|name| answer.header(*name).is_none()));
    // What needs no store is answered: a client without a token is told where to get one.
    let answer = send(&server, Method::GET, "/forward-auth/notes", &[]).await;
    assert_eq!(answer.status, 401);
    server.switch.mend();
    passed(&ask(&server, &tokens.access, "POST", &[]).await);
}

async fn a_passed_request_costs_one_read(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let (calls, answer) = server
        .counting(ask(&server, &tokens.access, "POST", &[]))
        .await;
    passed(&answer);
    assert_eq!(calls, 1, "account, grant, client and its epoch at once");
    let (waits, _) = server
        .waits(ask(&server, &tokens.access, "POST", &[]))
        .await;
    assert_eq!(waits, 1, "all at once");
    let (calls, _) = server.counting(ask(&server, "x", "POST", &[])).await;
    assert_eq!(calls, 0, "a bad token");
    let twin = server
        .twin_with(|settings| settings.resources[0].disclosed.email = true)
        .await;
    let mut browser = Browser::of_alice(&twin).await;
    let disclosing = client.at(&twin).connect(&mut browser).await;
    let (calls, _) = twin
        .counting(ask(&twin, &disclosing.access, "POST", &[]))
        .await;
    assert_eq!(calls, 2, "and the address as it is now");
}

async fn forward_auth_has_no_rate_limit(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    for _ in 0..200 {
        passed(&ask(&server, &tokens.access, "POST", &[]).await);
        let answer = ask(&server, "x", "POST", &[]).await;
        assert_eq!(answer.status, 401);
    }
}
