//! Which headers pass.

use access_token::Claims;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::told;

/// Of one connection alone (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// What the server behind does not get from a client: its credentials, what hyper writes itself,
/// the origin, which was checked here, and what only proxies may say.
const OF_CLIENT: [&str; 10] = [
    "authorization",
    "cookie",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "origin",
    "transfer-encoding",
    "via",
    "x-real-ip",
];

/// What a client does not get from the server behind: cookies of a host that is not its own,
/// policies about scripts, which are decided here, and challenges for another token.
const OF_UPSTREAM: [&str; 4] = [
    "set-cookie",
    "transfer-encoding",
    "www-authenticate",
    "alt-svc",
];

/// The headers for the server behind. Whatever a client says of itself under our names is dropped.
pub(super) fn for_upstream(
    headers: &HeaderMap,
    claims: &Claims,
    authorization: Option<&HeaderValue>,
) -> HeaderMap {
    let mut passed = passing(headers, |name| {
        let is_ours = name.starts_with(told::BEGINNING) || name.starts_with("x-forwarded-");
        // Many servers cannot tell an underscore from a hyphen.
        !OF_CLIENT.contains(&name) && !is_ours && !name.contains('_')
    });
    for (name, value) in told::ABOUT.into_iter().zip(told::about(claims)) {
        if let Ok(value) = HeaderValue::from_str(value) {
            passed.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(authorization) = authorization {
        passed.insert(header::AUTHORIZATION, authorization.clone());
    }
    passed
}

/// Whether a body is JSON in UTF-8 without a coding, by the one `Content-Type`.
pub(super) fn is_plain_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(content_type), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(content_type) = content_type.to_str() else {
        return false;
    };
    let content_type = content_type
        .to_ascii_lowercase()
        .replace([' ', '\t', '"'], "");
    let is_utf_8 = ["application/json", "application/json;charset=utf-8"].contains(&&*content_type);
    is_utf_8 && !headers.contains_key(header::CONTENT_ENCODING)
}

/// The headers for the client.
pub(super) fn for_client(headers: &HeaderMap) -> HeaderMap {
    passing(headers, |name| {
        !OF_UPSTREAM.contains(&name) && !name.starts_with("access-control-")
    })
}

/// The headers that may pass, without those of one connection and those that `Connection` names.
fn passing(headers: &HeaderMap, may_pass: impl Fn(&str) -> bool) -> HeaderMap {
    let named: Vec<_> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let is_of_connection =
        |name: &str| HOP_BY_HOP.contains(&name) || named.iter().any(|named| named == name);
    let mut passed = HeaderMap::with_capacity(headers.len() + told::ABOUT.len() + 1);
    for (name, value) in headers {
        if may_pass(name.as_str()) && !is_of_connection(name.as_str()) {
            passed.append(name, value.clone());
        }
    }
    passed
}
