//! The recipes for proxies as `vestibule resource show` prints them: real proxies in front of an MCP
//! server that knows nothing of tokens, with the official Rust client.

mod behind;
mod client;
mod proxies;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as FreePort},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use app::recipes::{Stack, recipe};
use axum::Router;
use guard::{Rule, Rules, Unlabelled};
use http::StatusCode;
use oauth::{
    Issuer,
    resource::{Resource, ResourceIdentifier},
};
use provider::{Environment, Settings};
use reqwest::{Method, Response};
use serde_json::Value;
use server::Guards;
use testkit::{
    EngineKind, Query,
    routed::{ALICE, Browser, McpClient, TestServer, Tokens},
};
use tokio::{net::TcpListener, task::JoinHandle};

use behind::unprotected;
use client::{the_official_client_calls_tools, the_official_client_cancels_a_call};
use proxies::{Recipe, Start, caddy, demand, haproxy, nginx};

/// The name of the user has letters that are not in ASCII.
const NAME: &str = "\u{c1}l\u{ed}ce \u{5c71}\u{7530}";
const TOLD: [&str; 7] = [
    "vestibule-subject",
    "vestibule-email",
    "vestibule-name",
    "vestibule-client",
    "vestibule-scope",
    "vestibule-device",
    "vestibule-assertion",
];

#[tokio::test]
async fn nginx_guards_a_server() {
    guards_a_server(Stack::Nginx, nginx).await;
}

#[tokio::test]
async fn caddy_guards_a_server() {
    guards_a_server(Stack::Caddy, caddy).await;
}

#[tokio::test]
async fn haproxy_guards_a_server() {
    guards_a_server(Stack::Haproxy, haproxy).await;
}

/// An authorization server, an unprotected server, and a proxy in front of it.
struct Setting {
    server: TestServer,
    client: McpClient,
    front: String,
    http: reqwest::Client,
    /// The open streams of the server behind.
    open: Arc<AtomicUsize>,
    tasks: [JoinHandle<()>; 2],
    _proxy: testkit::Running,
    _recipe: Recipe,
}

impl Setting {
    async fn of(stack: Stack, start: Start) -> Self {
        demand(stack.name());
        // Nothing here is encrypted, but the client requires a crypto provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (vestibule, behind) = (listener().await, listener().await);
        let at = |listener: &TcpListener| listener.local_addr().expect("an address").to_string();
        let address = free_port();
        let front = format!("http://{address}");
        let resource = format!("{front}/mcp");
        let settings = settings(&at(&vestibule), &resource);
        let notes = settings.resources[0].clone();
        let recipe = Recipe::of(stack, &notes, &settings.issuer, &at(&behind));
        let server = authorization_server(settings).await;
        let open = Arc::new(AtomicUsize::new(0));
        let tasks = [
            serve(vestibule, server.router.clone()),
            serve(behind, unprotected(&open)),
        ];
        let proxy = testkit::Running::start(&mut start(&recipe));
        until_open(address, &proxy).await;
        let client = McpClient::native(&server).await;
        Self {
            client: client.asking(|query| query.set("resource", &resource)),
            server,
            http: reqwest::Client::new(),
            open,
            front,
            tasks,
            _proxy: proxy,
            _recipe: recipe,
        }
    }

    /// Tokens with these scopes.
    async fn tokens(&self, scope: &str) -> Tokens {
        let client = self.client.asking(|query| query.set("scope", scope));
        let code = Browser::of_alice(&self.server).await.allow(&client).await;
        let resource = format!("{}/mcp", self.front);
        let form = client.code_form(&code).set("resource", &resource);
        Tokens::read(&self.server.post("/token", &form).await)
    }

    async fn ask(&self, method: Method, path: &str, headers: &[[&str; 2]]) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.front));
        for [name, value] in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer of the proxy")
    }
}

async fn listener() -> TcpListener {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    listener.expect("a free port")
}

fn free_port() -> SocketAddr {
    let listener = FreePort::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its number")
}

async fn until_open(address: SocketAddr, proxy: &testkit::Running) {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not listen:\n{}", proxy.lines().join("\n"));
}

fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.expect("it serves") })
}

fn settings(vestibule: &str, resource: &str) -> Settings {
    let mut settings = testkit::direct::settings(&format!("http://{vestibule}"));
    settings.resources.truncate(1);
    settings.resources[0].identifier = ResourceIdentifier::parse(resource).expect("an identifier");
    settings.resources[0].id = Some("notes".to_owned());
    settings.resources[0].disclosed.name = true;
    settings
}

async fn authorization_server(settings: Settings) -> TestServer {
    let rule = Rule::new(Some("tools/call"), Some("add_*"), "notes:read notes:write");
    let rules = Rules::new(vec![rule.expect("a rule")], Unlabelled::Refuse);
    let guards = Guards::default().with(settings.resources[0].identifier.clone(), rules);
    let web = Environment::system().web;
    let server = TestServer::on_this_computer(EngineKind::Memory, web, |own| *own = settings);
    server.await.guarded(guards)
}

/// The values that the server behind got for a header.
fn arrived(headers: &Value, name: &str) -> Vec<String> {
    let all = headers.as_array().expect("headers").iter();
    let named = all.filter(|header| header[0] == name);
    named
        .filter_map(|header| header[1].as_str().map(str::to_owned))
        .collect()
}

fn challenge(answer: &Response) -> String {
    let challenges: Vec<_> = answer
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(challenges.len(), 1, "{answer:?}");
    challenges[0].to_str().expect("text").to_owned()
}

async fn guards_a_server(stack: Stack, start: Start) {
    let setting = Setting::of(stack, start).await;
    strangers_find_the_way(&setting).await;
    the_server_behind_is_told(&setting).await;
    rules_hold(&setting).await;
    streams_are_not_held_back(&setting).await;
    the_official_client_calls_tools(&setting).await;
    the_official_client_cancels_a_call(&setting).await;
    revocations_and_faults_count(&setting).await;
    setting.tasks.iter().for_each(JoinHandle::abort);
}

async fn strangers_find_the_way(setting: &Setting) {
    let front = &setting.front;
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let answer = setting.ask(method, "/mcp", &[]).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(
            challenge(&answer),
            format!(
                "Bearer resource_metadata=\"{front}/.well-known/oauth-protected-resource/mcp\", scope=\"notes:read\""
            )
        );
    }
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let answer = setting.ask(Method::GET, &path, &[]).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        let document: Value =
            serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        assert_eq!(document["resource"], format!("{front}/mcp"));
    }
    let preflight = [
        ["access-control-request-method", "POST"],
        ["origin", "https://a.example"],
    ];
    let answer = setting.ask(Method::OPTIONS, "/mcp?echo", &preflight).await;
    assert_eq!(answer.status(), 200, "the server behind answers");
}

async fn the_server_behind_is_told(setting: &Setting) {
    let terminal = setting.server.provider.terminal();
    let named = terminal.accounts().set_name(ALICE, NAME).await;
    named.expect("Alice has a name");
    let tokens = setting.tokens("notes:read").await;
    let bearer = format!("Bearer {}", tokens.access);
    let mut headers = vec![["authorization", bearer.as_str()]];
    headers.extend(TOLD.map(|name| [name, "mallory"]));
    // Some servers cannot tell an underscore from a hyphen.
    let others = TOLD.map(|name| name.replace('-', "_"));
    headers.extend(others.each_ref().map(|name| [name.as_str(), "mallory"]));
    let answer = setting.ask(Method::GET, "/mcp?echo", &headers).await;
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.expect("a body");
    assert!(
        !body.contains("mallory") && !body.contains(&tokens.access),
        "{body}"
    );
    let behind: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(arrived(&behind, "authorization"), Vec::<String>::new());
    let only = |name: &str| match &*arrived(&behind, name) {
        [] => String::new(),
        [value] => value.clone(),
        several => panic!("{name}: {several:?}"),
    };
    assert!(only("vestibule-subject").starts_with("acct_"), "{body}");
    assert_eq!(only("vestibule-email"), "");
    assert_eq!(only("vestibule-name"), NAME);
    assert_eq!(only("vestibule-scope"), "notes:read name");
    assert_eq!(only("vestibule-client"), setting.client.id);
    assert_eq!(only("vestibule-device"), setting.client.id);
    assert_eq!(only("vestibule-assertion").split('.').count(), 3);
}

async fn rules_hold(setting: &Setting) {
    let front = &setting.front;
    let narrow = setting.tokens("notes:read").await;
    let wide = setting.tokens("notes:read notes:write").await;
    let adding = [
        ["mcp-protocol-version", "2026-07-28"],
        ["mcp-method", "tools/call"],
        ["mcp-name", "add_note"],
    ];
    let call = async |token: &str, labels: &[[&str; 2]]| {
        let bearer = format!("Bearer {token}");
        let headers = [&[["authorization", bearer.as_str()]], labels].concat();
        setting.ask(Method::POST, "/mcp?echo", &headers).await
    };
    let answer = call(&narrow.access, &adding).await;
    assert_eq!(answer.status(), 403);
    let said = challenge(&answer);
    assert!(
        said.starts_with("Bearer error=\"insufficient_scope\"")
            && said.ends_with(&format!(
                "resource_metadata=\"{front}/.well-known/oauth-protected-resource/mcp\", scope=\"notes:read notes:write\""
            )),
        "{said}"
    );
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(call(&wide.access, &adding).await.status(), 200);
    // What does not say what it calls, also under another method.
    for labels in [
        &[][..],
        &[["x-forwarded-method", "GET"]],
        &[["x-original-method", "GET"]],
        &[
            ["x-forwarded-method", "OPTIONS"],
            ["access-control-request-method", "POST"],
        ],
        &[["x-http-method-override", "GET"]],
        &[adding[1], adding[2]],
        &[adding[0], adding[1], adding[2], adding[2]],
        &[adding[0], ["mcp-method", "ping"], adding[1]],
    ] {
        let answer = call(&narrow.access, labels).await;
        assert_eq!(answer.status(), 400, "{labels:?}");
    }
    let encoded = [
        adding[0],
        adding[1],
        ["mcp-name", "=?base64?YWRkX25vdGU=?="],
    ];
    assert_eq!(call(&narrow.access, &encoded).await.status(), 403);
}

async fn streams_are_not_held_back(setting: &Setting) {
    let tokens = setting.tokens("notes:read").await;
    let bearer = format!("Bearer {}", tokens.access);
    let headers = [["authorization", bearer.as_str()]];
    let mut answer = setting.ask(Method::GET, "/mcp?stream", &headers).await;
    assert_eq!(answer.status(), 200);
    let at_once = tokio::time::timeout(Duration::from_millis(900), answer.chunk()).await;
    let first = at_once.expect("it is not held back").expect("a stream");
    assert_eq!(first.expect("an event"), "data: 0\n\n");
    let mut rest = String::new();
    while let Some(event) = answer.chunk().await.expect("the stream goes on") {
        rest.push_str(str::from_utf8(&event).expect("text"));
    }
    assert_eq!(rest, "data: 1\n\ndata: 2\n\n");
    // The server behind notices that a client has gone, as a cancellation of revision 2026-07-28.
    let mut answer = setting.ask(Method::GET, "/mcp?stream", &headers).await;
    answer.chunk().await.expect("a stream");
    assert_eq!(setting.open.load(Ordering::SeqCst), 1);
    drop(answer);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(setting.open.load(Ordering::SeqCst), 0);
}

async fn revocations_and_faults_count(setting: &Setting) {
    let tokens = setting.tokens("notes:read").await;
    let bearer = format!("Bearer {}", tokens.access);
    let headers = [["authorization", bearer.as_str()]];
    let ask = async || setting.ask(Method::GET, "/mcp?echo", &headers).await;
    assert_eq!(ask().await.status(), 200);
    setting.server.switch.break_all();
    let answer = ask().await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().get("www-authenticate").is_none());
    setting.server.switch.mend();
    let form = Query::new([
        ("token", tokens.refresh.as_str()),
        ("client_id", &setting.client.id),
    ]);
    setting.server.post("/revoke", &form).await.granted();
    let answer = ask().await;
    assert_eq!(answer.status(), 401);
    assert!(challenge(&answer).contains("error=\"invalid_token\""));
    // Without the authorization server, no request passes.
    setting.tasks[0].abort();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let status = ask().await.status();
    assert!(status.is_server_error() || status == 401, "{status}");
}

/// What every recipe has to say, those too that are not run here.
#[test]
fn every_recipe_says_the_method_and_removes_the_token() {
    let issuer = Issuer::parse("https://auth.example").expect("an issuer");
    let identifier = ResourceIdentifier::parse("https://notes.example/mcp").expect("one");
    let mut notes = Resource::new(identifier, "Notes", Vec::new());
    notes.id = Some("notes".to_owned());
    for (stack, method, token) in [
        (
            Stack::Nginx,
            &[
                "X-Original-Method $request_method",
                "X-Forwarded-Method \"\"",
            ][..],
            "Authorization \"\";",
        ),
        (
            Stack::Caddy,
            &["forward_auth", "-X-Original-Method"],
            "request_header -Authorization",
        ),
        (
            Stack::Traefik,
            &[
                "forwardAuth:",
                "trustForwardHeader: false",
                "X-Original-Method: \"\"",
            ],
            "Authorization: \"\"",
        ),
        (
            Stack::Envoy,
            &["\"/ext-authz/notes\""],
            "request_headers_to_remove: [authorization]",
        ),
        (
            Stack::Haproxy,
            &["[\"x-original-method\"] = { txn.sf:method() }"],
            "req_del_header(\"authorization\")",
        ),
    ] {
        let text = recipe(stack, &notes, &issuer);
        let says = |wanted: &str| assert!(text.contains(wanted), "{wanted} in\n{text}");
        method.iter().copied().for_each(says);
        says(token);
        says("/forward-auth/notes/metadata");
        says("/.well-known/oauth-protected-resource/mcp");
        let root = ["resource {", "resource\n", "resource`", "resource }"];
        let root = root.map(|end| format!("/.well-known/oauth-protected-{end}"));
        assert!(root.iter().any(|root| text.contains(root)), "{text}");
        let text = text.to_lowercase();
        for told in TOLD {
            assert!(text.contains(told), "{told} in\n{text}");
        }
    }
}
