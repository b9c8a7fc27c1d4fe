//! An MCP server that speaks stdio behind the reverse proxy: a process for each session.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, ClientConfig, ProgressNotificationParam},
    service::{NotificationContext, RunningService},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use server::{Options, Upstream, proxies::Proxies, router, site::PageFiles};
use testkit::{
    EngineKind,
    routed::{Browser, McpClient, PASSWORD, TestServer, Tokens},
};
use tokio::net::TcpListener;

const BOB: &str = "bob@example.com";
const NOTES: &str = "https://vestibule.example/notes";

/// The example, which Cargo builds with the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own program");
    let folder = test.parent().and_then(std::path::Path::parent);
    folder
        .expect("the target folder")
        .join("examples/stdio_server")
}

fn identifier() -> ResourceIdentifier {
    ResourceIdentifier::parse(NOTES).expect("an identifier")
}

/// A server in front of a command, at a socket of its own, and a token for it.
async fn in_front(command: Vec<String>) -> (String, String) {
    let (address, [alice, _]) = shared(command).await;
    (address, alice)
}

/// The same with tokens of two users.
async fn shared(command: Vec<String>) -> (String, [String; 2]) {
    // The HTTP client of rmcp takes the one of the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let resource = Resource::new(
        identifier(),
        "Notes",
        vec![ScopeDescription {
            name: "notes:use".to_owned(),
            sentence: "Use your notes".to_owned(),
            default: true,
        }],
    );
    let server = TestServer::with(EngineKind::Memory, |settings| {
        settings.resources.push(resource);
    })
    .await;
    server.add_alice().await;
    let options = Options {
        upstreams: vec![Upstream::stdio(identifier(), command)],
        ..Options::new(Proxies::default(), PageFiles::new(None, None, "TestServer"))
    };
    let router = router(server.provider.clone(), options);
    let client = McpClient::native(&server).await;
    let client = client.asking(|form| form.set("resource", NOTES));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code).set("resource", NOTES);
    let alice = Tokens::read(&server.post("/token", &form).await);
    let terminal = server.provider.terminal();
    let added = terminal.accounts().add_account(BOB, Some(PASSWORD)).await;
    added.expect("Bob's account");
    let mut browser = Browser::new(&server);
    let signed_in = browser.sign_in(BOB, PASSWORD).await;
    browser.past_the_offer(signed_in).await;
    let code = browser.allow(&client).await;
    let form = client.code_form(&code).set("resource", NOTES);
    let bob = Tokens::read(&server.post("/token", &form).await);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (
        format!("http://{address}/notes"),
        [alice.access, bob.access],
    )
}

/// A client that keeps what it is told of progress.
#[derive(Clone, Default)]
struct Client(Arc<Mutex<Vec<f64>>>);

impl ClientHandler for Client {
    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.0.lock().expect("progress").push(params.progress);
    }

    fn get_info(&self) -> ClientConfig {
        ClientConfig::default()
    }
}

async fn connect(address: &str, token: &str) -> RunningService<RoleClient, Client> {
    let config = StreamableHttpClientTransportConfig::with_uri(address).auth_header(token);
    let transport = StreamableHttpClientTransport::from_config(config);
    Client::default().serve(transport).await.expect("connected")
}

async fn call(
    client: &RunningService<RoleClient, Client>,
    tool: &'static str,
    text: &str,
) -> String {
    let arguments = serde_json::json!({ "text": text });
    let params = CallToolRequestParams::new(tool)
        .with_arguments(arguments.as_object().cloned().expect("an object"));
    let result = client.call_tool(params).await.expect("a result");
    let content = serde_json::to_value(&result).expect("JSON")["content"][0]["text"].take();
    content.as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_uses_the_tools_of_a_process_and_hears_of_its_progress() {
    let (address, token) = in_front(vec![program().display().to_string()]).await;
    let client = connect(&address, &token).await;
    let info = client.peer_info().expect("information");
    let name = info.server_info.as_ref().map(|server| server.name.as_str());
    assert_eq!(name, Some("stdio-example"));
    assert_eq!(info.instructions.as_deref(), Some("Says the same."));
    let tools = client.list_all_tools().await.expect("a list of tools");
    let mut names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["echo", "process", "work"]);
    assert_eq!(
        call(&client, "echo", "über \"all\"\n").await,
        "über \"all\"\n"
    );
    assert_eq!(call(&client, "work", "").await, "done");
    for _ in 0..100 {
        if client.service().0.lock().expect("progress").len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(*client.service().0.lock().expect("progress"), [1.0, 2.0]);
    let missing = CallToolRequestParams::new("missing");
    let error = client.call_tool(missing).await.expect_err("there is none");
    assert!(format!("{error:?}").contains("not found"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_session_has_a_process_which_ends_with_it() {
    let (address, token) = in_front(vec![program().display().to_string()]).await;
    let one = connect(&address, &token).await;
    let two = connect(&address, &token).await;
    let processes = [
        call(&one, "process", "").await,
        call(&two, "process", "").await,
    ];
    assert_ne!(processes[0], processes[1]);
    assert_eq!(call(&one, "process", "").await, processes[0]);
    assert!(processes.iter().all(|process| is_running(process)));
    one.cancel().await.expect("ended");
    for _ in 0..250 {
        if !is_running(&processes[0]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        !is_running(&processes[0]),
        "the process ends with its session"
    );
    assert!(is_running(&processes[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_none_is_an_error_of_json_rpc() {
    for command in ["/does/not/exist", "/bin/false"] {
        let (address, token) = in_front(vec![command.to_owned()]).await;
        let config = StreamableHttpClientTransportConfig::with_uri(address).auth_header(&token);
        let transport = StreamableHttpClientTransport::from_config(config);
        let error = Client::default().serve(transport).await;
        let error = error.err().expect("no server");
        assert!(format!("{error:?}").contains("does not start"), "{error:?}");
    }
}

/// Whether a process exists and has not ended.
fn is_running(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_once() {
    let (address, token) = in_front(vec![program().display().to_string()]).await;
    let initialize = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    });
    let post = async |session: Option<&str>| {
        let mut request = reqwest::Client::new().post(&address).bearer_auth(&token);
        request = request.header("accept", "application/json, text/event-stream");
        request = request.header("content-type", "application/json");
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let request = request.body(initialize.to_string());
        request.send().await.expect("an answer")
    };
    let begun = post(None).await;
    let session = begun.headers()["mcp-session-id"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        begun
            .text()
            .await
            .expect("a text")
            .contains("stdio-example")
    );
    let again = post(Some(&session)).await;
    let again = again.text().await.expect("a text");
    assert!(!again.contains("stdio-example"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_p12_a_session_is_of_no_use_to_another_user_and_one_has_eight() {
    let (address, tokens) = shared(vec![program().display().to_string()]).await;
    let post = async |token: &str, session: Option<&str>, method: &str| {
        let params = serde_json::json!({
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        let body =
            serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = reqwest::Client::new().post(&address).bearer_auth(token);
        request = request.header("accept", "application/json, text/event-stream");
        request = request.header("content-type", "application/json");
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request
            .body(body.to_string())
            .send()
            .await
            .expect("an answer")
    };
    let [alice, bob] = &tokens;
    let begun = post(alice, None, "initialize").await;
    let session = begun.headers()["mcp-session-id"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(
        post(alice, Some(&session), "tools/list").await.status(),
        200
    );
    assert_eq!(post(bob, Some(&session), "tools/list").await.status(), 404);
    let ended = reqwest::Client::new().delete(&address).bearer_auth(bob);
    let ended = ended
        .header("mcp-session-id", &session)
        .send()
        .await
        .expect("an answer");
    assert_eq!(ended.status(), 404);
    for _ in 1..8 {
        assert_eq!(post(alice, None, "initialize").await.status(), 200);
    }
    assert_eq!(post(alice, None, "initialize").await.status(), 503);
    assert_eq!(post(bob, None, "initialize").await.status(), 200);
    let ended = reqwest::Client::new().delete(&address).bearer_auth(alice);
    let ended = ended
        .header("mcp-session-id", &session)
        .send()
        .await
        .expect("an answer");
    assert!(ended.status().is_success(), "{ended:?}");
    assert_eq!(post(alice, None, "initialize").await.status(), 200);
}
