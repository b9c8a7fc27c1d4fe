use access_token::{Audience, KeyRing, TokenFormat, TokenService, TokenSubject};
use axum::body::{Body, to_bytes};
use http::{HeaderMap, StatusCode};
use mcp::demonstration::{MAX_REQUEST_BYTES, READ};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, macros::datetime};
use tower::ServiceExt as _;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
const METADATA: &str = "https://id.example/.well-known/oauth-protected-resource/mcp";
const RESOURCE: &str = "https://id.example/mcp";

struct Actor {
    router: Router,
    service: TokenService,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Actor {
    fn new() -> Self {
        let ring = KeyRing::first(NOON, &[1; 32]).expect("a seed");
        let service = TokenService::new("https://id.example".into(), Duration::HOUR, ring);
        let verifier = Arc::new(Verifier::beside(
            service.clone(),
            Audience::Exactly(RESOURCE.into()),
        ));
        let issuer = "https://id.example".parse().expect("a URL");
        let challenge = Challenge::new(METADATA, &[READ]);
        let router = Router::new().nest(
            "/mcp",
            router(
                verifier,
                Arc::new(|| NOON),
                None,
                challenge,
                &issuer,
                Proxies::default(),
            ),
        );
        Self { router, service }
    }

    fn token(&self, sub: &str, scope: &str) -> String {
        let subject = TokenSubject {
            sub: sub.into(),
            aud: RESOURCE.into(),
            client_id: "client".into(),
            device_id: "client".into(),
            scope: scope.into(),
            grant: None,
            email: None,
            name: None,
        };
        format!(
            "Bearer {}",
            self.service
                .issue(NOON, [0; 16], subject, TokenFormat::Paseto)
                .expect("issued")
                .token
        )
    }

    /// Posts as a client does, with these headers besides.
    async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        let mut request = Request::post("/mcp");
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "id.example");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Body::from(message.to_string()));
        self.send(request.expect("a request")).await
    }

    async fn send(&self, request: Request) -> Answer {
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer")
            .into_parts();
        let body = to_bytes(body, 100_000).await.expect("a body");
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn call(&self, token: &str, tool: &str, arguments: Value) -> Value {
        let headers = [
            ("authorization", token),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        let answer = self.post(&headers, &call(tool, arguments)).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body["result"].clone()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "reads better in the tests")]
fn call(tool: &str, arguments: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

#[tokio::test]
async fn a_client_initializes_lists_the_tools_and_calls_them() {
    let actor = Actor::new();
    let token = actor.token("ada", "notes:read notes:write");
    let headers = [("authorization", token.as_str())];

    let initialized = actor.post(&headers, &initialize()).await;
    assert_eq!(initialized.status, StatusCode::OK);
    assert_eq!(initialized.body["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(
        initialized.body["result"]["serverInfo"]["name"],
        "vestibule-demonstration"
    );
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(
        actor.post(&headers, &ready).await.status,
        StatusCode::ACCEPTED
    );

    let listed = actor
        .post(
            &headers,
            &json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }),
        )
        .await;
    let tools = listed.body["result"]["tools"].as_array().expect("tools");
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["add_note", "whoami"]);

    let who = actor.call(&token, "whoami", json!({})).await;
    let caller = json!({ "sub": "ada", "client_id": "client", "scope": "notes:read notes:write" });
    assert_eq!(who["structuredContent"], caller);
    let text = who["content"][0]["text"]
        .as_str()
        .expect("the same as text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), caller);

    for count in 1..=2 {
        let noted = actor
            .call(&token, "add_note", json!({ "text": "remember" }))
            .await;
        assert_eq!(noted["structuredContent"]["notes"], count);
    }
    let other = actor
        .call(
            &actor.token("bob", "notes:read notes:write"),
            "add_note",
            json!({ "text": "mine" }),
        )
        .await;
    assert_eq!(other["structuredContent"]["notes"], 1);
}

#[tokio::test]
async fn r_p2_p3_without_a_token_every_request_gets_the_challenge_first() {
    let actor = Actor::new();
    let challenge = format!(r#"Bearer resource_metadata="{METADATA}", scope="notes:read""#);
    let foreign = [("host", "evil.example"), ("origin", "https://evil.example")];
    for answer in [
        actor.post(&[], &initialize()).await,
        actor.post(&foreign, &json!("nonsense")).await,
        actor
            .send(Request::get("/mcp").body(Body::empty()).expect("a request"))
            .await,
    ] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], challenge);
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(
            answer.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS],
            "WWW-Authenticate, Mcp-Session-Id"
        );
    }
}

#[tokio::test]
async fn r_p6_a_token_for_another_service_and_one_that_reads_nothing_are_refused() {
    let actor = Actor::new();
    let subject = TokenSubject {
        sub: "ada".into(),
        aud: "https://elsewhere.example/mcp".into(),
        client_id: "client".into(),
        device_id: "client".into(),
        scope: READ.into(),
        grant: None,
        email: None,
        name: None,
    };
    let elsewhere = format!(
        "Bearer {}",
        actor
            .service
            .issue(NOON, [0; 16], subject, TokenFormat::Paseto)
            .expect("issued")
            .token
    );
    let answer = actor
        .post(&[("authorization", &elsewhere)], &initialize())
        .await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (StatusCode::UNAUTHORIZED, &json!("invalid_token"))
    );

    let answer = actor
        .post(
            &[("authorization", &actor.token("ada", "notes:write"))],
            &initialize(),
        )
        .await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (StatusCode::FORBIDDEN, &json!("insufficient_scope"))
    );
}

#[tokio::test]
async fn r_p7_p8_p9_whoever_lacks_a_scope_is_told_all_that_the_operation_needs_in_one_challenge() {
    let actor = Actor::new();
    let adding = call("add_note", json!({ "text": "remember" }));
    let asking = call("whoami", json!({}));
    for (scopes, message, needed) in [
        ("notes:read", &adding, "notes:read notes:write"),
        ("notes:write", &adding, "notes:read notes:write"),
        ("other", &adding, "notes:read notes:write"),
        (
            "notes:read",
            &json!([asking, adding]),
            "notes:read notes:write",
        ),
        ("notes:write", &asking, "notes:read"),
        ("notes:reader notes:", &asking, "notes:read"),
    ] {
        let token = actor.token("ada", scopes);
        for revision in ["2025-03-26", "2025-11-25", "2026-07-28"] {
            let headers = [
                ("authorization", token.as_str()),
                ("mcp-protocol-version", revision),
            ];
            let answer = actor.post(&headers, message).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scopes} {revision}");
            let expected = format!(
                "Bearer error=\"insufficient_scope\", error_description=\"the token does not permit this\", \
                 resource_metadata=\"{METADATA}\", scope=\"{needed}\""
            );
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], expected);
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_goes_no_further() {
    let actor = Actor::new();
    let token = actor.token("ada", "notes:read notes:write");
    let headers = [("authorization", token.as_str())];
    let answer = actor
        .post(
            &headers,
            &call("add_note", json!({ "text": "x".repeat(MAX_REQUEST_BYTES) })),
        )
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_client_of_revision_2026_07_28_calls_without_initializing() {
    let actor = Actor::new();
    let token = actor.token("ada", "notes:read notes:write");
    let headers = |tool| {
        [
            ("authorization", token.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ]
    };
    let mut message = call("add_note", json!({ "text": "remember" }));
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let answer = actor.post(&headers("add_note"), &message).await;
    assert_eq!(
        (
            answer.status,
            &answer.body["result"]["structuredContent"]["notes"]
        ),
        (StatusCode::OK, &json!(1))
    );
    // A name that hides the tool from the check above is refused by the transport.
    assert_eq!(
        actor.post(&headers("whoami"), &message).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn r_p13_a_foreign_origin_or_host_is_refused_and_the_known_ones_pass() {
    let actor = Actor::new();
    let token = actor.token("ada", "notes:read");
    let status = async |host: &str, origin: Option<&str>| {
        let mut headers = vec![("authorization", token.as_str()), ("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        actor.post(&headers, &initialize()).await.status
    };
    for origin in [
        "https://id.example",
        "https://id.example:443",
        "http://localhost:6274",
        "http://127.0.0.1:6274",
        "http://[::1]:1",
    ] {
        assert_eq!(
            status("id.example", Some(origin)).await,
            StatusCode::OK,
            "{origin}"
        );
    }
    for origin in [
        "https://evil.example",
        "http://id.example",
        "https://id.example:8443",
        "null",
        "https://localhost.evil.example",
    ] {
        assert_eq!(
            status("id.example", Some(origin)).await,
            StatusCode::FORBIDDEN,
            "{origin}"
        );
    }
    for host in [
        "localhost:3000",
        "127.0.0.1:3000",
        "[::1]:3000",
        "id.example:443",
    ] {
        assert_eq!(status(host, None).await, StatusCode::OK, "{host}");
    }
    assert_eq!(status("evil.example", None).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_allows_what_clients_send() {
    let actor = Actor::new();
    let preflight = Request::options("/mcp")
        .header("host", "id.example")
        .header("origin", "https://inspector.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization, content-type, mcp-protocol-version",
        )
        .body(Body::empty());
    let answer = actor.send(preflight.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(
        !answer
            .headers
            .contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS)
    );
    let allowed = answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS]
        .to_str()
        .expect("text");
    for name in [
        "authorization",
        "content-type",
        "accept",
        "mcp-protocol-version",
        "mcp-session-id",
        "last-event-id",
    ] {
        assert!(allowed.split(", ").any(|one| one == name), "{name}");
    }
    let bare = Request::options("/mcp")
        .header("host", "id.example")
        .body(Body::empty());
    assert_eq!(
        actor.send(bare.expect("a request")).await.status,
        StatusCode::UNAUTHORIZED
    );
}
