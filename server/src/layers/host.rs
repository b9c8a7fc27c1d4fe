//! The name by which a request addresses this server (RFC 9112 section 3.2), and what becomes of a
//! browser that opened it under another name than the issuer's: docs/decisions/other-host-names.md.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use app::ErrorPage;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::future::Either;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, uri::Authority};
use oauth::Issuer;
use primitives::web_address::{AddressParts, host_and_port, is_loopback};
use tower::Service as TowerService;
use url::Host;

use crate::{
    endpoints::Endpoint,
    extract::Service,
    log_throttle::LogThrottle,
    problem,
    proxies::{self, Proxies},
    respond,
};

/// Marks the query after a redirect to the issuer. A request that has it and still bears
/// another name came by way of a proxy that changes `Host`, so it is not redirected again.
const MARK: &str = "canonical_host=1";

/// Refuses HTTP/1.1 without exactly one valid `Host`, with 400. It is around everything, so it is
/// no function of axum's, which would put two more allocations into each request.
#[derive(Clone)]
pub(crate) struct RequireHost<S>(pub(crate) S);

impl<S> TowerService<Request> for RequireHost<S>
where
    S: TowerService<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.version() >= Version::HTTP_11 && the_host(request.headers()).is_none() {
            return Either::Right(ready(Ok(without_host())));
        }
        Either::Left(self.0.call(request))
    }
}

fn without_host() -> Response {
    respond::error(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "The request must have exactly one valid Host header.",
    )
}

/// What the layer of [`at_the_issuer`] needs.
#[derive(Clone)]
pub(crate) struct Hosts {
    service: Service,
    log: Arc<LogThrottle>,
}

impl Hosts {
    /// For the pages of `service`.
    pub(crate) fn new(service: &Service) -> Self {
        Self {
            service: service.clone(),
            log: Arc::new(LogThrottle::new(Duration::from_hours(1))),
        }
    }
}

/// A form that came under another name, to an endpoint that may pass it on to the issuer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherHost;

/// The host and port that a request is addressed to, in lower case and without a default port: the
/// name that a trusted proxy saw, or the one `Host`.
pub(crate) fn addressed_host(request: &Request, proxies: &Proxies) -> Option<String> {
    let headers = request.headers();
    let is_proxy = proxies.trusts(proxies::peer(request.extensions()));
    let forwarded = is_proxy.then(|| forwarded_host(headers)).flatten();
    let name = forwarded.or_else(|| named(headers))?;
    let bare = [":443", ":80"]
        .iter()
        .find_map(|port| name.strip_suffix(port));
    Some(bare.unwrap_or(&name).to_owned())
}

/// Leads browsers that opened this server under another name to the issuer, where cookies and
/// passkeys work.
pub(crate) async fn at_the_issuer(
    State(hosts): State<Hosts>,
    mut request: Request,
    next: Next,
) -> Response {
    let issuer = &hosts.service.provider.settings().issuer;
    let Some(name) = named(request.headers()) else {
        return next.run(request).await;
    };
    let peer = proxies::peer(request.extensions());
    let addressed = Addressed {
        name: &name,
        forwarded: forwarded_host(request.headers()),
        is_proxy: peer.is_loopback() || hosts.service.proxies.trusts(peer),
        is_marked: request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(|pair| pair == MARK)),
        is_from_issuer: is_from_issuer(request.headers(), issuer),
    };
    let verdict = classify(issuer, &addressed);
    if verdict == HostMatch::Issuer {
        return next.run(request).await;
    }
    if hosts.log.allows(&name) {
        tracing::warn!(opened_as = ?name, %issuer, "the server was opened at a different host than its issuer");
    }
    let place = marked(issuer, request.uri().path(), request.uri().query());
    match (request.method(), verdict) {
        (&Method::GET | &Method::HEAD, HostMatch::Redirect) => temporary_redirect(&place),
        (&Method::POST, _) if request.uri().path() == Endpoint::Authorize.path() => {
            request.extensions_mut().insert(OtherHost);
            next.run(request).await
        }
        (&Method::GET | &Method::HEAD, _) => explain(&hosts.service, request, &place),
        _ => explain(&hosts.service, request, issuer.as_str()),
    }
}

/// The same place at the issuer, marked. It always begins with the issuer, so it leads nowhere
/// else.
pub(crate) fn marked(issuer: &Issuer, path: &str, query: Option<&str>) -> String {
    match query.filter(|query| !query.is_empty()) {
        Some(query) => issuer.url(&format!("{path}?{query}&{MARK}")),
        None => issuer.url(&format!("{path}?{MARK}")),
    }
}

fn explain(service: &Service, request: Request, place: &str) -> Response {
    let error = ErrorPage::other_address(service.provider.settings().issuer.as_str(), place);
    problem::respond(&service.site, &request.into_parts().0, error)
}

/// GET and HEAD stay what they are.
fn temporary_redirect(place: &str) -> Response {
    match HeaderValue::from_str(place) {
        Ok(place) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Err(_) => respond::not_found(),
    }
}

/// How a request addresses this server, as far as can be seen.
struct Addressed<'a> {
    name: &'a str,
    /// What a proxy says of the name that the browser used.
    forwarded: Option<String>,
    /// Whether it comes from a trusted proxy or from this computer.
    is_proxy: bool,
    is_marked: bool,
    /// Whether the browser says that it is at the issuer.
    is_from_issuer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostMatch {
    /// The browser is at the issuer, or nothing says otherwise.
    Issuer,
    /// It is somewhere else, and finds the issuer by itself.
    Redirect,
    /// It is somewhere else, where the issuer is perhaps another computer.
    Explain,
}

fn classify(issuer: &Issuer, addressed: &Addressed<'_>) -> HostMatch {
    let own = authority(issuer);
    let is_own = |name: &str| without_default_port(name, issuer) == own;
    let is_issuer = is_own(addressed.name)
        || addressed.forwarded.as_deref().is_some_and(is_own)
        || addressed.is_marked
        || addressed.is_from_issuer
        || is_named_by_proxy(issuer, addressed);
    if is_issuer {
        return HostMatch::Issuer;
    }
    let used = addressed.forwarded.as_deref().unwrap_or(addressed.name);
    // For a browser on another computer, localhost is another server.
    if issuer.is_loopback() && !is_loopback(&host_and_port(used).0) {
        HostMatch::Explain
    } else {
        HostMatch::Redirect
    }
}

/// Whether a proxy before an https issuer names us by our inner address, as nginx does by itself.
fn is_named_by_proxy(issuer: &Issuer, addressed: &Addressed<'_>) -> bool {
    addressed.is_proxy
        && issuer.is_https()
        && addressed.forwarded.is_none()
        && is_internal(addressed.name, issuer)
}

/// The one `Host`, in lower case; `None` when there is none or another one, or it is no host.
fn named(headers: &HeaderMap) -> Option<String> {
    the_host(headers).as_ref().map(in_lower_case)
}

fn the_host(headers: &HeaderMap) -> Option<Authority> {
    let mut values = headers.get_all(header::HOST).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    host_name(value.as_bytes())
}

/// The first name of `X-Forwarded-Host`: the one that the outermost proxy saw.
fn forwarded_host(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-forwarded-host")?.as_bytes();
    let first = value.split(|byte| *byte == b',').next()?.trim_ascii();
    host_name(first).as_ref().map(in_lower_case)
}

/// `host` or `host:port` (RFC 9110 section 7.2).
fn host_name(bytes: &[u8]) -> Option<Authority> {
    let authority = Authority::try_from(bytes).ok()?;
    let has_port = authority.as_str().len() > authority.host().len();
    let is_sound = !authority.as_str().contains('@')
        && !authority.host().is_empty()
        && (!has_port || authority.port_u16().is_some());
    is_sound.then_some(authority)
}

fn in_lower_case(authority: &Authority) -> String {
    authority.as_str().to_ascii_lowercase()
}

/// Browsers name the origin with every form, and the page that they come from within a server.
fn is_from_issuer(headers: &HeaderMap, issuer: &Issuer) -> bool {
    let own = issuer.origin().as_bytes();
    if let Some(origin) = headers.get(header::ORIGIN) {
        return origin.as_bytes() == own;
    }
    let referer = headers.get(header::REFERER).map(HeaderValue::as_bytes);
    let is_within = referer
        .and_then(|referer| referer.strip_prefix(own))
        .is_some_and(|rest| rest.starts_with(b"/"));
    is_within
        && headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "same-origin")
}

/// Whether a name is one by which no browser finds a server that others know by an https address.
fn is_internal(name: &str, issuer: &Issuer) -> bool {
    let (host, port) = host_and_port(name);
    let has_other_port = port.is_some_and(|port| host_and_port(authority(issuer)).1 != Some(port));
    let is_known_by_name = match &host {
        Host::Domain(name) => name.contains('.') && !is_loopback(&host),
        Host::Ipv4(_) | Host::Ipv6(_) => false,
    };
    has_other_port || !is_known_by_name
}

/// Host and port of the issuer, without a default port.
fn authority(issuer: &Issuer) -> &str {
    AddressParts::split(issuer.as_str()).authority
}

fn without_default_port<'a>(name: &'a str, issuer: &Issuer) -> &'a str {
    name.strip_suffix(if issuer.is_https() { ":443" } else { ":80" })
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(issuer: &str, name: &str, change: impl FnOnce(&mut Addressed<'_>)) -> HostMatch {
        let issuer = Issuer::parse(issuer).expect("an issuer");
        let name = host_name(name.as_bytes())
            .as_ref()
            .map(in_lower_case)
            .expect("a host");
        let mut addressed = Addressed {
            name: &name,
            forwarded: None,
            is_proxy: false,
            is_marked: false,
            is_from_issuer: false,
        };
        change(&mut addressed);
        classify(&issuer, &addressed)
    }

    #[test]
    fn the_issuer_has_one_name_however_it_is_spelled() {
        for (issuer, name) in [
            ("https://id.example", "id.example"),
            ("https://id.example", "ID.Example:443"),
            ("https://id.example:8443", "id.example:8443"),
            ("http://localhost:3000", "localhost:3000"),
            ("http://[::1]:3000", "[::1]:3000"),
        ] {
            assert_eq!(
                verdict(issuer, name, |_| {}),
                HostMatch::Issuer,
                "{issuer} {name}"
            );
        }
    }

    #[test]
    fn another_name_leads_to_the_issuer() {
        for (issuer, name) in [
            ("https://id.example", "www.id.example"),
            ("https://id.example", "id.example.evil"),
            ("https://id.example", "id.example:80"),
            ("https://id.example:8443", "id.example"),
            ("https://id.example", "192.0.2.7:3000"),
            ("https://id.example", "inner:3000"),
            ("http://localhost:3000", "127.0.0.1:3000"),
            ("http://localhost:3000", "[::1]:3000"),
            ("http://127.0.0.1:3000", "localhost:3000"),
        ] {
            assert_eq!(
                verdict(issuer, name, |_| {}),
                HostMatch::Redirect,
                "{issuer} {name}"
            );
        }
        for name in [
            "192.168.1.5:3000",
            "laptop.local:3000",
            "laptop:3000",
            "localhost.evil.example",
        ] {
            assert_eq!(
                verdict("http://localhost:3000", name, |_| {}),
                HostMatch::Explain,
                "{name}"
            );
        }
    }

    #[test]
    fn a_proxy_may_call_this_server_by_its_inner_name() {
        for name in [
            "127.0.0.1:3000",
            "localhost:3000",
            "[::1]:3000",
            "10.0.0.7",
            "vestibule",
            "vestibule:3000",
            "id.internal:3000",
        ] {
            assert_eq!(
                verdict("https://id.example", name, |addressed| addressed.is_proxy =
                    true),
                HostMatch::Issuer,
                "{name}"
            );
        }
        let other_name = |addressed: &mut Addressed<'_>| addressed.is_proxy = true;
        assert_eq!(
            verdict("https://id.example", "www.id.example", other_name),
            HostMatch::Redirect
        );
        assert_eq!(
            verdict("https://id.example:8443", "other.example:8443", other_name),
            HostMatch::Redirect
        );
    }

    #[test]
    fn what_a_proxy_says_of_the_name_counts() {
        let forwarded = |name: &str| {
            let name = Some(name.to_owned());
            verdict("https://id.example", "127.0.0.1:3000", |addressed| {
                (addressed.is_proxy, addressed.forwarded) = (true, name);
            })
        };
        assert_eq!(forwarded("id.example"), HostMatch::Issuer);
        assert_eq!(forwarded("other.example"), HostMatch::Redirect);
    }

    #[test]
    fn nobody_is_redirected_twice_or_away_from_the_issuer() {
        for (issuer, name) in [
            ("https://id.example", "inner.example"),
            ("http://localhost:3000", "192.168.1.5:3000"),
        ] {
            assert_eq!(
                verdict(issuer, name, |addressed| addressed.is_marked = true),
                HostMatch::Issuer
            );
            assert_eq!(
                verdict(issuer, name, |addressed| addressed.is_from_issuer = true),
                HostMatch::Issuer
            );
        }
        let issuer = Issuer::parse("https://id.example").expect("an issuer");
        assert_eq!(
            marked(&issuer, "/login", None),
            "https://id.example/login?canonical_host=1"
        );
        assert_eq!(
            marked(&issuer, "/authorize", Some("a=b")),
            "https://id.example/authorize?a=b&canonical_host=1"
        );
        assert_eq!(
            marked(&issuer, "//evil.example/", Some("")),
            "https://id.example//evil.example/?canonical_host=1"
        );
    }

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        for good in [
            "a",
            "a.example",
            "a.example:80",
            "[::1]",
            "[::1]:3000",
            "127.0.0.1",
        ] {
            let found = host_name(good.as_bytes());
            assert_eq!(found.as_ref().map(Authority::as_str), Some(good));
        }
        for bad in [
            "", ":80", "a b", "a/b", "user@a", "a:", "a:b", "a:99999", "[::1", "a?b", "a#b", "é",
            "a, b",
        ] {
            assert!(host_name(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
