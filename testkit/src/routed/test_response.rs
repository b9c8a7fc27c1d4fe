//! HTTP responses.

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::Document;

const LARGEST: usize = 4 * 1024 * 1024;

/// A complete response.
#[derive(Clone, Debug)]
pub struct TestResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which is text.
    pub body: String,
}

impl TestResponse {
    /// Reads a response to its end.
    pub async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, LARGEST).await.expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("a body in UTF-8");
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// All headers without the request id, which differs each time.
    pub fn headers_without_id(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove("x-request-id");
        headers
    }

    /// The only value of a header; `None` when it is absent.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values
            .next()
            .map(|value| value.to_str().expect("a header that is text"));
        assert!(
            values.next().is_none(),
            "a header came twice: {:?}",
            self.headers
        );
        first
    }

    /// The body of a JSON response.
    pub fn json(&self) -> Value {
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            Some("application/json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).expect("a body in JSON")
    }

    /// The page of an HTML response.
    pub fn document(&self) -> Document {
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            Some("text/html; charset=utf-8"),
            "{self:?}"
        );
        Document::parse(&self.body)
    }

    /// The target of a 303 redirect.
    pub fn destination(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        self.header(header::LOCATION)
            .expect("a redirect says where to")
    }

    /// Expects success; returns the JSON.
    pub fn granted(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()
    }

    /// Expects an error response of RFC 6749 section 5.2, with this status and code.
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["error"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        assert_eq!(
            self.header(header::CACHE_CONTROL),
            Some("no-store"),
            "{self:?}"
        );
        body
    }

    /// Expects a local error page without a redirect or cookies (R-O2).
    pub fn problem(&self, status: u16) -> Document {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header(header::LOCATION), None, "{self:?}");
        let document = self.document();
        assert_eq!(document.page(), "problem", "{self:?}");
        document
    }
}
