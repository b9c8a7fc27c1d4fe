//! The proxy's own answers, in the form of JSON-RPC 2.0 with a status of HTTP: a client that waits
//! for a message gets one.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The code of a fault of the server (JSON-RPC 2.0 section 5.1, the range for implementations).
const SERVER_FAULT: i32 = -32000;

/// A fault without the answer of the server behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// 502: it does not answer.
    Unreachable,
    /// 502: it answered with a redirect.
    Redirect,
    /// 504: it took too long.
    Late,
    /// 413.
    TooLarge,
    /// 415: the body is not plain JSON, so it cannot be judged.
    MediaType,
    /// 404: the session is another's. A client begins a new one then.
    #[cfg(feature = "stdio")]
    NoSession,
    /// 503: the user has too many sessions.
    #[cfg(feature = "stdio")]
    Busy,
    /// 405.
    Method,
    /// 403: a page of another origin asks.
    Origin,
}

impl Fault {
    const fn status(self) -> StatusCode {
        match self {
            Self::Unreachable | Self::Redirect => StatusCode::BAD_GATEWAY,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            #[cfg(feature = "stdio")]
            Self::NoSession => StatusCode::NOT_FOUND,
            #[cfg(feature = "stdio")]
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "The MCP server does not respond. Try again shortly.",
            Self::Redirect => "The MCP server responded with a redirect, which is not followed.",
            Self::Late => "The MCP server took too long to respond.",
            Self::TooLarge => "The message is too large or incomplete.",
            Self::MediaType => {
                "The message must be application/json in UTF-8, without a content encoding."
            }
            #[cfg(feature = "stdio")]
            Self::NoSession => "Session not found.",
            #[cfg(feature = "stdio")]
            Self::Busy => "Too many sessions. End one, or try again in five minutes.",
            Self::Method => "This method is not allowed here.",
            Self::Origin => "Pages of this origin are not allowed to call this MCP server.",
        }
    }

    /// The answer to the client.
    pub(super) fn response(self) -> Response {
        let error = serde_json::json!({ "code": SERVER_FAULT, "message": self.words() });
        let body = serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error });
        let mut response = json(self.status(), body.to_string());
        if self == Self::Method {
            let allowed = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

/// A message of JSON-RPC that is not cached.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let headers = HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]);
    (status, headers, Body::from(body)).into_response()
}
