//! The demonstration server as a part of this one.

use std::sync::Arc;

use access_token::{Audience, Challenge, Verifier};
use axum::Router;
use oauth::endpoint::PROTECTED_RESOURCE;
use provider::DEMONSTRATION;

use super::router;
use crate::{
    extract::Service,
    liveness::{liveness, renewal},
    time::clock,
};

/// The demonstration MCP server at its path, while it is among the protected resources.
pub(crate) fn routes(service: &Service) -> Router<Service> {
    let provider = &service.provider;
    let settings = provider.settings();
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
    .only(resource.token_format)
    .renewing(renewal(provider.clone()));
    let document = settings
        .issuer
        .url(&format!("{PROTECTED_RESOURCE}{DEMONSTRATION}"));
    let challenge = Challenge::new(&document, &resource.default_scopes().collect::<Vec<_>>());
    let router = router(
        Arc::new(verifier),
        clock(provider.clone()),
        Some(liveness(provider.clone())),
        challenge,
        settings.issuer.as_url(),
        service.proxies.clone(),
    );
    Router::new().nest(DEMONSTRATION, router.with_state(()))
}
