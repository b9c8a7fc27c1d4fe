//! The recipes of docs/PROXIES.md as they stand there: real proxies in front of an MCP server that
//! knows nothing of tokens, with the official Rust client.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener as FreePort},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::State, routing::any};
use bytes::Bytes;
use futures_util::stream;
use guard::{Rule, Rules, Unlabelled};
use http::{HeaderMap, StatusCode, header, request::Parts};
use oauth::resource::ResourceIdentifier;
use provider::Environment;
use reqwest::{Method, Response};
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::common::Extension,
    model::{CallToolRequestParams, ClientConfig, ServerCapabilities, ServerConfig},
    service::{ClientLifecycleMode, ClientServiceExt as _},
    tool, tool_handler, tool_router,
    transport::{
        StreamableHttpClientTransport,
        streamable_http_client::StreamableHttpClientTransportConfig,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
        },
    },
};
use serde_json::Value;
use server::Guards;
use testkit::{
    EngineKind, Query,
    routed::{Browser, McpClient, TestServer, Tokens},
};
use tokio::{net::TcpListener, task::JoinHandle};

const TOLD: [&str; 6] = [
    "vestibule-subject",
    "vestibule-email",
    "vestibule-client",
    "vestibule-scope",
    "vestibule-device",
    "vestibule-assertion",
];

#[tokio::test]
async fn nginx_guards_a_server() {
    guards_a_server(nginx).await;
}

#[tokio::test]
async fn caddy_guards_a_server() {
    guards_a_server(caddy).await;
}

#[tokio::test]
async fn haproxy_guards_a_server() {
    guards_a_server(haproxy).await;
}

/// The text between the first fence of a language and its end.
fn recipe(language: &str) -> &'static str {
    let document = include_str!("../../../docs/PROXIES.md");
    let (_, rest) = document
        .split_once(&format!("```{language}\n"))
        .unwrap_or_else(|| panic!("a recipe in {language}"));
    let (recipe, _) = rest.split_once("\n```").expect("its end");
    recipe
}

/// A proxy, with the files that it needs in a folder of its own.
struct Recipe {
    /// The text of the document, with the addresses of this test.
    text: String,
    folder: tempfile::TempDir,
}

/// Addresses of this test instead of those of the document.
struct Addresses {
    front: SocketAddr,
    vestibule: SocketAddr,
    behind: SocketAddr,
}

impl Recipe {
    fn of(language: &str, addresses: &Addresses) -> Self {
        Self {
            text: at(recipe(language), addresses),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        fs::write(&file, text).expect("written");
        file.to_str().expect("a path of UTF-8").to_owned()
    }
}

fn at(text: &str, addresses: &Addresses) -> String {
    text.replace("127.0.0.1:3000", &addresses.vestibule.to_string())
        .replace("127.0.0.1:8080", &addresses.behind.to_string())
}

type Start = fn(&Addresses) -> (Recipe, Command);

fn nginx(addresses: &Addresses) -> (Recipe, Command) {
    let recipe = Recipe::of("nginx", addresses);
    let of_tls = |line: &&str| !line.trim_start().starts_with("ssl_certificate");
    let server: Vec<_> = recipe.text.lines().filter(of_tls).collect();
    let server = server
        .join("\n")
        .replace("listen 443 ssl", &format!("listen {}", addresses.front));
    let folder = recipe.folder.path().display();
    let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .concat();
    let file = recipe.write(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid {folder}/pid; error_log stderr;\n\
             events {{}}\nhttp {{ access_log off;\n{places}{server}\n}}"
        ),
    );
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-c", &file]);
    (recipe, command)
}

fn caddy(addresses: &Addresses) -> (Recipe, Command) {
    let recipe = Recipe::of("caddy", addresses);
    let site = format!("http://{} {{", addresses.front);
    let site = recipe.text.replace("notes.example {", &site);
    let file = recipe.write("Caddyfile", &format!("{{\n    admin off\n}}\n{site}\n"));
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config", &file])
        .env("HOME", recipe.folder.path())
        .env("XDG_CONFIG_HOME", recipe.folder.path())
        .env("XDG_DATA_HOME", recipe.folder.path());
    (recipe, command)
}

fn haproxy(addresses: &Addresses) -> (Recipe, Command) {
    let recipe = Recipe::of("haproxy", addresses);
    let lua = recipe.write("vestibule.lua", &at(self::recipe("lua"), addresses));
    let text = recipe
        .text
        .replace("/etc/haproxy/vestibule.lua", &lua)
        .replace(
            "bind :443 ssl crt /etc/haproxy/notes.example.pem",
            &format!("bind {}", addresses.front),
        );
    let file = recipe.write("haproxy.cfg", &format!("{text}\n"));
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f", &file]);
    (recipe, command)
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
    async fn of(start: Start) -> Self {
        // Nothing here is encrypted, but the client requires a crypto provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (vestibule, behind) = (listener().await, listener().await);
        let addresses = Addresses {
            front: free_port(),
            vestibule: vestibule.local_addr().expect("an address"),
            behind: behind.local_addr().expect("an address"),
        };
        let front = format!("http://{}", addresses.front);
        let server = authorization_server(&addresses, &format!("{front}/mcp")).await;
        let open = Arc::new(AtomicUsize::new(0));
        let tasks = [
            serve(vestibule, server.router.clone()),
            serve(behind, unprotected(&open)),
        ];
        let (recipe, mut command) = start(&addresses);
        let name = command.get_program().to_string_lossy().into_owned();
        assert!(
            Command::new("which")
                .arg(&name)
                .output()
                .is_ok_and(|found| found.status.success()),
            "tests need {name} (Debian: apt-get install {name})"
        );
        let proxy = testkit::Running::start(&mut command);
        until_open(addresses.front, &proxy).await;
        let client = McpClient::native(&server).await;
        let resource = format!("{front}/mcp");
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

async fn authorization_server(addresses: &Addresses, resource: &str) -> TestServer {
    let issuer = format!("http://{}", addresses.vestibule);
    let mut settings = testkit::direct::settings(&issuer);
    let identifier = ResourceIdentifier::parse(resource).expect("an identifier");
    settings.resources.truncate(1);
    settings.resources[0].identifier = identifier.clone();
    settings.resources[0].id = Some("notes".to_owned());
    let rule = Rule::new(Some("tools/call"), Some("add_*"), "notes:read notes:write");
    let rules = Rules::new(vec![rule.expect("a rule")], Unlabelled::Refuse);
    let web = Environment::system().web;
    let server = TestServer::on_this_computer(EngineKind::Memory, web, |own| *own = settings);
    let guards = Guards::default().with(identifier, rules);
    server.await.guarded(guards)
}

/// An MCP server without any protection, and two paths that show what arrives and how.
fn unprotected(open: &Arc<AtomicUsize>) -> Router {
    let service = StreamableHttpService::new(
        || Ok(Unprotected),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default().with_legacy_session_mode(false),
    );
    Router::new()
        .route_service("/mcp", service)
        .route("/mcp/echo", any(echo))
        .route("/mcp/stream", any(slow_stream).with_state(Arc::clone(open)))
}

async fn echo(headers: HeaderMap) -> String {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = headers.iter();
    let all: Vec<_> = all
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    serde_json::to_string(&all).expect("JSON")
}

/// Counts the streams that are open.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn one(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Three events, a second apart.
async fn slow_stream(
    State(open): State<Arc<AtomicUsize>>,
) -> ([(header::HeaderName, &'static str); 1], Body) {
    let open = Open::one(&open);
    let events = stream::unfold((0, open), async |(count, open)| {
        if count > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let event = Bytes::from(format!("data: {count}\n\n"));
        (count < 3).then_some((Ok::<_, std::io::Error>(event), (count + 1, open)))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(events))
}

#[derive(Clone)]
struct Unprotected;

#[tool_router]
impl Unprotected {
    #[tool(description = "Says who the proxy says you are.")]
    async fn whoami(&self, Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        let subject = parts.headers.get("vestibule-subject");
        let subject = subject.and_then(|subject| subject.to_str().ok());
        Ok(subject.unwrap_or("nobody").to_owned())
    }

    #[tool(description = "Adds a note.")]
    async fn add_note(&self) -> Result<String, ErrorData> {
        Ok("added".to_owned())
    }
}

#[tool_handler]
impl ServerHandler for Unprotected {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
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

async fn guards_a_server(start: Start) {
    let setting = Setting::of(start).await;
    strangers_find_the_way(&setting).await;
    the_server_behind_is_told(&setting).await;
    rules_hold(&setting).await;
    streams_are_not_held_back(&setting).await;
    the_official_client_calls_tools(&setting).await;
    revocations_and_faults_count(&setting).await;
    setting.tasks.iter().for_each(JoinHandle::abort);
}

async fn strangers_find_the_way(setting: &Setting) {
    let front = &setting.front;
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let answer = setting.ask(method, "/mcp", &[]).await;
        assert_eq!(answer.status(), 401);
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
    let answer = setting.ask(Method::OPTIONS, "/mcp/echo", &preflight).await;
    assert_eq!(answer.status(), 200, "the server behind answers");
}

async fn the_server_behind_is_told(setting: &Setting) {
    let tokens = setting.tokens("notes:read").await;
    let bearer = format!("Bearer {}", tokens.access);
    let mut headers = vec![["authorization", bearer.as_str()]];
    headers.extend(TOLD.map(|name| [name, "mallory"]));
    let answer = setting.ask(Method::GET, "/mcp/echo", &headers).await;
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
    assert_eq!(only("vestibule-scope"), "notes:read");
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
        setting.ask(Method::POST, "/mcp/echo", &headers).await
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
    let mut answer = setting.ask(Method::GET, "/mcp/stream", &headers).await;
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
    let mut answer = setting.ask(Method::GET, "/mcp/stream", &headers).await;
    answer.chunk().await.expect("a stream");
    assert_eq!(setting.open.load(Ordering::SeqCst), 1);
    drop(answer);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(setting.open.load(Ordering::SeqCst), 0);
}

async fn the_official_client_calls_tools(setting: &Setting) {
    let connect = async |token: &str, lifecycle| {
        let mcp = format!("{}/mcp", setting.front);
        let config = StreamableHttpClientTransportConfig::with_uri(mcp).auth_header(token);
        let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config);
        ClientConfig::default()
            .serve_with_lifecycle(transport, lifecycle)
            .await
    };
    let discover = || ClientLifecycleMode::Discover {
        preferred_versions: vec![rmcp::model::ProtocolVersion::V_2026_07_28],
    };
    let narrow = setting.tokens("notes:read").await;
    let client = connect(&narrow.access, discover())
        .await
        .expect("connected");
    let tools = client.list_all_tools().await.expect("tools");
    assert_eq!(tools.len(), 2);
    let answer = client.call_tool(CallToolRequestParams::new("whoami")).await;
    let answer = format!("{:?}", answer.expect("an answer"));
    assert!(answer.contains("acct_"), "{answer}");
    let refused = client
        .call_tool(CallToolRequestParams::new("add_note"))
        .await;
    let refused = format!("{:?}", refused.expect_err("403"));
    assert!(
        refused.contains("InsufficientScope") && refused.contains("notes:read notes:write"),
        "{refused}"
    );
    client.cancel().await.expect("it ends");
    let wide = setting.tokens("notes:read notes:write").await;
    let client = connect(&wide.access, discover()).await.expect("connected");
    let added = client
        .call_tool(CallToolRequestParams::new("add_note"))
        .await;
    assert!(format!("{:?}", added.expect("an answer")).contains("added"));
    client.cancel().await.expect("it ends");
    // A client of an earlier revision does not say what it calls.
    let earlier = connect(&wide.access, ClientLifecycleMode::Initialize).await;
    assert!(earlier.is_err());
}

async fn revocations_and_faults_count(setting: &Setting) {
    let tokens = setting.tokens("notes:read").await;
    let bearer = format!("Bearer {}", tokens.access);
    let headers = [["authorization", bearer.as_str()]];
    let ask = async || setting.ask(Method::GET, "/mcp/echo", &headers).await;
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

#[test]
fn every_recipe_says_the_method_and_removes_the_token() {
    for (language, method) in [
        ("nginx", "X-Original-Method $request_method"),
        ("lua", "x-original-method"),
    ] {
        assert!(recipe(language).contains(method), "{language}");
    }
    let document = include_str!("../../../docs/PROXIES.md");
    for told in TOLD {
        let times = document.to_lowercase().matches(told).count();
        assert!(times >= 4, "{told} is in {times} places");
    }
}
