//! An MCP server that requires a valid access token.

use std::{error::Error, sync::Arc};

use access_token::{Audience, Bearer, Challenge, RemoteKeys, RequireToken, Verifier, system_clock};
use axum::{
    Router,
    http::header,
    routing::{get, post},
};

const ISSUER: &str = "https://auth.example.com";
const RESOURCE: &str = "https://notes.example.com/mcp";
const METADATA: &str = "https://notes.example.com/.well-known/oauth-protected-resource/mcp";
const METADATA_PATH: &str = "/.well-known/oauth-protected-resource/mcp";
const PATH: &str = "/mcp";
const SCOPES: &[&str] = &["notes:read"];
const DOCUMENT: &str = include_str!("protected-resource.json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = Arc::new(RemoteKeys::new(ISSUER)?);
    let verifier = Verifier::new(ISSUER.into(), Audience::Exactly(RESOURCE.into()), keys);
    let challenge = Challenge::new(METADATA, SCOPES);
    let guard = RequireToken::new(Arc::new(verifier), system_clock(), challenge, &[]);
    let document = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let server = Router::new()
        .route(PATH, post(mcp).layer(guard))
        .route(METADATA_PATH, get(async move || (document, DOCUMENT)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    Ok(axum::serve(listener, server).await?)
}

/// Replace this with your MCP server. The claims contain the caller and the permitted scopes.
async fn mcp(Bearer(claims): Bearer) -> String {
    format!("{} may use {}", claims.sub, claims.scope)
}
