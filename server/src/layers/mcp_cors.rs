//! Cross-origin access to MCP servers at this address: the demonstration, and those behind the
//! reverse proxy.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// What a browser is told that asks before it sends, besides what every answer says.
const OF_PREFLIGHT: [(HeaderName, &str); 3] = [
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, DELETE, OPTIONS",
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, last-event-id, mcp-method, mcp-name",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "7200"),
];

/// The answer to a preflight.
pub(crate) fn mcp_preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    for (name, value) in OF_PREFLIGHT {
        headers.insert(name, HeaderValue::from_static(value));
    }
    open_mcp(headers);
    response
}

/// Lets scripts of any origin read an answer, refusals too: a client in a browser must be able to
/// read the challenge.
pub(crate) fn open_mcp(headers: &mut HeaderMap) {
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let exposed = HeaderValue::from_static("WWW-Authenticate, Mcp-Session-Id");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}
