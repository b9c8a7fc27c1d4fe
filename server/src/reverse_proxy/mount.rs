//! Where requests for the servers behind are recognised.
//!
//! A resource on the issuer's own origin is known by its path, under whatever name a proxy in front
//! calls this server. A resource on another host is known by host and path, so that no path of it
//! hides a page or an endpoint of this server. Its metadata is at its own host, where clients look
//! for it.

use std::sync::Arc;

use access_token::{Audience, Challenge, RequireToken, Verifier};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, header};
use oauth::{
    endpoint::PROTECTED_RESOURCE,
    resource::{Resource, ResourceIdentifier},
};
use oauth_clients::discovery::ProtectedResource;
use primitives::web_address::{AddressParts, host_and_port, is_loopback};
use tower::ServiceExt as _;

#[cfg(feature = "stdio")]
use super::sessions::{self, Sessions};
use super::{
    answer::Fault,
    client::{Upstream, UpstreamClient, UpstreamServer},
    forward::{self, Forwarding, Judge},
    stdio_servers::StdioServers,
};
use crate::{
    extract::Service,
    layers::{addressed_host, mcp_preflight, open_mcp},
    liveness::{liveness, renewal},
    proxies::Proxies,
    respond,
    time::clock,
};

/// The servers behind, each with what guards it.
#[derive(Clone)]
pub(crate) struct Protected {
    mounts: Arc<[Mount]>,
    proxies: Proxies,
}

struct Mount {
    identifier: ResourceIdentifier,
    /// Whether it is on the issuer's origin.
    is_own: bool,
    /// Its protected resource metadata.
    document: Vec<u8>,
    /// The origins whose pages may call it, besides those on this computer.
    origins: [String; 2],
    router: Router,
}

/// The servers behind. A resource without an upstream is none of them.
pub(crate) fn protected(
    service: &Service,
    upstreams: &[Upstream],
    stdio: &StdioServers,
) -> Protected {
    stdio.keep(upstreams);
    let client = if upstreams.is_empty() {
        None
    } else {
        UpstreamClient::new(upstreams)
    };
    let settings = service.provider.settings();
    let mount = |upstream: &Upstream| {
        let mut resources = settings.resources.iter();
        let resource = resources.find(|resource| resource.identifier == upstream.resource)?;
        let behind = behind(upstream, client.as_ref()?, stdio);
        Some(Mount::new(service, resource, behind))
    };
    Protected {
        mounts: upstreams.iter().filter_map(mount).collect(),
        proxies: service.proxies.clone(),
    }
}

impl Mount {
    fn new(service: &Service, resource: &Resource, behind: Router) -> Self {
        let provider = &service.provider;
        let rules = service.guards.rules(&resource.identifier);
        let issuer = &provider.settings().issuer;
        let identifier = &resource.identifier;
        let scopes: Vec<_> = resource.default_scopes().collect();
        let challenge = Challenge::new(&identifier.metadata_address(), &scopes);
        let tokens = provider.tokens().as_ref().clone();
        let verifier = Verifier::beside(tokens, Audience::Exactly(identifier.to_string()))
            .only(resource.token_format)
            .renewing(renewal(provider.clone()));
        let clock = clock(provider.clone());
        let require = RequireToken::new(Arc::new(verifier), clock, challenge.clone(), &[])
            .asking(liveness(provider.clone()));
        let judge = middleware::from_fn_with_state(Judge { rules, challenge }, forward::judge);
        let document = ProtectedResource::describe(issuer, resource);
        Self {
            is_own: origin(identifier) == issuer.origin(),
            document: serde_json::to_vec(&document).unwrap_or_default(),
            origins: [origin(identifier), issuer.origin().to_owned()],
            router: behind.layer(judge).layer(require),
            identifier: identifier.clone(),
        }
    }

    /// Whether a request is for this server, and not for its metadata.
    fn is_at(&self, host: Option<&str>, path: &str) -> bool {
        self.path() == path && (self.is_own || host == Some(self.identifier.host()))
    }

    /// Whether a request is for its metadata at its own host (RFC 9728 section 3.1), at its path or
    /// at the root.
    fn is_described_at(&self, host: Option<&str>, path: &str) -> bool {
        let below = path.strip_prefix(PROTECTED_RESOURCE);
        !self.is_own
            && host == Some(self.identifier.host())
            && below.is_some_and(|below| [self.identifier.path(), "", "/"].contains(&below))
    }

    fn path(&self) -> &str {
        match self.identifier.path() {
            "" => "/",
            path => path,
        }
    }

    async fn serve(&self, request: Request) -> Response {
        if request.method() == Method::OPTIONS {
            return mcp_preflight();
        }
        let is_allowed = may_call(request.headers(), &self.origins);
        let mut response = if is_allowed {
            let served = self.router.clone().oneshot(request).await;
            served.unwrap_or_else(|never| match never {})
        } else {
            Fault::Origin.response()
        };
        open_mcp(response.headers_mut());
        response
    }

    /// The answer at the address of its metadata.
    fn answer_about(&self, method: &Method) -> Response {
        match *method {
            Method::OPTIONS => mcp_preflight(),
            Method::GET | Method::HEAD => self.describe(),
            _ => respond::method_not_allowed(),
        }
    }

    fn describe(&self) -> Response {
        let mut response = Response::new(Body::from(self.document.clone()));
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let caching = HeaderValue::from_static("public, max-age=300");
        headers.insert(header::CACHE_CONTROL, caching);
        open_mcp(headers);
        response
    }
}

/// What is behind: without a token and a judgement, nothing comes here.
fn behind(upstream: &Upstream, client: &UpstreamClient, stdio: &StdioServers) -> Router {
    match &upstream.server {
        UpstreamServer::Http(address) => {
            let authorization = upstream.authorization.clone();
            let forwarding = Forwarding::new(address, authorization, client);
            Router::new().fallback(any(forward::forward).with_state(forwarding))
        }
        UpstreamServer::Stdio(command) => stdio.service(upstream, || by_stdio(command)),
    }
}

#[cfg(feature = "stdio")]
fn by_stdio(command: &[String]) -> Router {
    mcp::stdio::service(command, forward::LARGEST_MESSAGE)
        .layer(middleware::map_request(as_local))
        .layer(middleware::from_fn_with_state(
            Sessions::default(),
            sessions::of_their_own,
        ))
}

#[cfg(not(feature = "stdio"))]
fn by_stdio(_: &[String]) -> Router {
    Router::new().fallback(any(async || Fault::Unreachable.response()))
}

/// The request as if it came from this computer: host and origin have been checked.
#[cfg(feature = "stdio")]
async fn as_local(mut request: Request) -> Request {
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    headers.remove(header::ORIGIN);
    request
}

/// Hands requests for the servers behind to them. Everything else goes on.
pub(crate) async fn to_upstreams(
    State(protected): State<Protected>,
    request: Request,
    next: Next,
) -> Response {
    let host = addressed_host(&request, &protected.proxies);
    let path = request.uri().path();
    let mut mounts = protected.mounts.iter();
    if let Some(mount) = mounts.find(|mount| mount.is_at(host.as_deref(), path)) {
        return mount.serve(request).await;
    }
    let mut mounts = protected.mounts.iter();
    match mounts.find(|mount| mount.is_described_at(host.as_deref(), path)) {
        Some(mount) => mount.answer_about(request.method()),
        None => next.run(request).await,
    }
}

impl Protected {
    /// The layer around everything else, if there are any.
    pub(crate) fn around(self, router: Router) -> Router {
        if self.mounts.is_empty() {
            return router;
        }
        router.layer(middleware::from_fn_with_state(self, to_upstreams))
    }
}

fn origin(identifier: &ResourceIdentifier) -> String {
    let parts = AddressParts::split(identifier.as_str());
    format!("{}://{}", parts.scheme, parts.authority)
}

/// Whether a page may call (R-P13): one of the resource's own origin, the issuer's, or of this
/// computer. A program sends no origin.
fn may_call(headers: &HeaderMap, origins: &[String]) -> bool {
    let mut sent = headers.get_all(header::ORIGIN).iter();
    match (sent.next(), sent.next()) {
        (None, _) => true,
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| {
            let is_local = || {
                let parts = AddressParts::split(origin);
                parts.scheme == "http" && is_loopback(&host_and_port(parts.authority).0)
            };
            origins.iter().any(|own| own == origin) || is_local()
        }),
        (Some(_), Some(_)) => false,
    }
}
