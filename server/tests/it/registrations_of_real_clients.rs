//! Registrations of real clients (requirements 5.1 and 7.11) in the whole flow. Refusing one of
//! them excludes all users of that application.

use serde_json::{Value, json};
use testkit::{
    EngineKind, RACERS, on_both_engines, race,
    routed::{Browser, McpClient, TestResponse, TestServer, Tokens, register},
};

on_both_engines!(
    claude,
    claude_code,
    chatgpt,
    vs_code,
    cursor,
    codex,
    goose,
    opencode,
    mcp_remote,
    mcp_inspector,
    several_processes_of_one_application_can_register,
);

async fn claude(engine: EngineKind) {
    let metadata = json!({
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "claudeai"
    });
    let application = Application::register(engine, metadata).await;
    application
        .connect(
            "https://claude.ai/api/mcp/auth_callback",
            Some("notes:read notes:write offline_access"),
        )
        .await;
}

async fn claude_code(engine: EngineKind) {
    let metadata = json!({
        "client_name": "Claude Code (notes)",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native"
    });
    let application = Application::register(engine, metadata).await;
    // The port differs each time, for `localhost` as well as for the address (R-O1).
    for callback in [
        "http://localhost:3118/callback",
        "http://localhost:54545/callback",
        "http://127.0.0.1:61234/callback",
    ] {
        application
            .connect(callback, Some("notes:read offline_access"))
            .await;
    }
}

/// When it does not use its metadata document.
async fn chatgpt(engine: EngineKind) {
    let metadata = json!({
        "client_name": "ChatGPT",
        "redirect_uris": [
            "https://chatgpt.com/connector/oauth/AbCdEf123456",
            "https://chatgpt.com/connector_platform_oauth_redirect"
        ],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "client_uri": "https://chatgpt.com",
        "logo_uri": ""
    });
    let application = Application::register(engine, metadata).await;
    application
        .connect(
            "https://chatgpt.com/connector/oauth/AbCdEf123456",
            Some("notes:read openid profile email"),
        )
        .await;
    application
        .connect(
            "https://chatgpt.com/connector_platform_oauth_redirect",
            None,
        )
        .await;
}

async fn vs_code(engine: EngineKind) {
    let metadata = json!({
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/"
        ],
        "token_endpoint_auth_method": "none",
        "application_type": "native"
    });
    let application = Application::register(engine, metadata).await;
    // The device grant is dropped, and the rest is accepted.
    assert_eq!(
        application.answer["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    for callback in [
        "https://vscode.dev/redirect",
        "http://127.0.0.1:33418/",
        "http://127.0.0.1:50001/",
    ] {
        application.connect(callback, Some("notes:read")).await;
    }
}

async fn cursor(engine: EngineKind) {
    let metadata = json!({
        "client_name": "Cursor",
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback"
        ],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none"
    });
    let application = Application::register(engine, metadata.clone()).await;
    assert!(application.answer.get("application_type").is_none());
    for callback in metadata["redirect_uris"].as_array().expect("three of them") {
        application
            .connect(callback.as_str().expect("text"), None)
            .await;
    }
}

async fn codex(engine: EngineKind) {
    let metadata = json!({
        "client_name": "Codex",
        "redirect_uris": ["http://127.0.0.1:43817/callback/9f1c2d"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "scope": ""
    });
    let application = Application::register(engine, metadata).await;
    application
        .connect("http://127.0.0.1:43817/callback/9f1c2d", None)
        .await;
    // Earlier versions send no resource, and current ones send none on refresh.
    application
        .connect_without_resource("http://127.0.0.1:51111/callback/9f1c2d")
        .await;
}

/// With the client of the Rust SDK, where an empty secret means none.
async fn goose(engine: EngineKind) {
    let metadata = json!({
        "client_name": "Goose",
        "redirect_uris": ["http://127.0.0.1:38211/oauth_callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "response_types": ["code"],
        "application_type": "native",
        "client_secret": ""
    });
    let application = Application::register(engine, metadata).await;
    application
        .connect(
            "http://127.0.0.1:38211/oauth_callback",
            Some("notes:read offline_access"),
        )
        .await;
}

async fn opencode(engine: EngineKind) {
    let metadata = json!({
        "redirect_uris": ["http://127.0.0.1:19876/mcp/oauth/callback"],
        "client_name": "OpenCode",
        "client_uri": "https://opencode.ai",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none"
    });
    let application = Application::register(engine, metadata).await;
    application
        .connect("http://127.0.0.1:19876/mcp/oauth/callback", None)
        .await;
}

async fn mcp_remote(engine: EngineKind) {
    let metadata = json!({
        "redirect_uris": ["http://localhost:17392/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "MCP CLI Proxy",
        "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
        "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
        "software_version": "0.15.1",
        "scope": "openid email profile"
    });
    let application = Application::register(engine, metadata).await;
    // None of its fallback scopes exists here: they alone are refused, and with existing ones they
    // are dropped.
    application
        .connect(
            "http://localhost:17392/oauth/callback",
            Some("openid email profile notes:read"),
        )
        .await;
}

async fn mcp_inspector(engine: EngineKind) {
    let metadata = json!({
        "redirect_uris": ["http://127.0.0.1:6276/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "MCP Inspector",
        "client_uri": "https://github.com/modelcontextprotocol/inspector",
        "application_type": "native",
        "scope": ""
    });
    let application = Application::register(engine, metadata).await;
    assert!(application.answer.get("scope").is_none());
    application
        .connect("http://127.0.0.1:6276/oauth/callback", Some(""))
        .await;
}

async fn several_processes_of_one_application_can_register(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    let servers = [server.clone(), server.twin().await];
    let metadata = json!({ "client_name": "Claude Code", "redirect_uris": ["http://localhost/callback"], "token_endpoint_auth_method": "none" });
    let answers: Vec<TestResponse> = race(RACERS, |number| {
        let server = servers[number % 2].clone();
        let metadata = metadata.clone();
        async move { register(&server, [203, 0, 113, 8].into(), metadata).await }
    })
    .await;
    let ids: std::collections::BTreeSet<_> = answers
        .iter()
        .map(|answer| answer.json()["client_id"].to_string())
        .collect();
    assert_eq!(ids.len(), RACERS, "each is a separate client");
    assert_eq!(
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("the store answers")
            .len(),
        RACERS
    );
    let last = answers.last().expect("answers").json();
    server.add_alice().await;
    Application {
        server,
        answer: last,
    }
    .connect("http://localhost:4000/callback", None)
    .await;
}

/// An application, and the response to its registration.
struct Application {
    server: TestServer,
    answer: Value,
}

impl Application {
    /// The response repeats the accepted metadata, without empty members (requirements 5.1, 5.4.5).
    async fn register(engine: EngineKind, metadata: Value) -> Self {
        let server = TestServer::of_alice(engine).await;
        let answer = register(&server, [203, 0, 113, 8].into(), &metadata).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let answer = answer.json();
        for member in [
            "client_name",
            "redirect_uris",
            "token_endpoint_auth_method",
            "response_types",
        ] {
            assert_eq!(answer[member], metadata[member], "{member}");
        }
        assert!(
            answer["client_id"].is_string() && answer.get("client_secret").is_none(),
            "{answer}"
        );
        let members = answer.as_object().expect("an object");
        assert!(
            members
                .values()
                .all(|value| !value.is_null() && value != ""),
            "{answer}"
        );
        Self { server, answer }
    }

    fn client(&self, callback: &str) -> McpClient {
        McpClient::known(
            &self.server,
            self.answer["client_id"].as_str().expect("an id"),
            None,
            callback,
        )
    }

    /// The whole flow: sign-in, consent, exchange, a tool call, a refresh with the scope repeated
    /// as some clients do, and another tool call.
    async fn connect(&self, callback: &str, scope: Option<&str>) {
        let client = self.client(callback).asking(|query| {
            scope
                .iter()
                .fold(query, |query, scope| query.set("scope", scope))
        });
        let mut browser = Browser::of_alice(&self.server).await;
        let callback = browser.allowed(&client).await;
        assert_eq!(callback.base, client.redirect_uri);
        assert_eq!(callback.query.names(), ["code", "state", "iss"]);
        let answer = client
            .exchange(callback.query.one("code").expect("a code"))
            .await;
        let granted = answer.granted()["scope"]
            .as_str()
            .expect("a scope")
            .to_owned();
        assert!(
            granted.split(' ').any(|scope| scope == "notes:read"),
            "{granted}"
        );
        let tokens = Tokens::read(&answer);
        self.use_tokens(&client, &tokens).await;
        let form = client
            .refresh_form(&tokens.refresh)
            .and("scope", &granted)
            .and("resource", testkit::routed::MCP);
        let next = Tokens::read(&self.server.post("/token", &form).await);
        self.use_tokens(&client, &next).await;
        Tokens::read(&client.refresh(&next.refresh).await);
    }

    async fn connect_without_resource(&self, callback: &str) {
        let client = self
            .client(callback)
            .asking(|query| query.without("resource"));
        let code = Browser::of_alice(&self.server).await.allow(&client).await;
        let tokens = Tokens::read(
            &self
                .server
                .post("/token", &client.code_form(&code).without("resource"))
                .await,
        );
        self.use_tokens(&client, &tokens).await;
        Tokens::read(&client.refresh(&tokens.refresh).await);
    }

    async fn use_tokens(&self, client: &McpClient, tokens: &Tokens) {
        let answer = client
            .call(&tokens.access, "whoami", json!({}))
            .await
            .granted();
        assert_eq!(
            answer["result"]["structuredContent"]["client_id"], client.id,
            "{answer}"
        );
    }
}
