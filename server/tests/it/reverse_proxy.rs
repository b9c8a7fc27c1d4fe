//! The reverse proxy in front of an MCP server that knows nothing of authorization.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use futures_util::{StreamExt as _, stream};
use guard::{Rule, Rules, Unlabelled};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use provider::Settings;
use serde_json::{Value, json};
use server::{Guards, Options, Upstream, proxies::Proxies, router, site::PageFiles};
use testkit::{
    EngineKind, on_both_engines,
    routed::{ALICE, Browser, ISSUER, McpClient, TestResponse, TestServer, Tokens, request},
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tower::ServiceExt as _;

on_both_engines!(
    a_call_with_a_token_reaches_the_server_behind,
    the_name_in_the_token_reaches_the_server_behind,
    without_a_good_token_nothing_reaches_the_server_behind,
    a_resource_at_another_host_is_known_by_host_and_path,
    what_the_server_behind_does_wrong_is_a_502,
    an_answer_that_nothing_has_changed_passes,
    a_message_that_is_too_large_is_refused,
    events_arrive_one_by_one_and_a_client_that_goes_ends_the_stream,
    pages_of_other_origins_may_not_call,
    rules_are_judged_on_the_body_whatever_the_headers_say,
);

const NOTES: &str = "https://vestibule.example/notes";
const ELSEWHERE: &str = "https://notes.example/mcp";
const PATIENCE: Duration = Duration::from_secs(10);

/// What an MCP server behind the proxy has seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<SeenRequest>>>);

#[derive(Clone, Debug)]
struct SeenRequest {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn take(&self) -> Vec<SeenRequest> {
        std::mem::take(&mut self.0.lock().expect("requests"))
    }
}

async fn answer(State(seen): State<Seen>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.to_string();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    seen.0.lock().expect("requests").push(SeenRequest {
        method: parts.method,
        target: target.clone(),
        headers: parts.headers,
        body: body.unwrap_or_default(),
    });
    if target.contains("unmodified") {
        let headers = [(header::ETAG, "\"1\"")];
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if target.contains("redirect") {
        let headers = [(header::LOCATION, "http://127.0.0.1/elsewhere")];
        return (StatusCode::TEMPORARY_REDIRECT, headers).into_response();
    }
    let headers = [
        ("mcp-session-id", "the-session"),
        ("set-cookie", "a=b"),
        ("access-control-allow-origin", "https://evil.example"),
        ("www-authenticate", "Bearer realm=\"inside\""),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("content-type", "application/json"),
    ];
    (headers, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).into_response()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn resource(identifier: &str) -> Resource {
    let scope = |name: &str, default| ScopeDescription {
        name: name.to_owned(),
        sentence: "Use your notes".to_owned(),
        default,
    };
    let scopes = vec![scope("notes:use", true), scope("notes:write", false)];
    Resource::new(identified(identifier), "Notes", scopes)
}

fn identified(identifier: &str) -> ResourceIdentifier {
    ResourceIdentifier::parse(identifier).expect("an identifier")
}

/// A server in front of `address`, which is the resource `identifier`.
async fn in_front(engine: EngineKind, identifier: &str, address: &str) -> TestServer {
    with_rules(engine, identifier, address, Vec::new()).await
}

async fn with_rules(
    engine: EngineKind,
    identifier: &str,
    address: &str,
    rules: Vec<Rule>,
) -> TestServer {
    in_front_of(engine, resource(identifier), address, rules).await
}

async fn in_front_of(
    engine: EngineKind,
    resource: Resource,
    address: &str,
    rules: Vec<Rule>,
) -> TestServer {
    let identifier = resource.identifier.clone();
    let change = |settings: &mut Settings| settings.resources.push(resource);
    let mut server = TestServer::with(engine, change).await;
    server.add_alice().await;
    let mut upstream = Upstream::parse(identifier.clone(), address).expect("an address");
    upstream.authorization = Some(HeaderValue::from_static("Bearer of-the-proxy"));
    let site = PageFiles::new(None, None, "TestServer");
    let options = Options {
        upstreams: vec![upstream],
        guards: Guards::default().with(identifier, Rules::new(rules, Unlabelled::Refuse)),
        ..Options::new(Proxies::default(), site)
    };
    server.router = router(server.provider.clone(), options);
    server
}

async fn tokens_for(server: &TestServer, identifier: &str) -> (McpClient, Tokens) {
    let client = McpClient::native(server).await;
    let client = client.asking(|form| form.set("resource", identifier));
    let mut browser = Browser::of_alice(server).await;
    let code = browser.allow(&client).await;
    let form = client.code_form(&code).set("resource", identifier);
    let tokens = Tokens::read(&server.post("/token", &form).await);
    (client, tokens)
}

fn call(path: &str, token: &str) -> http::request::Builder {
    request(Method::POST, path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
}

const MESSAGE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn message() -> Body {
    Body::from(MESSAGE)
}

/// The error of a JSON-RPC answer.
fn fault(answer: &TestResponse, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert_eq!(
        [&body["jsonrpc"], &body["id"]],
        [&json!("2.0"), &Value::Null]
    );
    assert!(body["error"]["code"].is_i64(), "{body}");
    body["error"]["message"].clone()
}

async fn a_call_with_a_token_reaches_the_server_behind(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let server = in_front(engine, NOTES, &format!("http://{address}/inner/mcp")).await;
    let (client, tokens) = tokens_for(&server, NOTES).await;
    let forged = call("/notes?a=b", &tokens.access)
        .header("mcp-session-id", "before")
        .header("last-event-id", "7")
        .header("mcp-protocol-version", "2025-06-18")
        .header("cookie", "session=secret")
        .header("vestibule-subject", "acct_forged")
        .header("vestibule-email", "forged@example.com")
        .header("vestibule-name", "Forged")
        .header("vestibule_name", "Forged")
        .header("vestibule-anything", "forged")
        .header("vestibule_email", "forged@example.com")
        .header("x_forwarded_for", "10.0.0.1")
        .header("x-forwarded-for", "10.0.0.1")
        .header("connection", "x-mine")
        .header("x-mine", "1")
        .header("te", "trailers");
    let answered = server
        .send(forged.body(message()).expect("a request"))
        .await;
    assert_eq!(
        answered.granted(),
        json!({"jsonrpc": "2.0", "id": 1, "result": {}})
    );
    assert_eq!(answered.header("mcp-session-id"), Some("the-session"));
    assert_eq!(answered.header("access-control-allow-origin"), Some("*"));
    for name in ["set-cookie", "www-authenticate", "x-hop"] {
        assert_eq!(answered.header(name), None, "{name}");
    }
    let [request] = &seen.take()[..] else {
        panic!("one request");
    };
    assert_eq!(
        [request.method.as_str(), &request.target],
        ["POST", "/inner/mcp?a=b"]
    );
    assert_eq!(request.body, MESSAGE);
    let told = |name: &str| {
        request
            .headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    };
    assert_eq!(told("authorization"), Some("Bearer of-the-proxy"));
    assert_eq!(told("host"), Some(address.to_string().as_str()));
    assert_eq!(told("mcp-session-id"), Some("before"));
    assert_eq!(told("last-event-id"), Some("7"));
    assert_eq!(told("mcp-protocol-version"), Some("2025-06-18"));
    assert!(
        told("vestibule-subject")
            .is_some_and(|sub| sub.starts_with("acct_") && sub != "acct_forged")
    );
    assert_eq!(told("vestibule-client"), Some(client.id.as_str()));
    assert_eq!(told("vestibule-scope"), Some("notes:use"));
    assert_eq!(told("vestibule-email"), Some(""));
    assert_eq!(told("vestibule-name"), Some(""));
    for name in [
        "cookie",
        "vestibule-anything",
        "vestibule_email",
        "vestibule_name",
        "x_forwarded_for",
        "x-forwarded-for",
        "x-mine",
        "te",
        "origin",
    ] {
        assert_eq!(told(name), None, "{name}");
    }
    let ending = request_of(Method::DELETE, "/notes", &tokens.access);
    assert_eq!(server.send(ending).await.status, 200);
    assert_eq!(seen.take()[0].method, Method::DELETE);
}

async fn the_name_in_the_token_reaches_the_server_behind(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let mut disclosing = resource(NOTES);
    disclosing.disclosed.name = true;
    let server = in_front_of(
        engine,
        disclosing,
        &format!("http://{address}/mcp"),
        Vec::new(),
    )
    .await;
    let terminal = server.provider.terminal();
    let name = "\u{c1}l\u{ed}ce \u{5c71}\u{7530}";
    let named = terminal.accounts().set_name(ALICE, name).await;
    named.expect("Alice has a name");
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let forged = call("/notes", &tokens.access).header("vestibule-name", "Forged");
    let answered = server.send(forged.body(message()).expect("a request"));
    answered.await.granted();
    let requests = seen.take();
    let told: Vec<_> = requests[0]
        .headers
        .get_all("vestibule-name")
        .iter()
        .collect();
    assert_eq!(told, [name.as_bytes()]);
}

fn request_of(method: Method, path: &str, token: &str) -> Request {
    request(method, path)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .expect("a request")
}

async fn without_a_good_token_nothing_reaches_the_server_behind(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let server = in_front(engine, NOTES, &format!("http://{address}/mcp")).await;
    let (client, tokens) = tokens_for(&server, NOTES).await;
    let (_, other) = tokens_for(&server, testkit::routed::MCP).await;
    let without = request(Method::POST, "/notes").body(message());
    let refused = server.send(without.expect("a request")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header(header::WWW_AUTHENTICATE),
        Some(
            format!(
                "Bearer resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource/notes\", scope=\"notes:use\""
            )
            .as_str()
        )
    );
    let document = server
        .get("/.well-known/oauth-protected-resource/notes")
        .await;
    assert_eq!(document.granted()["resource"], NOTES);
    for token in ["x", &other.access, &tokens.refresh] {
        let refused = server.send(call("/notes", token).body(message()).expect("a request"));
        refused.await.refused(401, "invalid_token");
    }
    let put = request_of(Method::PUT, "/notes", &tokens.access);
    assert_eq!(server.send(put).await.status, 405);
    let preflight = request(Method::OPTIONS, "/notes")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let preflight = server.send(preflight.body(Body::empty()).expect("a request"));
    let preflight = preflight.await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    server
        .post(
            "/revoke",
            &testkit::Query::new([
                ("token", tokens.refresh.as_str()),
                ("client_id", &client.id),
            ]),
        )
        .await
        .granted();
    let revoked = server.send(
        call("/notes", &tokens.access)
            .body(message())
            .expect("a request"),
    );
    revoked.await.refused(401, "invalid_token");
    let (_, again) = tokens_for(&server, NOTES).await;
    server.switch.break_all();
    let unknown = server.send(
        call("/notes", &again.access)
            .body(message())
            .expect("a request"),
    );
    assert_eq!(unknown.await.status, 503);
    server.switch.mend();
    assert!(seen.take().is_empty());
}

async fn a_resource_at_another_host_is_known_by_host_and_path(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let server = in_front(engine, ELSEWHERE, &format!("http://{address}/mcp")).await;
    let (_, tokens) = tokens_for(&server, ELSEWHERE).await;
    let at = |host: &str, path: &str| {
        let request = http::Request::post(path)
            .header("host", host)
            .header("authorization", format!("Bearer {}", tokens.access));
        request.body(message()).expect("a request")
    };
    server.send(at("notes.example", "/mcp")).await.granted();
    server.send(at("NOTES.example:443", "/mcp")).await.granted();
    assert_eq!(seen.take().len(), 2);
    // The demonstration is at this path of the issuer, and takes no other resource's token.
    server
        .send(at("vestibule.example", "/mcp"))
        .await
        .refused(401, "invalid_token");
    for (host, path) in [
        ("notes.example", "/mcp/x"),
        ("notes.example", "/other"),
        ("notes.example:8443", "/mcp"),
        ("notes.example.evil", "/mcp"),
    ] {
        let answered = server.send(at(host, path)).await;
        assert_ne!(answered.status, 200, "{host}{path}");
    }
    assert!(seen.take().is_empty());
    for path in ["", "/mcp", "/"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let described = http::Request::get(&path).header("host", "notes.example");
        let described = server
            .send(described.body(Body::empty()).expect("a request"))
            .await;
        let described = described.granted();
        assert_eq!(described["resource"], ELSEWHERE, "{path}");
        assert_eq!(described["authorization_servers"], json!([ISSUER]));
    }
    let challenged = http::Request::post("/mcp").header("host", "notes.example");
    let challenged = server
        .send(challenged.body(message()).expect("a request"))
        .await;
    let challenge = challenged
        .header(header::WWW_AUTHENTICATE)
        .expect("a challenge");
    assert!(
        challenge.contains("https://notes.example/.well-known/oauth-protected-resource/mcp"),
        "{challenge}"
    );
}

async fn what_the_server_behind_does_wrong_is_a_502(engine: EngineKind) {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let down = closed.local_addr().expect("an address");
    drop(closed);
    let server = in_front(engine, NOTES, &format!("http://{down}/mcp")).await;
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let asked = || {
        call("/notes", &tokens.access)
            .body(message())
            .expect("a request")
    };
    let answered = server.send(asked()).await;
    assert_eq!(
        fault(&answered, 502),
        "The MCP server does not respond. Try again shortly."
    );
    assert_eq!(answered.header("access-control-allow-origin"), Some("*"));
    // It comes back at the same address, and the same token works.
    let seen = Seen::default();
    let listener = TcpListener::bind(down).await.expect("the port again");
    let router = Router::new().fallback(any(answer)).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    server.send(asked()).await.granted();
    let server = in_front(engine, NOTES, &format!("http://{down}/redirect")).await;
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let redirected = server.send(
        call("/notes", &tokens.access)
            .body(message())
            .expect("a request"),
    );
    let words = fault(&redirected.await, 502);
    assert!(
        words
            .as_str()
            .is_some_and(|words| words.contains("redirect")),
        "{words}"
    );
}

/// 304 leads nowhere else, unlike a redirect.
async fn an_answer_that_nothing_has_changed_passes(engine: EngineKind) {
    let router = Router::new()
        .fallback(any(answer))
        .with_state(Seen::default());
    let address = serve(router).await;
    let server = in_front(engine, NOTES, &format!("http://{address}/unmodified")).await;
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let asked = request_of(Method::GET, "/notes", &tokens.access);
    let answered = server.send(asked).await;
    assert_eq!(answered.status, 304);
    assert_eq!(answered.header("etag"), Some("\"1\""));
    assert_eq!(answered.body, "");
}

async fn a_message_that_is_too_large_is_refused(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let server = in_front(engine, NOTES, &format!("http://{address}/mcp")).await;
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let large = |bytes: usize| {
        let parts =
            stream::iter((0..bytes / 1024).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
        call("/notes", &tokens.access)
            .body(Body::from_stream(parts))
            .expect("a request")
    };
    server.send(large(3 * 1024 * 1024)).await.granted();
    assert_eq!(seen.take()[0].body.len(), 3 * 1024 * 1024);
    fault(&server.send(large(5 * 1024 * 1024)).await, 413);
}

async fn events_arrive_one_by_one_and_a_client_that_goes_ends_the_stream(engine: EngineKind) {
    let (events, receiver) = mpsc::unbounded_channel::<&'static str>();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let open = move || {
        let receiver = receiver.lock().expect("once").take().expect("one stream");
        async move {
            let events = stream::unfold(receiver, |mut receiver| async {
                let event = receiver.recv().await?;
                Some((
                    Ok::<_, std::io::Error>(Bytes::from_static(event.as_bytes())),
                    receiver,
                ))
            });
            let headers = [(header::CONTENT_TYPE, "text/event-stream")];
            (headers, Body::from_stream(events)).into_response()
        }
    };
    let address = serve(Router::new().fallback(any(open))).await;
    let server = in_front(engine, NOTES, &format!("http://{address}/mcp")).await;
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let asked = request_of(Method::GET, "/notes", &tokens.access);
    let answered = server
        .router
        .clone()
        .oneshot(asked)
        .await
        .expect("an answer");
    assert_eq!(
        answered.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    let mut body = answered.into_body().into_data_stream();
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        events.send(event).expect("the stream is open");
        let arrived = timeout(PATIENCE, body.next()).await.expect("at once");
        assert_eq!(arrived.expect("an event").expect("whole"), event);
    }
    drop(body);
    timeout(PATIENCE, events.closed())
        .await
        .expect("the stream behind ends too");
}

async fn pages_of_other_origins_may_not_call(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let server = in_front(engine, NOTES, &format!("http://{address}/mcp")).await;
    let (_, tokens) = tokens_for(&server, NOTES).await;
    let from = |origin: &str| {
        let request = call("/notes", &tokens.access).header("origin", origin);
        request.body(message()).expect("a request")
    };
    for origin in [
        ISSUER,
        "http://localhost:6274",
        "http://127.0.0.1:1",
        "http://[::1]:80",
    ] {
        server.send(from(origin)).await.granted();
    }
    seen.take();
    for origin in [
        "https://evil.example",
        "null",
        "",
        "https://localhost.evil.example",
        "http://localhost.evil.example",
        "https://vestibule.example:8443",
    ] {
        fault(&server.send(from(origin)).await, 403);
    }
    assert!(seen.take().is_empty());
}

async fn rules_are_judged_on_the_body_whatever_the_headers_say(engine: EngineKind) {
    let seen = Seen::default();
    let address = serve(Router::new().fallback(any(answer)).with_state(seen.clone())).await;
    let rule = |method, name, scope| Rule::new(method, name, scope).expect("a rule");
    let rules = vec![
        rule(Some("tools/call"), Some("add_*"), "notes:use notes:write"),
        rule(Some("resources/read"), None, "notes:use"),
    ];
    let server = with_rules(engine, NOTES, &format!("http://{address}/mcp"), rules).await;
    let (client, tokens) = tokens_for(&server, NOTES).await;
    let ask = async |token: &str, body: &str, headers: &[(&str, &str)]| {
        let mut request = call("/notes", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        server
            .send(
                request
                    .body(Body::from(body.to_owned()))
                    .expect("a request"),
            )
            .await
    };
    let tool = |name: &str| {
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}})
            .to_string()
    };
    ask(&tokens.access, &tool("list_notes"), &[])
        .await
        .granted();
    ask(&tokens.access, MESSAGE, &[]).await.granted();
    assert_eq!(seen.take().len(), 2);
    let lie = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "list_notes"),
    ];
    let escaped = tool("add_note").replace("add_note", "add\\u005fnote");
    let batch = format!("[{MESSAGE},{}]", tool("add_note"));
    for (body, headers) in [
        (tool("add_note"), &[][..]),
        (tool("add_note"), &lie),
        (escaped, &lie),
        (batch, &[]),
    ] {
        let refused = ask(&tokens.access, &body, headers).await;
        refused.refused(403, "insufficient_scope");
        let challenge = refused
            .header(header::WWW_AUTHENTICATE)
            .expect("a challenge");
        assert!(
            challenge.contains("scope=\"notes:use notes:write\""),
            "{challenge}"
        );
        assert!(challenge.contains("resource_metadata="), "{challenge}");
    }
    for body in [
        "",
        "{",
        "[]",
        "7",
        r#"{"jsonrpc":"2.0","method":"tools/call","method":"ping"}"#,
    ] {
        let refused = ask(&tokens.access, body, &[]).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.json()["error"]["code"].is_i64(), "{body}");
    }
    // A server behind may decode what is not judged as it reads it.
    let smuggled = r#"{"jsonrpc":"2.0","id":1,"method":"ping","+AG0-ethod":"tools/call","params":{"name":"add_note"}}"#;
    for [name, value] in [
        ["content-type", "application/json; charset=utf-7"],
        ["content-type", "application/json; charset=utf-16"],
        ["content-type", "text/plain"],
        ["content-type", "text/plain; application/json"],
        ["content-encoding", "gzip"],
        ["content-encoding", "identity"],
    ] {
        let mut request = call("/notes", &tokens.access);
        let value = HeaderValue::from_str(value).expect("a value");
        request.headers_mut().expect("headers").insert(name, value);
        let request = request.body(Body::from(smuggled)).expect("a request");
        fault(&server.send(request).await, 415);
    }
    let twice = call("/notes", &tokens.access).header("content-type", "application/json");
    let twice = twice.body(Body::from(smuggled)).expect("a request");
    fault(&server.send(twice).await, 415);
    assert!(seen.take().is_empty());
    let mut plain = call("/notes", &tokens.access);
    let value = HeaderValue::from_static("Application/JSON; charset=\"UTF-8\"");
    plain
        .headers_mut()
        .expect("headers")
        .insert("content-type", value);
    server
        .send(plain.body(message()).expect("a request"))
        .await
        .granted();
    assert_eq!(seen.take()[0].headers["content-type"], "application/json");
    // Step-up: the client asks for what the challenge names.
    let client = client.asking(|form| form.set("scope", "notes:use notes:write"));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code).set("resource", NOTES);
    let more = Tokens::read(&server.post("/token", &form).await);
    ask(&more.access, &tool("add_note"), &[]).await.granted();
    assert_eq!(seen.take()[0].body, tool("add_note"));
}
