//! One file of the site, as it is sent.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A file with its compressed variants.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content_type: &'static str,
    /// Identifies the content, in quotation marks (RFC 9110, section 8.8.3).
    pub(super) etag: HeaderValue,
    /// The content as it is.
    pub(super) identity: Bytes,
    pub(super) brotli: Option<Bytes>,
    pub(super) gzip: Option<Bytes>,
}

impl File {
    /// The answer to a request with these headers.
    pub(super) fn response(&self, request: &HeaderMap) -> Response {
        let mut response = if self.is_known(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.content(request)
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        response
    }

    /// Whether `If-None-Match` names the content (RFC 9110, section 13.1.2: compared weakly).
    fn is_known(&self, request: &HeaderMap) -> bool {
        let known = request.get(header::IF_NONE_MATCH);
        let known = known.map(HeaderValue::as_bytes).unwrap_or_default();
        known
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
            .any(|tag| tag == b"*" || tag == self.etag.as_bytes())
    }

    fn content(&self, request: &HeaderMap) -> Response {
        let (encoding, content) = self.variant(request);
        let mut response = Body::from(content.clone()).into_response();
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static(self.content_type);
        headers.insert(header::CONTENT_TYPE, content_type);
        if let Some(encoding) = encoding {
            let encoding = HeaderValue::from_static(encoding);
            headers.insert(header::CONTENT_ENCODING, encoding);
        }
        response
    }

    /// The smallest variant that the browser accepts (RFC 9110, section 12.5.3).
    fn variant(&self, request: &HeaderMap) -> (Option<&'static str>, &Bytes) {
        let compressed = [("br", &self.brotli), ("gzip", &self.gzip)];
        compressed
            .into_iter()
            .find_map(|(coding, content)| {
                let content = content.as_ref()?;
                accepts(request, coding).then_some((Some(coding), content))
            })
            .unwrap_or((None, &self.identity))
    }
}

/// The media type of a file, by the end of its name.
pub(super) fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "css" => "text/css",
        "js" => "text/javascript",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Whether `Accept-Encoding` names a coding, with a weight other than zero.
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(accepted_coding)
        .any(|name| name.eq_ignore_ascii_case(coding))
}

/// The name in an element such as `gzip;q=0.8`, unless its weight is zero.
fn accepted_coding(element: &str) -> Option<&str> {
    let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
    let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
    let is_zero = weight.trim_matches(['0', '.', ' ']).is_empty();
    (!is_zero).then(|| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        File {
            content_type: content_type("a.css"),
            etag: HeaderValue::from_static("\"1\""),
            identity: Bytes::from_static(b"plain"),
            brotli: Some(Bytes::from_static(b"br")),
            gzip: Some(Bytes::from_static(b"gz")),
        }
    }

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_smallest_accepted_variant_is_sent() {
        let encoding = |accepted| {
            let request = headers(header::ACCEPT_ENCODING, accepted);
            file().variant(&request).0
        };
        assert_eq!(encoding("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(encoding("gzip"), Some("gzip"));
        assert_eq!(encoding("br;q=0, GZIP; q=0.5"), Some("gzip"));
        assert_eq!(encoding("br;q=0.000"), None);
        assert_eq!(encoding("identity"), None);
        assert_eq!(file().variant(&HeaderMap::new()).1, "plain");
    }

    #[test]
    fn a_file_without_compressed_variants_is_sent_as_it_is() {
        let file = File {
            brotli: None,
            gzip: None,
            ..file()
        };
        let request = headers(header::ACCEPT_ENCODING, "br, gzip");
        assert_eq!(file.variant(&request), (None, &file.identity));
    }

    #[test]
    fn a_known_content_is_not_sent_again() {
        let status = |known| {
            let request = headers(header::IF_NONE_MATCH, known);
            file().response(&request).status()
        };
        for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
            assert_eq!(status(known), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(status("\"2\""), StatusCode::OK);
    }

    #[test]
    fn an_answer_says_what_it_is() {
        let response = file().response(&headers(header::ACCEPT_ENCODING, "br"));
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css");
        assert_eq!(response.headers()[header::ETAG], "\"1\"");
    }
}
