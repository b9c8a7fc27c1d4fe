//! What handlers need of a request: bodies of a bounded size, and who is calling.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::{
    extract::{FromRef, FromRequest, FromRequestParts, Path, RawPathParams, Request},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, request::Parts};
use oauth::Parameters;
use provider::Provider;

use crate::{guards::Guards, overload::Load, proxies::Proxies, respond, site::PageFiles};

/// The largest body any endpoint takes, in bytes.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;

/// What every handler may ask for: one shared copy, since each layer and each request brings its
/// own.
#[derive(Clone)]
pub struct Service(Arc<ServiceParts>);

/// What a [`Service`] consists of.
pub struct ServiceParts {
    /// The authorization server itself.
    pub provider: Provider,
    /// The proxies whose word counts.
    pub proxies: Proxies,
    /// The files of the pages.
    pub site: PageFiles,
    /// Which scopes calls need.
    pub guards: Guards,
    /// How loaded the process is.
    pub load: Load,
}

impl Service {
    /// Shares these parts.
    pub(crate) fn new(parts: ServiceParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Service {
    type Target = ServiceParts;

    fn deref(&self) -> &ServiceParts {
        &self.0
    }
}

impl FromRef<Service> for Provider {
    fn from_ref(service: &Service) -> Self {
        service.provider.clone()
    }
}

/// A form body (`application/x-www-form-urlencoded`).
#[derive(Debug)]
pub(crate) struct Form(pub Parameters);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !has_content_type(request.headers(), &["application/x-www-form-urlencoded"]) {
            let description = "The body must be application/x-www-form-urlencoded.";
            return Err(respond::error(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                description,
            ));
        }
        let body = body(request, state, "invalid_request").await?;
        Ok(Self(Parameters::parse(&body)))
    }
}

/// The body of a registration (`application/json`), as bytes: reading it is the core's business.
#[derive(Debug)]
pub(crate) struct Metadata(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Metadata {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let code = "invalid_client_metadata";
        if !has_content_type(request.headers(), &["application/json"]) {
            return Err(respond::error(
                StatusCode::BAD_REQUEST,
                code,
                "The body must be application/json.",
            ));
        }
        Ok(Self(body(request, state, code).await?))
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S, code: &str) -> Result<Bytes, Response> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => respond::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                code,
                "The body is too large.",
            ),
            _ => respond::error(StatusCode::BAD_REQUEST, code, "The body could not be read."),
        })
}

/// Whether the one content type is among `accepted`, parameters such as a charset aside.
fn has_content_type(headers: &HeaderMap, accepted: &[&str]) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    // A parameter may hold bytes that are no text.
    let essence = value
        .as_bytes()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    accepted
        .iter()
        .any(|accepted| essence.eq_ignore_ascii_case(accepted.as_bytes()))
}

/// The `Authorization` header as it came. Two of them, or one that is not text, become what no
/// scheme can read.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<String> {
    let values: Vec<_> = headers.get_all(header::AUTHORIZATION).iter().collect();
    match values.as_slice() {
        [] => None,
        [one] => Some(one.to_str().unwrap_or_default().to_owned()),
        _ => Some(String::new()),
    }
}

/// The token of the one `Authorization` header of the scheme Bearer (RFC 6750 section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

/// Whether an answer in JSON is wanted more than a page (RFC 9110 section 12.5.1). Who takes
/// anything gets the page.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let (mut json, mut html) = (0.0_f32, 0.0_f32);
    for range in accepted
        .collect::<Vec<_>>()
        .iter()
        .flat_map(|value| value.split(','))
    {
        let (name, quality) = name_and_quality(range);
        match name.as_str() {
            "application/json" => json = quality,
            "text/html" | "application/xhtml+xml" => html = f32::max(html, quality),
            _ => {}
        }
    }
    json > html
}

/// A media range in lower case, and how much it is wanted.
fn name_and_quality(range: &str) -> (String, f32) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (name, quality.unwrap_or(1.0))
}

/// The address a request comes from, which limits count by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub IpAddr);

impl FromRequestParts<Service> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Service,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self(
            service
                .proxies
                .client_address(&parts.headers, &parts.extensions),
        ))
    }
}

/// The client that a path names. One that is not text names none.
#[derive(Debug, Clone)]
pub(crate) struct PathClientId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathClientId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(id.map(|Path(id)| id).unwrap_or_default()))
    }
}

/// The id of the resource that a path names first. One that is not text names none.
#[derive(Debug, Clone)]
pub(crate) struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let named = RawPathParams::from_request_parts(parts, state).await;
        let id = named.ok().and_then(|named| {
            let mut named = named.iter();
            let id = named.find(|(name, _)| *name == "id");
            id.map(|(_, id)| id.to_owned())
        });
        Ok(Self(id.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_token_stands_alone_in_one_header() {
        let read = |values: &[&'static str]| {
            let name = |value| (header::AUTHORIZATION, HeaderValue::from_static(value));
            let mut headers = HeaderMap::new();
            values
                .iter()
                .map(|value| name(value))
                .for_each(|(name, value)| {
                    headers.append(name, value);
                });
            (bearer(&headers).map(str::to_owned), authorization(&headers))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read(&["Bearer t"]), (text("t"), text("Bearer t")));
        assert_eq!(read(&["bearer  t "]).0, text("t"));
        assert_eq!(read(&["Basic t"]), (None, text("Basic t")));
        assert_eq!(read(&["Bearer"]).0, None);
        assert_eq!(read(&["Bearer t", "Bearer t"]), (None, text("")));
        assert_eq!(read(&[]), (None, None));
    }

    #[test]
    fn json_is_for_those_who_prefer_it() {
        let prefers = |accept: &'static str| {
            prefers_json(&HeaderMap::from_iter([(
                header::ACCEPT,
                HeaderValue::from_static(accept),
            )]))
        };
        assert!(prefers("application/json"));
        assert!(prefers("application/json, text/plain, */*"));
        assert!(prefers("text/html;q=0.5, application/json"));
        assert!(!prefers(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(!prefers("*/*"));
        assert!(!prefers("text/html, application/json;q=0.9"));
        assert!(!prefers_json(&HeaderMap::new()));
    }

    #[test]
    fn a_content_type_may_have_a_charset_and_no_rival() {
        let has = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            has_content_type(&headers, &["application/json"])
        };
        assert!(has(&["application/json"]) && has(&["Application/JSON; charset=utf-8"]));
        assert!(!has(&[]) && !has(&["text/plain"]) && !has(&["application/jsonx"]));
        assert!(!has(&["application/json", "text/plain"]));
    }
}
