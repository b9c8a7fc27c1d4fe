//! Bodies that server functions read, by other means than our extractors.

use axum::{RequestExt as _, extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, StatusCode, header};

use crate::{extract::LARGEST_BODY, respond};

/// Leptos marks with it what a server function could not do.
const SERVER_FUNCTION_FAULT: &str = "serverfnerror";

/// Refuses a body that says it is too large, and cuts off one that turns out to be.
pub(crate) async fn bounded_body(request: Request, next: Next) -> Response {
    if announced(request.headers()).is_some_and(|length| length > LARGEST_BODY) {
        return respond::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request",
            "The body is too large.",
        );
    }
    next.run(request.with_limited_body()).await
}

/// A server function whose arguments cannot be read answers 500, though the fault is the caller's:
/// 400. Server functions set other statuses for their own errors.
pub(crate) async fn unreadable_is_bad_request(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && response.headers().contains_key(SERVER_FUNCTION_FAULT)
    {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
