//! The demonstration MCP server behind access tokens.

mod mount;
mod step_up;

use std::sync::Arc;

use access_token::{Challenge, Clock, Liveness, RequireToken, Verifier};
use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use http::{Method, header};
use url::Url;

use crate::{
    layers::{mcp_preflight, open_mcp, watch},
    proxies::Proxies,
    respond,
};

pub(crate) use mount::routes;

/// The server, to be nested on the path that is its resource identifier. `verifier` expects that
/// identifier as the audience; `challenge` names its RFC 9728 document and the scopes to ask for at
/// first; the hosts of `issuer` and of this machine may be named in Host and Origin. `liveness`,
/// where there is one, is asked whether a token's grant is still valid.
pub(crate) fn router(
    verifier: Arc<Verifier>,
    clock: Clock,
    liveness: Option<Arc<dyn Liveness>>,
    challenge: Challenge,
    issuer: &Url,
    proxies: Proxies,
) -> Router {
    // Which scopes are needed depends on the message.
    let tokens = RequireToken::new(verifier, clock, challenge.clone(), &[]);
    let tokens = liveness.into_iter().fold(tokens, RequireToken::asking);
    // The outermost is added last: CORS, then the log of failures, then the token,
    // then the rest.
    mcp::demonstration::service(issuer)
        .route_layer(middleware::from_fn_with_state(challenge, step_up::step_up))
        .route_layer(tokens)
        // Some clients look for metadata below the resource (R-K2), scripts among them.
        .fallback(async || respond::not_found())
        .layer(middleware::from_fn_with_state(proxies, watch))
        .layer(middleware::from_fn(open_to_browsers))
}

/// Whether a browser asks for a script what may be sent.
fn is_preflight(request: &Request) -> bool {
    let asked_for = header::ACCESS_CONTROL_REQUEST_METHOD;
    request.method() == Method::OPTIONS && request.headers().contains_key(asked_for)
}

/// Lets scripts of other origins see every answer, refusals too. No cookie works here, so a foreign
/// page has nothing to ride on: what protects the endpoint is the token, which a page must have
/// been given. The Origin check behind it (R-P13) is the second line, and keeps strange pages away
/// from a server on the user's own machine; CORS only lets such a page read that it got 401 or
/// 403, and a client in a browser read the challenge that tells it where to sign in.
async fn open_to_browsers(request: Request, next: Next) -> Response {
    if is_preflight(&request) {
        return mcp_preflight();
    }
    let mut response = next.run(request).await;
    open_mcp(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
