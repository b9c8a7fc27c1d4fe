//! `POST /revoke` (RFC 7009). Parameters count in the body only.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use provider::Provider;
use serde_json::json;

use crate::{
    extract::{ClientAddress, Form, authorization},
    respond,
};

/// Ends what a token came from; 200 too when there is nothing to end.
pub(crate) async fn revoke(
    State(provider): State<Provider>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Form(parameters): Form,
) -> Response {
    match provider
        .token_endpoint()
        .revoke(&parameters, authorization(&headers).as_deref(), address)
        .await
    {
        Ok(()) => respond::json(StatusCode::OK, &json!({})),
        Err(error) => respond::token_error(&error, &provider),
    }
}
