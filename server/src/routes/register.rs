//! `POST /register` (RFC 7591), and `GET`, `PUT`, `DELETE /register/{client_id}` (RFC 7592).

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use provider::{Provider, RegisterError};
use serde::Serialize;

use crate::{
    extract::{ClientAddress, Metadata, PathClientId, bearer},
    respond,
};

/// Registers a client.
pub(crate) async fn register(
    State(provider): State<Provider>,
    ClientAddress(address): ClientAddress,
    Metadata(body): Metadata,
) -> Response {
    let outcome = provider.clients().register(&body, address).await;
    answer(StatusCode::CREATED, outcome, &provider)
}

/// Tells a client what it registered.
pub(crate) async fn read(
    State(provider): State<Provider>,
    PathClientId(client_id): PathClientId,
    headers: HeaderMap,
) -> Response {
    let outcome = provider
        .clients()
        .registration(&client_id, bearer(&headers))
        .await;
    answer(StatusCode::OK, outcome, &provider)
}

/// Replaces what a client registered.
pub(crate) async fn update(
    State(provider): State<Provider>,
    ClientAddress(address): ClientAddress,
    PathClientId(client_id): PathClientId,
    headers: HeaderMap,
    Metadata(body): Metadata,
) -> Response {
    let outcome = provider
        .clients()
        .update_registration(&client_id, bearer(&headers), &body, address)
        .await;
    answer(StatusCode::OK, outcome, &provider)
}

/// Ends a registration.
pub(crate) async fn end(
    State(provider): State<Provider>,
    PathClientId(client_id): PathClientId,
    headers: HeaderMap,
) -> Response {
    match provider
        .clients()
        .end_registration(&client_id, bearer(&headers))
        .await
    {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error, &provider),
    }
}

/// The answer of RFC 7591 section 3.2.
fn answer<T: Serialize>(
    status: StatusCode,
    outcome: Result<T, RegisterError>,
    provider: &Provider,
) -> Response {
    match outcome {
        Ok(client) => respond::json(status, &client),
        Err(error) => refused(&error, provider),
    }
}

fn refused(error: &RegisterError, provider: &Provider) -> Response {
    match error {
        RegisterError::Refused(refusal) => {
            respond::refused(refusal, provider.settings().issuer.as_str())
        }
        RegisterError::Closed => {
            let description = "Clients are registered by the administrator of this server.";
            respond::error(StatusCode::FORBIDDEN, "access_denied", description)
        }
        RegisterError::TooMany { retry_after } => respond::too_many(*retry_after),
        RegisterError::Unavailable(_) => respond::unavailable(),
    }
}
