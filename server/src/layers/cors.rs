//! Cross-origin access for browser-based clients, to endpoints that know no cookies
//! (requirements 7.9).

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Lets scripts of any origin call the routes below, without credentials, and read errors too.
/// Preflights end here. Never put it around `/authorize` or pages (R-O7).
pub(crate) async fn open_to_browsers(request: Request, next: Next) -> Response {
    if is_preflight(&request) {
        return preflight_answer();
    }
    let mut response = next.run(request).await;
    open(response.headers_mut());
    response
}

/// The headers by which a script of any origin may read an answer.
pub(crate) fn open(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce, Retry-After"),
    );
}

/// Whether a request asks what may be sent: the preflight of a browser, or OPTIONS of a program.
pub(crate) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
}

/// The answer: it may.
pub(crate) fn preflight_answer() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type, authorization, mcp-protocol-version, dpop"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("7200"),
    );
    open(headers);
    response
}
