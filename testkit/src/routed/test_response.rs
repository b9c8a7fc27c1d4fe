//! What came back.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::Document;

const LARGEST: usize = 4 * 1024 * 1024;

/// An answer, read whole.
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
    /// Reads an answer to its end.
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

    /// All headers but the id of the request, which is another one each time.
    pub fn headers_without_id(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove("x-request-id");
        headers
    }

    /// The one value of a header; `None` when it is absent.
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

    /// The body of an answer in JSON.
    pub fn json(&self) -> Value {
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            Some("application/json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).expect("a body in JSON")
    }

    /// The page of an answer in HTML.
    pub fn document(&self) -> Document {
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            Some("text/html; charset=utf-8"),
            "{self:?}"
        );
        Document::parse(&self.body)
    }

    /// Where it sends the caller to, always by 303.
    pub fn destination(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        self.header(header::LOCATION)
            .expect("a redirect says where to")
    }

    /// Expects success, and gives the JSON.
    pub fn granted(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()
    }

    /// Expects a refusal in the form of RFC 6749 section 5.2, with this status and code.
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

    /// Expects a local problem page: nothing leads away from it, nothing was set in motion (R-O2).
    pub fn problem(&self, status: u16) -> Document {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header(header::LOCATION), None, "{self:?}");
        let document = self.document();
        assert_eq!(document.page(), "problem", "{self:?}");
        document
    }
}
