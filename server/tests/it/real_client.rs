//! The whole flow with a third-party client: the `rmcp` crate with its auth feature, over sockets.

use std::net::{Ipv4Addr, SocketAddr};

use provider::{ClientKind, Environment, Web};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, ClientConfig},
    service::RunningService,
    transport::{
        StreamableHttpClientTransport,
        auth::{AuthClient, AuthorizationCallback, AuthorizationRequest, OAuthState},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use testkit::{
    CALLBACK, EngineKind, Reply, Site, on_both_engines,
    routed::{ALICE, Browser, PASSWORD, TestServer},
};
use tokio::{net::TcpListener, task::JoinHandle};

on_both_engines!(
    rmcp_finds_registers_signs_in_calls_tools_and_refreshes,
    r_k11_rmcp_uses_its_document_and_does_not_register
);

async fn rmcp_finds_registers_signs_in_calls_tools_and_refreshes(engine: EngineKind) {
    let (server, issuer, task) = listening(engine, Environment::system().web).await;
    let mcp = format!("{issuer}/mcp");

    // It discovers the server from the MCP server's URL, and registers.
    let mut state = OAuthState::new(mcp.as_str(), None).await.expect("a client");
    let request = AuthorizationRequest::new(CALLBACK).with_client_name("Real client");
    state
        .start_authorization(request)
        .await
        .expect("discovery and registration");
    let address = state
        .get_authorization_url()
        .await
        .expect("an address to open");
    let path = address
        .strip_prefix(&issuer)
        .expect("a URL of the server")
        .to_owned();

    // Alice opens it, signs in and allows it.
    let mut browser = Browser::new(&server);
    let begun = browser.get(&path).await;
    let login = browser.follow(&begun).await.document().form("Sign in");
    let signed_in = browser
        .submit(
            &login.fill("email", ALICE).fill("password", PASSWORD),
            "Sign in",
        )
        .await;
    let consent = browser.follow(&signed_in).await.document();
    assert!(
        consent.words().contains("Real client"),
        "{}",
        consent.words()
    );
    let allowed = browser.submit(&consent.form("Allow"), "Allow").await;

    // The client reads the response, checks state and issuer, and exchanges the code.
    state
        .handle_callback_url(allowed.destination())
        .await
        .expect("the exchange");
    let manager = state.into_authorization_manager().expect("authorized");
    let first = manager.get_access_token().await.expect("a token");

    let http = AuthClient::new(reqwest::Client::new(), manager);
    let manager = http.auth_manager.clone();
    let client = connect(&mcp, http).await;
    let tools = client.list_all_tools().await.expect("a list of tools");
    let mut names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["add_note", "whoami"]);
    let caller = call(&client, "whoami", serde_json::json!({})).await;
    assert!(
        caller["sub"]
            .as_str()
            .is_some_and(|sub| sub.starts_with("acct_")),
        "{caller}"
    );
    // It requests the scopes of the resource, and `offline_access`, since our metadata lists it.
    assert_eq!(caller["scope"], "notes:read offline_access");

    // R-K8: adding a note needs another scope, so it requests consent again, and the page marks the
    // new scope.
    let arguments = serde_json::json!({ "text": "bought milk" });
    let adding = CallToolRequestParams::new("add_note")
        .with_arguments(arguments.as_object().cloned().expect("an object"));
    let refused = client.call_tool(adding).await.expect_err("403");
    let challenge = format!("{refused:?}");
    assert!(
        challenge.contains("InsufficientScope") && challenge.contains("notes:read notes:write"),
        "{challenge}"
    );
    let address = manager
        .lock()
        .await
        .request_scope_upgrade("notes:read notes:write")
        .await
        .expect("an address to open");
    let begun = browser
        .get(address.strip_prefix(&issuer).expect("a URL of the server"))
        .await;
    let consent = browser.follow(&begun).await.document();
    assert!(
        consent.words().contains("New Add notes for you"),
        "{}",
        consent.words()
    );
    let allowed = browser.submit(&consent.form("Allow"), "Allow").await;
    let callback =
        AuthorizationCallback::from_redirect_url(allowed.destination()).expect("an answer");
    let code = &callback.code;
    let csrf = &callback.csrf_token;
    let own = callback.issuer.as_deref();
    manager
        .lock()
        .await
        .exchange_code_for_token_with_issuer(code, csrf, own)
        .await
        .expect("the exchange");
    let noted = call(&client, "add_note", arguments).await;
    assert_eq!(noted["notes"], 1);
    client.cancel().await.expect("it ends");

    // It is in the list of registered clients.
    let clients = server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("the store answers");
    assert_eq!(
        clients
            .iter()
            .map(|client| client.name.as_str())
            .collect::<Vec<_>>(),
        ["Real client"]
    );
    refresh(&server, &issuer, first).await;
    task.abort();
}

async fn r_k11_rmcp_uses_its_document_and_does_not_register(engine: EngineKind) {
    const ID: &str = "https://app.example/oauth/client.json";
    let site = Site::open(&["app.example"]).await;
    let document = serde_json::json!({
        "client_id": ID,
        "client_name": "Published client",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    });
    site.put(ID, Reply::json(&document.to_string()));
    let (server, issuer, task) = listening(engine, site.web()).await;
    let mcp = format!("{issuer}/mcp");

    // It supports both; the document is preferred (MCP "Client Registration Approaches").
    let mut state = OAuthState::new(mcp.as_str(), None).await.expect("a client");
    let request = AuthorizationRequest::new(CALLBACK)
        .with_client_name("Registered client")
        .with_client_metadata_url(ID);
    state.start_authorization(request).await.expect("discovery");
    let address = state
        .get_authorization_url()
        .await
        .expect("an address to open");
    assert_eq!(
        site.requests(ID),
        0,
        "nothing is fetched before the authorization request"
    );

    let mut browser = Browser::of_alice(&server).await;
    let begun = browser
        .get(address.strip_prefix(&issuer).expect("a URL of the server"))
        .await;
    let consent = browser.follow(&begun).await.document();
    for said in ["Published client", "app.example", "127.0.0.1:33418"] {
        assert!(
            consent.words().contains(said),
            "{said} in {}",
            consent.words()
        );
    }
    let allowed = browser.submit(&consent.form("Allow"), "Allow").await;
    state
        .handle_callback_url(allowed.destination())
        .await
        .expect("the exchange");

    // It refreshes and calls with its URL as client id. All of it took one fetch, and nothing is
    // registered.
    let manager = state.into_authorization_manager().expect("authorized");
    let first = manager.get_access_token().await.expect("a token");
    manager.refresh_token().await.expect("refreshed");
    assert_ne!(manager.get_access_token().await.expect("a token"), first);
    let client = connect(&mcp, AuthClient::new(reqwest::Client::new(), manager)).await;
    assert_eq!(
        call(&client, "whoami", serde_json::json!({})).await["client_id"],
        ID
    );
    client.cancel().await.expect("it ends");
    let known = server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("the store answers");
    assert_eq!(
        known
            .iter()
            .map(|client| (&*client.client_id, client.kind))
            .collect::<Vec<_>>(),
        [(ID, ClientKind::Document)]
    );
    assert_eq!(site.requests(ID), 1);
    task.abort();
}

/// The same client again, with its own refresh.
async fn refresh(server: &TestServer, issuer: &str, other: String) {
    let mut state = OAuthState::new(format!("{issuer}/mcp"), None)
        .await
        .expect("a client");
    state
        .start_authorization(AuthorizationRequest::new(CALLBACK))
        .await
        .expect("discovery and registration");
    let address = state
        .get_authorization_url()
        .await
        .expect("an address to open");
    let mut browser = Browser::new(server);
    let signed_in = browser.sign_in(ALICE, PASSWORD).await;
    assert_eq!(signed_in.destination(), "/account");
    let begun = browser
        .get(address.strip_prefix(issuer).expect("a URL of the server"))
        .await;
    let consent = browser.follow(&begun).await.document();
    let allowed = browser.submit(&consent.form("Allow"), "Allow").await;
    state
        .handle_callback_url(allowed.destination())
        .await
        .expect("the exchange");
    let manager = state.into_authorization_manager().expect("authorized");
    let first = manager.get_access_token().await.expect("a token");
    assert_ne!(first, other);
    manager.refresh_token().await.expect("refreshed");
    let second = manager.get_access_token().await.expect("a token");
    assert_ne!(second, first);
    let client = connect(
        &format!("{issuer}/mcp"),
        AuthClient::new(reqwest::Client::new(), manager),
    )
    .await;
    call(&client, "whoami", serde_json::json!({})).await;
    client.cancel().await.expect("it ends");
}

type Client = RunningService<RoleClient, ClientConfig>;

async fn connect(mcp: &str, http: AuthClient<reqwest::Client>) -> Client {
    let config = StreamableHttpClientTransportConfig::with_uri(mcp);
    let transport = StreamableHttpClientTransport::with_client(http, config);
    ClientConfig::default()
        .serve(transport)
        .await
        .expect("the server accepts the client")
}

async fn call(
    client: &Client,
    tool: &'static str,
    arguments: serde_json::Value,
) -> serde_json::Value {
    let arguments = arguments.as_object().cloned().expect("an object");
    let result = client
        .call_tool(CallToolRequestParams::new(tool).with_arguments(arguments))
        .await
        .expect("an answer");
    assert_ne!(result.is_error, Some(true), "{result:?}");
    result.structured_content.expect("structured content")
}

/// A server on a free port of this computer that fetches from `web`. Its clock is at
/// `TestClock::START`, unlike the client's; the protocol does not compare them.
async fn listening(engine: EngineKind, web: Web) -> (TestServer, String, JoinHandle<()>) {
    // Nothing here is encrypted, but the client requires a crypto provider. Another test may have
    // installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let port = listener.local_addr().expect("its number").port();
    let issuer = format!("http://127.0.0.1:{port}");
    let settings = testkit::direct::settings(&issuer);
    let server = TestServer::on_this_computer(engine, web, |own| *own = settings).await;
    let service = server
        .router
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    let task =
        tokio::spawn(async move { axum::serve(listener, service).await.expect("it serves") });
    (server, issuer, task)
}
