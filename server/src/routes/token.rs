//! `POST /token` (OAuth 2.1 section 3.2). Parameters count in the body only.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use provider::Provider;

use crate::{
    extract::{ClientAddress, Form, authorization},
    respond,
};

/// Exchanges a code or a refresh token.
pub(crate) async fn exchange(
    State(provider): State<Provider>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(parameters): Form,
) -> Response {
    match provider
        .token_endpoint()
        .token(&parameters, authorization(&headers).as_deref(), address)
        .await
    {
        Ok(tokens) => respond::json(StatusCode::OK, &tokens),
        Err(error) => respond::token_error(&error, &provider),
    }
}
