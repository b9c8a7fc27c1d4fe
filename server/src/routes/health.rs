//! `GET /health/live` and `/health/ready`.

use axum::{extract::State, response::Response};
use http::StatusCode;
use provider::Provider;
use serde_json::json;

use crate::respond;

/// The process answers.
pub(crate) async fn live() -> Response {
    respond::json(StatusCode::OK, &json!({ "status": "live" }))
}

/// The store does its work too: it takes a write. A probe is made once a second at the most.
pub(crate) async fn ready(State(provider): State<Provider>) -> Response {
    match provider.ready().await {
        Ok(()) => respond::json(StatusCode::OK, &json!({ "status": "ready" })),
        Err(_) => respond::unavailable(),
    }
}
