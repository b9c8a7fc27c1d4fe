//! What a refused caller is told (RFC 6750 §3, RFC 9728 §5.1).

use std::fmt;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{LivenessUnknown, Refusal};

/// What every challenge of one protected service names: where its metadata is, and which scopes to
/// ask for.
#[derive(Clone, Debug)]
pub struct Challenge {
    resource_metadata: Option<String>,
    scope: String,
}

/// Why a request did not pass.
#[derive(Debug)]
pub(crate) enum Turned {
    /// It came without a token.
    NoToken,
    /// The Authorization header cannot be read.
    Malformed(&'static str),
    /// The token is not accepted.
    Refused(Refusal),
    /// It is good by itself, and what it was issued for has ended.
    Ended,
    /// Nobody can say whether that has ended.
    Unknown(LivenessUnknown),
    /// The token is good, but not for this.
    Short,
}

impl Challenge {
    /// `resource_metadata` is the URL of the RFC 9728 document, `scopes` those a client should ask
    /// for at first.
    pub fn new(resource_metadata: &str, scopes: &[&str]) -> Self {
        Self {
            resource_metadata: Some(quotable(resource_metadata)),
            ..Self::without_metadata(scopes)
        }
    }

    /// For a service that no RFC 9728 document describes.
    pub fn without_metadata(scopes: &[&str]) -> Self {
        Self {
            resource_metadata: None,
            scope: quotable(&scopes.join(" ")),
        }
    }

    /// 403 for an operation that needs more: name every scope it needs, in one challenge (R-P8).
    pub fn insufficient_scope(&self, needed: &[&str]) -> Response {
        let scope = quotable(&needed.join(" "));
        let about = "the token does not permit this";
        self.say(
            StatusCode::FORBIDDEN,
            Some("insufficient_scope"),
            about,
            &scope,
        )
    }

    pub(crate) fn answer(&self, turned: &Turned, needed: &[String]) -> Response {
        match turned {
            // No error code: the caller did nothing wrong yet (R-P16).
            Turned::NoToken => self.say(
                StatusCode::UNAUTHORIZED,
                None,
                "an access token is needed here",
                &self.scope,
            ),
            Turned::Malformed(about) => self.say(
                StatusCode::BAD_REQUEST,
                Some("invalid_request"),
                about,
                &self.scope,
            ),
            Turned::Refused(Refusal::Invalid(why)) => self.invalid_token(&why.to_string()),
            Turned::Refused(Refusal::NoKeys(fault)) => unavailable(fault),
            Turned::Ended => self.invalid_token("the access this token was issued for has ended"),
            Turned::Unknown(fault) => unavailable(fault),
            Turned::Short => {
                self.insufficient_scope(&needed.iter().map(String::as_str).collect::<Vec<_>>())
            }
        }
    }

    fn invalid_token(&self, about: &str) -> Response {
        self.say(
            StatusCode::UNAUTHORIZED,
            Some("invalid_token"),
            about,
            &self.scope,
        )
    }

    fn say(&self, status: StatusCode, error: Option<&str>, about: &str, scope: &str) -> Response {
        let mut response = json(status, error, about);
        if let Ok(value) = HeaderValue::from_str(&self.header(error, about, scope)) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }

    fn header(&self, error: Option<&str>, about: &str, scope: &str) -> String {
        let mut members = Vec::new();
        if let Some(error) = error {
            members.extend([("error", error), ("error_description", about)]);
        }
        members.extend(
            self.resource_metadata
                .as_deref()
                .map(|document| ("resource_metadata", document)),
        );
        if !scope.is_empty() {
            members.push(("scope", scope));
        }
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", quotable(value)))
            .collect();
        format!("Bearer {}", members.join(", "))
            .trim_end()
            .to_owned()
    }
}

/// The value of `WWW-Authenticate` for a request that comes without a token.
impl fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.header(None, "", &self.scope))
    }
}

/// 503: the caller's token may be good, so neither 401 nor 403, which would make a client throw it
/// away.
fn unavailable(fault: &dyn std::error::Error) -> Response {
    tracing::error!(%fault, "no token can be checked");
    let mut response = json(
        StatusCode::SERVICE_UNAVAILABLE,
        Some("temporarily_unavailable"),
        "the token cannot be checked at present",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn json(status: StatusCode, error: Option<&str>, about: &str) -> Response {
    let body = match error {
        Some(error) => serde_json::json!({ "error": error, "error_description": about }),
        None => serde_json::json!({ "error_description": about }),
    };
    let headers = HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]);
    (status, headers, Body::from(body.to_string())).into_response()
}

/// What RFC 6750 §3 allows between the quotes; the rest is left out, so nothing needs escaping.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_quotes() {
        assert_eq!(
            quotable("a\"b\\c\r\nSet-Cookie: d\u{e9}"),
            "abcSet-Cookie: d"
        );
        let challenge = Challenge::new("https://id.example/\"x", &["a", "b\", error=\"c"]);
        let response = challenge.answer(&Turned::NoToken, &[]);
        assert_eq!(
            response.headers()[header::WWW_AUTHENTICATE],
            r#"Bearer resource_metadata="https://id.example/x", scope="a b, error=c""#
        );
    }

    #[test]
    fn without_a_document_none_is_named() {
        let header = |scopes: &[&str]| {
            let challenge = Challenge::without_metadata(scopes);
            let header =
                challenge.answer(&Turned::NoToken, &[]).headers()[header::WWW_AUTHENTICATE].clone();
            assert_eq!(header, challenge.to_string());
            header
        };
        assert_eq!(header(&["a", "b"]), r#"Bearer scope="a b""#);
        assert_eq!(header(&[]), "Bearer");
    }
}
