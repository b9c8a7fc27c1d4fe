//! Responses to refused requests (RFC 6750 §3, RFC 9728 §5.1).

use std::fmt;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{LivenessUnknown, Refusal};

/// The values in every challenge of one protected resource: the URL of its metadata, and the scopes
/// to request.
#[derive(Clone, Debug)]
pub struct Challenge {
    resource_metadata: Option<String>,
    scope: String,
}

/// Why a request is refused.
#[derive(Debug)]
pub enum Rejection {
    /// There is no token.
    NoToken,
    /// The Authorization header, or another one that decides, is malformed. The text is for the
    /// client.
    Malformed(&'static str),
    /// The token is not accepted.
    Refused(Refusal),
    /// The token is valid, but its grant was revoked.
    Revoked,
    /// It is unknown whether the grant is still valid.
    LivenessUnknown(LivenessUnknown),
    /// The token lacks a scope.
    InsufficientScope,
}

impl Challenge {
    /// `resource_metadata` is the URL of the RFC 9728 document, `scopes` those that a client should
    /// request first.
    pub fn new(resource_metadata: &str, scopes: &[&str]) -> Self {
        Self {
            resource_metadata: Some(quotable(resource_metadata)),
            ..Self::without_metadata(scopes)
        }
    }

    /// For a resource without an RFC 9728 document.
    pub fn without_metadata(scopes: &[&str]) -> Self {
        Self {
            resource_metadata: None,
            scope: quotable(&scopes.join(" ")),
        }
    }

    /// 403 for an operation that needs more scopes: names every scope it needs, in one challenge
    /// (R-P8).
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

    /// The response to a refused request. `needed` are the scopes that it needs.
    pub fn answer(&self, rejection: &Rejection, needed: &[String]) -> Response {
        match rejection {
            // No error code without credentials (R-P16).
            Rejection::NoToken => self.say(
                StatusCode::UNAUTHORIZED,
                None,
                "an access token is required",
                &self.scope,
            ),
            Rejection::Malformed(about) => self.say(
                StatusCode::BAD_REQUEST,
                Some("invalid_request"),
                about,
                &self.scope,
            ),
            Rejection::Refused(Refusal::Invalid(why)) => self.invalid_token(&why.to_string()),
            Rejection::Refused(Refusal::NoKeys(fault)) => unavailable(fault),
            Rejection::Revoked => {
                self.invalid_token("the access this token was issued for has ended")
            }
            Rejection::LivenessUnknown(fault) => unavailable(fault),
            Rejection::InsufficientScope => {
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

/// The value of `WWW-Authenticate` for a request without a token.
impl fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.header(None, "", &self.scope))
    }
}

/// 503: the token may be valid, and a client would discard it after 401 or 403.
fn unavailable(fault: &dyn std::error::Error) -> Response {
    tracing::error!(%fault, "tokens cannot be checked");
    let mut response = json(
        StatusCode::SERVICE_UNAVAILABLE,
        Some("temporarily_unavailable"),
        "the token cannot be checked now",
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

/// The characters that RFC 6750 §3 allows between the quotes. Others are removed, so no escaping is
/// needed.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_escapes_the_quotes() {
        assert_eq!(
            quotable("a\"b\\c\r\nSet-Cookie: d\u{e9}"),
            "abcSet-Cookie: d"
        );
        let challenge = Challenge::new("https://id.example/\"x", &["a", "b\", error=\"c"]);
        let response = challenge.answer(&Rejection::NoToken, &[]);
        assert_eq!(
            response.headers()[header::WWW_AUTHENTICATE],
            r#"Bearer resource_metadata="https://id.example/x", scope="a b, error=c""#
        );
    }

    #[test]
    fn without_metadata_the_challenge_names_none() {
        let header = |scopes: &[&str]| {
            let challenge = Challenge::without_metadata(scopes);
            let header = challenge.answer(&Rejection::NoToken, &[]).headers()
                [header::WWW_AUTHENTICATE]
                .clone();
            assert_eq!(header, challenge.to_string());
            header
        };
        assert_eq!(header(&["a", "b"]), r#"Bearer scope="a b""#);
        assert_eq!(header(&[]), "Bearer");
    }
}
