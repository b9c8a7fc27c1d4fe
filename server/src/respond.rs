//! Answers for machines: JSON, never cached, in the vocabulary of the RFCs.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use oauth::error::{AuthenticationScheme, ProtocolError};
use provider::{Provider, TokenError};
use serde::Serialize;

/// What clients read as "try again": RFC 6749 section 4.1.2.1 has it for the authorization
/// endpoint, and they know it everywhere.
const TRY_AGAIN: &str = "temporarily_unavailable";
/// When to try again where the store, or the server, gives no answer.
pub(crate) const SOON: Duration = Duration::from_secs(2);
/// Bytes that hold a token response, and how many headers it has with those of the layers.
const USUAL_LENGTH: usize = 1024;
const USUAL_HEADERS: usize = 14;

/// `value` as JSON that is not cached (RFC 6749 section 5.1).
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let mut body = Vec::with_capacity(USUAL_LENGTH);
    if serde_json::to_writer(&mut body, value).is_err() {
        tracing::error!("a response could not be written as JSON");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(USUAL_HEADERS);
    for (name, value) in OF_JSON {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const OF_JSON: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "no-store"),
    (header::PRAGMA, "no-cache"),
];

/// An error in the form of RFC 6749 section 5.2.
pub(crate) fn error(status: StatusCode, code: &str, description: &str) -> Response {
    #[derive(Serialize)]
    struct Fault<'a> {
        error: &'a str,
        error_description: &'a str,
    }
    json(
        status,
        &Fault {
            error: code,
            error_description: description,
        },
    )
}

/// 429: the caller is to wait.
pub(crate) fn too_many(retry_after: Duration) -> Response {
    let response = error(
        StatusCode::TOO_MANY_REQUESTS,
        TRY_AGAIN,
        "Too many requests. Try again later.",
    );
    with_retry_after(response, retry_after)
}

/// 503: the store does not answer. Never `invalid_client` or `invalid_grant`, on which clients
/// throw away what they hold.
pub(crate) fn unavailable() -> Response {
    let response = error(
        StatusCode::SERVICE_UNAVAILABLE,
        TRY_AGAIN,
        "The server is temporarily unavailable. Try again shortly.",
    );
    with_retry_after(response, SOON)
}

/// 404 for machines.
pub(crate) fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "not_found", "Not found.")
}

/// 405; the router adds `Allow`.
pub(crate) fn method_not_allowed() -> Response {
    error(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request",
        "This method is not allowed.",
    )
}

/// What a machine asked for about tokens came to nothing.
pub(crate) fn token_error(error: &TokenError, provider: &Provider) -> Response {
    match error {
        TokenError::Refused(refusal) => refused(refusal, provider.settings().issuer.as_str()),
        TokenError::TooMany { retry_after } => too_many(*retry_after),
        TokenError::Unavailable(_) => unavailable(),
    }
}

/// A refusal, with the challenge that says how the caller should have authenticated (R-O12, RFC 6750
/// section 3).
pub(crate) fn refused(refusal: &impl ProtocolError, realm: &str) -> Response {
    let code = refusal.code();
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let code = code.as_str();
    let mut response = error(status, code, &refusal.description());
    let challenge = refusal
        .challenge()
        .and_then(|scheme| HeaderValue::from_str(&challenge(scheme, realm, code)).ok());
    if let Some(value) = challenge {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// How the caller should have authenticated.
fn challenge(scheme: AuthenticationScheme, realm: &str, code: &str) -> String {
    match scheme {
        AuthenticationScheme::Basic => format!("Basic realm=\"{realm}\", charset=\"UTF-8\""),
        AuthenticationScheme::Bearer => format!("Bearer realm=\"{realm}\", error=\"{code}\""),
    }
}

/// Adds `Retry-After` in whole seconds, at least one.
pub(crate) fn with_retry_after(mut response: Response, wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        let told =
            |wait| with_retry_after(not_found(), wait).headers()[header::RETRY_AFTER].clone();
        assert_eq!(told(Duration::from_millis(1500)), "2");
        assert_eq!(told(Duration::ZERO), "1");
        assert_eq!(told(Duration::from_hours(1)), "3600");
    }
}
