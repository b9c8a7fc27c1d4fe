//! The whole surface on one screen.

use app::{App, ErrorPage, context::RequestName, shell};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use http::request::Parts;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, generate_route_list};
use provider::{BrowserContext, Provider, RequestId};
use tower::layer::layer_fn;

#[cfg(feature = "demonstration")]
use crate::demonstration;
use crate::endpoints::{Caller, Endpoint, is_for_programs};
use crate::extract::{LARGEST_BODY, Service, ServiceParts};
use crate::guards::Guards;
use crate::layers::{
    Hosts, Protection, RequireHost, at_the_issuer, bounded_body, browser_context, busy,
    open_to_browsers, protect, repeated_posts, same_origin_posts, see_other_after_post, shed,
    unreadable_is_bad_request, watch, watch_pages,
};
use crate::overload::Load;
use crate::proxies::Proxies;
use crate::reverse_proxy::{StdioServers, Upstream, protected};
use crate::routes::handler;
use crate::routes::metadata::{self, Documents};
use crate::site::PageFiles;
use crate::{problem, respond};

/// What the router needs to know besides the provider.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose `X-Forwarded-For` counts.
    pub proxies: Proxies,
    /// The files of the pages.
    pub site: PageFiles,
    /// Which scopes the calls of each resource need.
    pub guards: Guards,
    /// The servers behind the reverse proxy.
    pub upstreams: Vec<Upstream>,
    /// Those of them that speak stdio and have run before.
    pub stdio: StdioServers,
    /// How loaded the process is.
    pub load: Load,
}

impl Options {
    /// Without rules, and without servers behind a reverse proxy.
    pub fn new(proxies: Proxies, site: PageFiles) -> Self {
        Self {
            proxies,
            site,
            guards: Guards::default(),
            upstreams: Vec::new(),
            stdio: StdioServers::default(),
            load: Load::default(),
        }
    }
}

/// Everything this server answers to. It has no state but the provider's, so a test can make as
/// many as it likes and send requests straight in; the peer's address comes from the request's
/// `ConnectInfo<SocketAddr>`.
pub fn router(provider: Provider, options: Options) -> Router {
    let service = Service::new(ServiceParts {
        provider,
        proxies: options.proxies,
        site: options.site,
        guards: options.guards,
        load: options.load,
    });
    let upstreams = protected(&service, &options.upstreams, &options.stdio);
    let protection = Protection::new(service.provider.settings().issuer.is_https());
    let documents = Documents::new(service.provider.clone(), &protection);
    let router = Router::new()
        .merge(browsers(
            &service,
            endpoints(Caller::Browser, &service, &documents),
        ))
        .merge(service.site.files())
        .merge(endpoints(Caller::Program, &service, &documents))
        .merge(endpoints(Caller::Proxy, &service, &documents))
        .merge(endpoints(Caller::Probe, &service, &documents))
        .fallback(nothing_here)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(service.clone(), watch_pages))
        // Outside of the log: what is turned away must cost next to nothing.
        .layer(from_fn_with_state(service.clone(), shed))
        // They are watched too, inside of their CORS: a script must be able to read that something
        // went wrong.
        .merge(clients(
            &service,
            endpoints(Caller::Client, &service, &documents),
        ))
        .merge(demonstration(&service))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(protection.clone(), protect))
        .with_state(service.clone())
        // Outside of these layers: a document is as cheap as a route can be, and brings their
        // headers along.
        .merge(readers(&service, documents));
    upstreams.around(router).layer(layer_fn(RequireHost))
}

/// The endpoints of a kind of callers.
fn endpoints<S>(caller: Caller, service: &Service, documents: &Documents) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Endpoint::ALL
        .into_iter()
        .filter(|endpoint| endpoint.caller() == caller)
        .fold(Router::new(), |router, endpoint| {
            let handler = handler(endpoint, service, documents).with_state(());
            router.route(endpoint.path(), handler)
        })
}

/// Endpoints that know no cookies and are open to scripts of any origin (requirements 7.9).
fn clients(service: &Service, endpoints: Router<Service>) -> Router<Service> {
    endpoints
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(service.proxies.clone(), watch))
        .layer(from_fn_with_state(service.clone(), shed))
        .layer(from_fn(open_to_browsers))
}

/// The documents at well-known addresses.
fn readers(service: &Service, documents: Documents) -> Router {
    endpoints(Caller::Reader, service, &documents)
        .method_not_allowed_fallback(metadata::method_not_allowed)
        .with_state(documents)
}

/// What users see, and the endpoints that their browsers go to.
fn browsers(service: &Service, endpoints: Router<Service>) -> Router<Service> {
    let pages = pages(service)
        .layer(from_fn_with_state(service.clone(), repeated_posts))
        .layer(from_fn(bounded_body))
        .layer(from_fn_with_state(service.clone(), busy))
        .layer(from_fn(unreadable_is_bad_request))
        .layer(from_fn_with_state(service.clone(), same_origin_posts));
    endpoints
        .merge(pages)
        .layer(from_fn_with_state(service.clone(), browser_context))
        .layer(from_fn_with_state(Hosts::new(service), at_the_issuer))
        .layer(from_fn(see_other_after_post))
}

/// The pages and server functions of `app`.
fn pages(service: &Service) -> Router<Service> {
    let options = service.site.options().clone();
    let provider = service.provider.clone();
    let brand = service.site.brand().clone();
    let context = move || {
        provide_context(provider.clone());
        provide_context(brand.clone());
        provide_request();
    };
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, document)
        .with_state(options)
}

/// Gives the pages the browser and the name of the request that is being served.
fn provide_request() {
    let Some(parts) = use_context::<Parts>() else {
        return;
    };
    if let Some(browser) = parts.extensions.get::<BrowserContext>() {
        provide_context(browser.clone());
    }
    if let Some(id) = parts.extensions.get::<RequestId>() {
        provide_context(RequestName(id.to_string()));
    }
}

/// The demonstration MCP server, in a build that has one.
#[cfg(feature = "demonstration")]
fn demonstration(service: &Service) -> Router<Service> {
    demonstration::routes(service)
}

#[cfg(not(feature = "demonstration"))]
fn demonstration(_: &Service) -> Router<Service> {
    Router::new()
}

async fn method_not_allowed() -> Response {
    respond::method_not_allowed()
}

/// 404: JSON where only machines call, else a page.
async fn nothing_here(State(service): State<Service>, request: Parts) -> Response {
    let path = request.uri.path();
    if is_for_programs(path) {
        respond::not_found()
    } else {
        problem::respond(&service.site, &request, ErrorPage::not_found())
    }
}
