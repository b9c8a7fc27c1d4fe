//! An MCP server that requires a valid access token. In Cargo.toml, with the path to Vestibule's source:
//!
//! ```toml
//! [dependencies]
//! access-token = { path = "../vestibule/access-token", features = ["axum", "remote"] }
//! axum = "0.8"
//! rmcp = { version = "3.11", features = ["server", "macros", "transport-streamable-http-server"] }
//! serde = { version = "1", features = ["derive"] }
//! serde_json = "1"
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//! ```
//!
//! It starts with `cargo run`.

use std::{error::Error, sync::Arc};

use access_token::{
    Audience, Bearer, Challenge, Claims, RemoteKeys, RequireToken, Verifier, system_clock,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{common::Extension, wrapper::Parameters},
    model::{ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::Deserialize;
use serde_json::Value;

const ISSUER: &str = "https://auth.example.com";
const RESOURCE: &str = "https://notes.example.com/mcp";
const METADATA: &str = "https://notes.example.com/.well-known/oauth-protected-resource/mcp";
const METADATA_PATH: &str = "/.well-known/oauth-protected-resource/mcp";
const PATH: &str = "/mcp";
const HOSTNAME: &str = "notes.example.com";
const LISTEN: &str = "127.0.0.1:8000";
const SCOPES: &[&str] = &["notes:read"];
const SCOPES_TO_ADD: &[&str] = &["notes:read", "notes:write"];
const DOCUMENT: &str = include_str!("protected-resource.json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = Arc::new(RemoteKeys::new(ISSUER)?);
    let verifier = Verifier::new(ISSUER.into(), Audience::Exactly(RESOURCE.into()), keys);
    let challenge = Challenge::new(METADATA, SCOPES);
    let guard = RequireToken::new(
        Arc::new(verifier),
        system_clock(),
        challenge.clone(),
        SCOPES,
    );
    let transport = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts([HOSTNAME, "localhost", "127.0.0.1"]);
    let sessions = Arc::new(NeverSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Notes), sessions, transport);
    let document = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    // The last layer is the first to see a request.
    let server = Router::new()
        .route_service(PATH, mcp)
        .route_layer(from_fn_with_state(challenge, step_up))
        .route_layer(guard)
        .route(METADATA_PATH, get(async move || (document, DOCUMENT)));
    let listener = tokio::net::TcpListener::bind(LISTEN).await?;
    Ok(axum::serve(listener, server).await?)
}

/// Answers 403 with every scope that a call needs, before the call begins. A client that lacks one asks for it.
async fn step_up(
    State(challenge): State<Challenge>,
    Bearer(claims): Bearer,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 1 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let adds = |message: &Value| {
        message["method"] == "tools/call" && message["params"]["name"] == "add_note"
    };
    let lacks = SCOPES_TO_ADD.iter().any(|scope| !claims.has_scope(scope));
    match serde_json::from_slice(&body).unwrap_or_default() {
        Value::Array(messages) if lacks && messages.iter().any(adds) => {
            challenge.insufficient_scope(SCOPES_TO_ADD)
        }
        message if lacks && adds(&message) => challenge.insufficient_scope(SCOPES_TO_ADD),
        _ => next.run(Request::from_parts(parts, Body::from(body))).await,
    }
}

#[derive(Clone)]
struct Notes;

#[derive(Deserialize, JsonSchema)]
struct NewNote {
    text: String,
}

#[tool_router]
impl Notes {
    #[tool(description = "Says who you are")]
    async fn whoami(&self, Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        let claims = parts.extensions.get::<Claims>();
        claims
            .map(|claims| claims.sub.clone())
            .ok_or_else(|| ErrorData::internal_error("no token", None))
    }

    #[tool(description = "Adds a note")]
    async fn add_note(&self, Parameters(NewNote { text }): Parameters<NewNote>) -> String {
        format!("Noted: {text}")
    }
}

#[tool_handler]
impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}
