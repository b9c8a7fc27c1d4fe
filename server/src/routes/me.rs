//! `GET /api/me`: what the caller's token says, while its grant lives.

use std::sync::Arc;

use access_token::{Audience, Bearer, Challenge, RequireToken, Verifier};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use provider::Provider;
use serde::Serialize;

use super::metadata::PROTECTED_RESOURCE;
use crate::respond;
use crate::time::clock;

/// The layer in front of it: any live token of ours will do, whatever its audience.
pub fn guard(provider: &Provider) -> RequireToken {
    let verifier = Verifier::beside(provider.tokens().as_ref().clone(), Audience::Any);
    let challenge = Challenge::new(&resource_metadata(provider), &[]);
    RequireToken::new(Arc::new(verifier), clock(provider.clone()), challenge, &[])
}

/// Tells the caller who it is.
pub async fn me(State(provider): State<Provider>, Bearer(claims): Bearer) -> Response {
    match provider.grant_is_live(&claims).await {
        Ok(true) => respond::json(
            StatusCode::OK,
            &Me { sub: &claims.sub, client_id: &claims.client_id, device_id: &claims.device_id, scope: &claims.scope },
        ),
        Ok(false) => ended(&provider),
        Err(_) => respond::unavailable(),
    }
}

#[derive(Serialize)]
struct Me<'a> {
    sub: &'a str,
    client_id: &'a str,
    device_id: &'a str,
    scope: &'a str,
}

/// The signature is good, and yet the person or a replay ended the grant.
fn ended(provider: &Provider) -> Response {
    let description = "The access this token was issued for has ended.";
    let mut response = respond::error(StatusCode::UNAUTHORIZED, "invalid_token", description);
    let challenge = format!(
        "Bearer error=\"invalid_token\", error_description=\"{description}\", resource_metadata=\"{}\"",
        resource_metadata(provider)
    );
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// The document of the first resource, by which a client without a token finds this server.
fn resource_metadata(provider: &Provider) -> String {
    let settings = provider.settings();
    let path = settings.resources.first().map_or("", |resource| resource.identifier.path());
    settings.issuer.url(&format!("{PROTECTED_RESOURCE}{path}"))
}
