//! `POST /register` (RFC 7591).

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use provider::{Provider, RegisterError};

use crate::extract::{ClientAddress, Metadata};
use crate::respond;

/// Registers a client.
pub async fn register(
    State(provider): State<Provider>,
    ClientAddress(address): ClientAddress,
    Metadata(body): Metadata,
) -> Response {
    match provider.register(&body, address).await {
        Ok(client) => respond::json(StatusCode::CREATED, &client),
        Err(RegisterError::Refused(refusal)) => respond::error(StatusCode::BAD_REQUEST, refusal.code(), &refusal.description()),
        Err(RegisterError::Closed) => {
            let description = "Clients are registered by the administrator of this server.";
            respond::error(StatusCode::FORBIDDEN, "access_denied", description)
        }
        Err(RegisterError::TooMany { retry_after }) => respond::too_many(retry_after),
        Err(RegisterError::Unavailable(_)) => respond::unavailable(),
    }
}
