//! Security headers.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// For answers that bring no policy of their own: nothing may be loaded, run, framed or submitted.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), \
     publickey-credentials-create=(self), publickey-credentials-get=(self)";

/// The headers that every answer gets unless it has them already.
#[derive(Clone)]
pub(crate) struct Protection {
    https: bool,
}

impl Protection {
    /// `https` is whether browsers reach this server over TLS only.
    pub(crate) const fn new(https: bool) -> Self {
        Self { https }
    }

    /// Adds what is missing.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        let mut default = |name: HeaderName, value: &'static str| {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        };
        default(header::CONTENT_SECURITY_POLICY, POLICY);
        default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        default(header::X_FRAME_OPTIONS, "DENY");
        default(header::REFERRER_POLICY, "same-origin");
        default(HeaderName::from_static("permissions-policy"), PERMISSIONS);
        default(header::CACHE_CONTROL, "no-store");
        if self.https {
            default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
    }
}

/// The layer that applies them.
pub(crate) async fn protect(
    State(protection): State<Protection>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    protection.apply(response.headers_mut());
    response
}
