//! The whole surface on one screen.

use std::sync::Arc;

use access_token::{Audience, Challenge, Verifier};
use app::context::RequestName;
use app::{App, ErrorPage, shell};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};
use http::request::Parts;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, generate_route_list};
use provider::{BrowserContext, Provider, RequestId};
use url::Url;

use crate::extract::{LARGEST_BODY, Service};
use crate::layers::{
    Hosts, Protection, at_the_issuer, bounded_body, browser_context, busy, is_for_machines,
    open_to_browsers, protect, repeated_posts, require_host, same_origin_posts,
    see_other_after_post, unreadable_is_bad_request, watch, watch_pages,
};
use crate::liveness::{liveness, renewal};
use crate::proxies::Proxies;
use crate::routes::metadata::{self, Documents, PROTECTED_RESOURCE};
use crate::routes::{audit, authorize, health, introspect, me, register, revoke, token};
use crate::site::PageFiles;
use crate::time::clock;
use crate::{demonstration, problem, respond};

/// Where the demonstration MCP server is, on this server's own origin.
const DEMONSTRATION: &str = "/mcp";

/// What the router needs to know besides the provider.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose `X-Forwarded-For` counts.
    pub proxies: Proxies,
    /// The files of the pages.
    pub site: PageFiles,
}

/// Everything this server answers to. It has no state but the provider's, so a test can make as
/// many as it likes and send requests straight in; the peer's address comes from the request's
/// `ConnectInfo<SocketAddr>`.
pub fn router(provider: Provider, options: Options) -> Router {
    let service = Service {
        provider,
        proxies: options.proxies,
        site: options.site,
    };
    let protection = Protection::new(service.provider.settings().issuer.is_https());
    Router::new()
        .merge(browsers(&service))
        .merge(service.site.files())
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/api/me", get(me::me).layer(me::guard(&service.provider)))
        .route("/introspect", post(introspect::introspect))
        .fallback(nothing_here)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(service.clone(), watch_pages))
        // They are watched too, inside of their CORS: a script must be able to read that something
        // went wrong.
        .merge(machines(&service))
        .merge(demonstration(&service))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(protection.clone(), protect))
        .with_state(service.clone())
        // Outside of these layers: a document is as cheap as a route can be, and brings their
        // headers along.
        .merge(documents(&service.provider, &protection))
        .layer(from_fn(require_host))
}

/// Endpoints that know no cookies and are open to scripts of any origin (requirements 7.9).
fn machines(service: &Service) -> Router<Service> {
    Router::new()
        .route("/token", post(token::exchange))
        .route("/revoke", post(revoke::revoke))
        .route("/register", post(register::register))
        .route(
            "/register/{client_id}",
            get(register::read)
                .put(register::update)
                .delete(register::end),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(service.proxies.clone(), watch))
        .layer(from_fn(open_to_browsers))
}

/// What people see, and the endpoint that sends them there.
fn browsers(service: &Service) -> Router<Service> {
    let pages = pages(service)
        .layer(from_fn_with_state(service.clone(), repeated_posts))
        .layer(from_fn(bounded_body))
        .layer(from_fn_with_state(service.clone(), busy))
        .layer(from_fn(unreadable_is_bad_request))
        .layer(from_fn_with_state(service.clone(), same_origin_posts));
    Router::new()
        .route(
            "/authorize",
            get(authorize::by_query).post(authorize::by_form),
        )
        .route("/admin/audit.jsonl", get(audit::export))
        .merge(pages)
        .layer(from_fn_with_state(service.clone(), browser_context))
        .layer(from_fn_with_state(Hosts::new(service), at_the_issuer))
        .layer(from_fn(see_other_after_post))
}

/// The pages and server functions of `app`.
fn pages(service: &Service) -> Router<Service> {
    let options = service.site.options().clone();
    let (provider, brand) = (service.provider.clone(), service.site.brand().clone());
    let context = move || {
        provide_context(provider.clone());
        provide_context(brand.clone());
        let Some(parts) = use_context::<Parts>() else {
            return;
        };
        if let Some(browser) = parts.extensions.get::<BrowserContext>() {
            provide_context(browser.clone());
        }
        if let Some(id) = parts.extensions.get::<RequestId>() {
            provide_context(RequestName(id.to_string()));
        }
    };
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, document)
        .with_state(options)
}

/// The documents at well-known addresses.
fn documents(provider: &Provider, protection: &Protection) -> Router {
    Router::new()
        .route(
            "/.well-known/oauth-authorization-server",
            get(metadata::authorization_server),
        )
        .route(PROTECTED_RESOURCE, get(metadata::protected_resource))
        .route(
            &format!("{PROTECTED_RESOURCE}/{{*path}}"),
            get(metadata::protected_resource_at),
        )
        .route("/.well-known/paseto-keys", get(metadata::keys))
        .route("/.well-known/{*path}", any(metadata::unknown))
        .method_not_allowed_fallback(metadata::method_not_allowed)
        .with_state(Documents::new(provider.clone(), protection))
}

/// The demonstration MCP server, while it is among the protected resources.
fn demonstration(service: &Service) -> Router<Service> {
    let provider = &service.provider;
    let settings = provider.settings();
    let Ok(issuer) = Url::parse(settings.issuer.as_str()) else {
        return Router::new();
    };
    let address = settings.issuer.url(DEMONSTRATION);
    let Some(resource) = settings
        .resources
        .iter()
        .find(|resource| resource.identifier.as_str() == address)
    else {
        return Router::new();
    };
    let verifier = Verifier::beside(
        provider.tokens().as_ref().clone(),
        Audience::Exactly(address),
    )
    .renewing(renewal(provider.clone()));
    let document = settings
        .issuer
        .url(&format!("{PROTECTED_RESOURCE}{DEMONSTRATION}"));
    let liveness = liveness(provider.clone());
    let challenge = Challenge::new(&document, &resource.default_scopes().collect::<Vec<_>>());
    let router = demonstration::router(
        Arc::new(verifier),
        clock(provider.clone()),
        Some(liveness),
        challenge,
        &issuer,
        service.proxies.clone(),
    );
    Router::new().nest(DEMONSTRATION, router.with_state(()))
}

async fn method_not_allowed() -> Response {
    respond::method_not_allowed()
}

/// 404: JSON where only machines call, else a page.
async fn nothing_here(State(service): State<Service>, request: Parts) -> Response {
    let path = request.uri.path();
    if is_for_machines(path) {
        respond::not_found()
    } else {
        problem::respond(&service.site, &request, ErrorPage::not_found())
    }
}
