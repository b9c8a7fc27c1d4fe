//! `POST /introspect` (RFC 7662), for protected resources. Parameters count in the body only.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use provider::Provider;

use crate::{
    extract::{ClientAddress, Form, authorization},
    respond,
};

/// Tells a resource whether a token that is meant for it counts here and now.
pub(crate) async fn introspect(
    State(provider): State<Provider>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(parameters): Form,
) -> Response {
    match provider
        .token_endpoint()
        .introspect(&parameters, authorization(&headers).as_deref(), address)
        .await
    {
        Ok(introspection) => respond::json(StatusCode::OK, &introspection),
        Err(error) => respond::token_error(&error, &provider),
    }
}
