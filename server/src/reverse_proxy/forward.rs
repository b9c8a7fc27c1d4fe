//! One request, from the client to the server behind and back.

use std::time::Duration;

use access_token::{Bearer, Challenge};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use guard::Rules;
use http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use http_body_util::Limited;
use tokio::time::timeout;

use super::{
    answer::{self, Fault},
    client::{NoAnswer, UpstreamClient},
    headers,
};

/// The largest message of a client, in bytes.
pub(super) const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// How long a message that is judged may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// What the calls of a resource need.
#[derive(Clone)]
pub(super) struct Judge {
    pub(super) rules: Rules,
    pub(super) challenge: Challenge,
}

/// Lets a request through whose token permits what its body says, whatever the headers say. Without
/// rules the body is not held.
pub(super) async fn judge(
    State(judge): State<Judge>,
    Bearer(claims): Bearer,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match judge.admit(&mut parts, body, &claims.scope).await {
        Ok(body) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => *refusal,
    }
}

/// What a request is forwarded with.
#[derive(Clone)]
pub(super) struct Forwarding {
    address: Uri,
    authorization: Option<HeaderValue>,
    client: UpstreamClient,
}

/// Forwards a request whose token is valid.
pub(super) async fn forward(
    State(forwarding): State<Forwarding>,
    Bearer(claims): Bearer,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers = headers::for_upstream(&parts.headers, &claims, forwarding.authorization.as_ref());
    let request = forwarding.request(&parts, headers, body);
    match forwarding.client.send(request).await {
        Ok(response) if is_redirect(response.status()) => {
            tracing::warn!(upstream = %forwarding.address, "the MCP server responded with a redirect");
            Fault::Redirect.response()
        }
        Ok(response) => {
            let (parts, body) = response.into_parts();
            let mut passed = Response::new(Body::new(body));
            *passed.status_mut() = parts.status;
            *passed.headers_mut() = headers::for_client(&parts.headers);
            // Proxies in front of this one hold answers back otherwise.
            passed
                .headers_mut()
                .entry("x-accel-buffering")
                .or_insert(HeaderValue::from_static("no"));
            passed
        }
        Err(NoAnswer::Body) => Fault::TooLarge.response(),
        Err(NoAnswer::Late) => {
            tracing::warn!(upstream = %forwarding.address, "the MCP server took too long to respond");
            Fault::Late.response()
        }
        Err(NoAnswer::Unreachable(error)) => {
            tracing::warn!(%error, upstream = %forwarding.address, "the MCP server does not respond");
            Fault::Unreachable.response()
        }
    }
}

/// Whether a status leads elsewhere; 304 does not.
fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

impl Judge {
    /// The body of a request that may pass.
    ///
    /// What is judged is JSON in UTF-8, and the server behind is told so: in another charset or coding
    /// it might read another call.
    async fn admit(
        &self,
        parts: &mut Parts,
        body: Body,
        scope: &str,
    ) -> Result<Body, Box<Response>> {
        match parts.method {
            Method::GET | Method::DELETE => Ok(Body::empty()),
            Method::POST if self.rules.is_empty() => {
                Ok(Body::new(Limited::new(body, LARGEST_MESSAGE)))
            }
            Method::POST if !headers::is_plain_json(&parts.headers) => {
                Err(Box::new(Fault::MediaType.response()))
            }
            Method::POST => {
                let json = HeaderValue::from_static("application/json");
                parts.headers.insert(header::CONTENT_TYPE, json);
                let whole = timeout(ARRIVAL, to_bytes(body, LARGEST_MESSAGE)).await;
                let body = whole.ok().and_then(Result::ok);
                self.permits(body, scope).map(Body::from)
            }
            _ => Err(Box::new(Fault::Method.response())),
        }
    }

    /// The message, if the scopes of a token permit it. The refusal names every scope that it needs.
    fn permits(&self, body: Option<Bytes>, scope: &str) -> Result<Bytes, Box<Response>> {
        let Some(body) = body else {
            return Err(Box::new(Fault::TooLarge.response()));
        };
        match self.rules.needed_by_body(&body) {
            Ok(needed) if needed.is_met_by(scope) => Ok(body),
            Ok(needed) => Err(Box::new(self.challenge.insufficient_scope(needed.scopes()))),
            Err(fault) => Err(Box::new(answer::json(
                StatusCode::BAD_REQUEST,
                fault.response(),
            ))),
        }
    }
}

impl Forwarding {
    /// To the server at an address, with an `Authorization` of its own.
    pub(super) fn new(
        address: &Uri,
        authorization: Option<HeaderValue>,
        client: &UpstreamClient,
    ) -> Self {
        Self {
            address: address.clone(),
            authorization,
            client: client.clone(),
        }
    }

    /// The request to the server behind. A query of the client goes along.
    fn request(&self, parts: &Parts, headers: http::HeaderMap, body: Body) -> Request {
        let mut request = Request::new(body);
        request.method_mut().clone_from(&parts.method);
        *request.uri_mut() = self.target(parts.uri.query());
        *request.headers_mut() = headers;
        if let Some(host) = self.address.authority()
            && let Ok(host) = HeaderValue::from_str(host.as_str())
        {
            request.headers_mut().insert(header::HOST, host);
        }
        request
    }

    fn target(&self, query: Option<&str>) -> Uri {
        let address = &self.address;
        let Some(query) = query else {
            return address.clone();
        };
        format!("{address}?{query}")
            .parse()
            .unwrap_or_else(|_| address.clone())
    }
}
