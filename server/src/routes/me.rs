//! `GET /api/me`: what the caller's token says, while its grant is valid.

use std::sync::Arc;

use access_token::{Audience, Bearer, Challenge, RequireToken, Verifier};
use axum::response::Response;
use http::StatusCode;
use oauth::{endpoint::PROTECTED_RESOURCE, resource::Resource};
use oauth_clients::discovery::ProtectedResource;
use provider::Provider;
use serde::Serialize;

use crate::{
    liveness::{liveness, renewal},
    respond,
    time::clock,
};

/// The layer in front of it: it accepts any live token of this server, for any audience.
pub(crate) fn guard(provider: &Provider) -> RequireToken {
    let verifier = Verifier::beside(provider.tokens().as_ref().clone(), Audience::Any)
        .renewing(renewal(provider.clone()));
    RequireToken::new(
        Arc::new(verifier),
        clock(provider.clone()),
        challenge(provider),
        &[],
    )
    .asking(liveness(provider.clone()))
}

/// Tells the caller who it is.
pub(crate) async fn me(Bearer(claims): Bearer) -> Response {
    respond::json(
        StatusCode::OK,
        &Me {
            sub: &claims.sub,
            client_id: &claims.client_id,
            device_id: &claims.device_id,
            scope: &claims.scope,
        },
    )
}

#[derive(Serialize)]
struct Me<'a> {
    sub: &'a str,
    client_id: &'a str,
    device_id: &'a str,
    scope: &'a str,
}

/// What the refused are told: the first resource that this server has a document about, by which a
/// client without a token finds its way, and the scopes to ask for there.
fn challenge(provider: &Provider) -> Challenge {
    let settings = provider.settings();
    let issuer = &settings.issuer;
    let resources = &settings.resources;
    let described = |resource: &&Resource| {
        ProtectedResource::find(issuer, resources, resource.identifier.path())
            .is_some_and(|found| found == *resource)
    };
    match resources.iter().find(described) {
        Some(resource) => {
            let path = format!("{PROTECTED_RESOURCE}{}", resource.identifier.path());
            Challenge::new(&issuer.url(&path), &scopes(resource))
        }
        None => Challenge::without_metadata(&resources.first().map(scopes).unwrap_or_default()),
    }
}

fn scopes(resource: &Resource) -> Vec<&str> {
    resource.default_scopes().collect()
}
