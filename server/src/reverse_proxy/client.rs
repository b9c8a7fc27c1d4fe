//! The connection to the server behind.

use std::{fmt, sync::Arc, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use oauth::resource::ResourceIdentifier;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

use tokio::time::timeout;
use url::Url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the head of an answer may take: a tool may work for minutes before it says anything.
const HEAD: Duration = Duration::from_mins(5);
/// How long an idle connection is kept: servers in JavaScript and Python close theirs after five
/// seconds.
const IDLE: Duration = Duration::from_secs(4);
/// The largest head of an answer, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;

/// A server behind the proxy, and the resource that it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The identifier of the resource: the address that clients use.
    pub resource: ResourceIdentifier,
    /// The server.
    pub server: UpstreamServer,
    /// What it gets as `Authorization`. A client's never reaches it.
    pub authorization: Option<HeaderValue>,
}

/// How a server behind the proxy is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamServer {
    /// By streamable HTTP, at this address.
    Http(Uri),
    /// By stdio: a program and its arguments.
    Stdio(Vec<String>),
}

impl fmt::Display for UpstreamServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address) => address.fmt(formatter),
            // Arguments may be secrets.
            Self::Stdio(command) => {
                let program = command.first().map(String::as_str);
                formatter.write_str(program.unwrap_or_default())
            }
        }
    }
}

/// Why an address is none of a server behind the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFault {
    /// It is no http or https URL.
    #[error("it is not an absolute http or https URL")]
    NotAUrl,
    /// It has a user name, a query or a fragment.
    #[error("it has a user name, a query or a fragment")]
    TooMuch,
}

impl Upstream {
    /// A program that speaks stdio.
    pub fn stdio(resource: ResourceIdentifier, command: Vec<String>) -> Self {
        Self {
            resource,
            server: UpstreamServer::Stdio(command),
            authorization: None,
        }
    }

    fn needs_certificates(&self) -> bool {
        matches!(&self.server, UpstreamServer::Http(address) if address.scheme_str() == Some("https"))
    }

    /// Reads the address of a server.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(resource: ResourceIdentifier, address: &str) -> Result<Self, UpstreamFault> {
        let url = Url::parse(address).map_err(|_| UpstreamFault::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(UpstreamFault::NotAUrl);
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(UpstreamFault::TooMuch);
        }
        let address = url.as_str().parse().map_err(|_| UpstreamFault::NotAUrl)?;
        Ok(Self {
            resource,
            server: UpstreamServer::Http(address),
            authorization: None,
        })
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Upstream")
            .field("resource", &self.resource)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Why the server behind gave no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// It cannot be reached, or broke the connection.
    Unreachable(Error),
    /// It took too long.
    Late,
    /// The body of the request is too large, or did not arrive.
    Body,
}

/// Sends requests. It follows no redirect, and repeats only what an idle connection that was closed
/// has not sent.
#[derive(Clone)]
pub(super) struct UpstreamClient(Arc<Client<HttpsConnector<HttpConnector>, Body>>);

impl UpstreamClient {
    /// A client for these servers. `None` when TLS cannot be used at all.
    pub(super) fn new(upstreams: &[Upstream]) -> Option<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let tls = tls(upstreams.iter().any(Upstream::needs_certificates))?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(LARGEST_HEAD)
            .build(connector);
        Some(Self(Arc::new(client)))
    }

    /// The answer to a request. Its body arrives while it is read, and the connection ends when it
    /// is dropped before its end.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        match timeout(HEAD, self.0.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if is_of_body(&error) => Err(NoAnswer::Body),
            Ok(Err(error)) => Err(NoAnswer::Unreachable(error)),
            Err(_) => Err(NoAnswer::Late),
        }
    }
}

/// The configuration of TLS. No certificate is trusted without a server that needs it, nor when
/// those of the system cannot be used: the other servers are reached.
fn tls(is_needed: bool) -> Option<ClientConfig> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    let unusable = |error: &rustls::Error| {
        tracing::error!(%error, "cannot use the system certificates: MCP servers with https are unreachable");
    };
    let tls = tls.inspect_err(unusable).ok()?;
    let of_system = || {
        tls.clone()
            .with_platform_verifier()
            .inspect_err(unusable)
            .ok()
    };
    let trusting = is_needed.then(of_system).flatten();
    let trusting = trusting.unwrap_or_else(|| tls.with_root_certificates(RootCertStore::empty()));
    Some(trusting.with_no_client_auth())
}

/// Whether the body of the request failed, and not the server.
fn is_of_body(error: &Error) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    });
    causes
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<UpstreamServer, UpstreamFault> {
        let resource = ResourceIdentifier::parse("https://notes.example/mcp");
        Upstream::parse(resource.expect("an identifier"), address).map(|upstream| upstream.server)
    }

    #[test]
    fn the_address_is_of_a_web_server() {
        for address in [
            "http://127.0.0.1:8080/mcp",
            "https://notes.internal/",
            "http://[::1]:80/",
        ] {
            assert!(parse(address).is_ok(), "{address}");
        }
        for (address, fault) in [
            ("", UpstreamFault::NotAUrl),
            ("127.0.0.1:8080", UpstreamFault::NotAUrl),
            ("ftp://a.example/", UpstreamFault::NotAUrl),
            ("unix:/run/mcp.sock", UpstreamFault::NotAUrl),
            ("http://user@a.example/", UpstreamFault::TooMuch),
            ("http://:secret@a.example/", UpstreamFault::TooMuch),
            ("http://a.example/?a=b", UpstreamFault::TooMuch),
            ("http://a.example/#a", UpstreamFault::TooMuch),
        ] {
            assert_eq!(parse(address), Err(fault), "{address}");
        }
    }
}
