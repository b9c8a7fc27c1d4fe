//! Error pages, and JSON in their place for programs.

use app::ErrorPage;
use axum::{body::Body, extract::Request, response::Response};
use http::{StatusCode, header, request::Parts};
use provider::RequestId;

use crate::{extract::prefers_json, respond, site::PageFiles};

/// What of a request decides about how a problem is told, for when the request itself has been used
/// up.
#[derive(Clone, Debug)]
pub(crate) struct Asker(Parts);

impl Asker {
    /// The sender of a request.
    pub(crate) fn of(request: &Request) -> Self {
        let mut parts = Request::new(()).into_parts().0;
        for value in request.headers().get_all(header::ACCEPT) {
            parts.headers.append(header::ACCEPT, value.clone());
        }
        if let Some(id) = request.extensions().get::<RequestId>() {
            parts.extensions.insert(*id);
        }
        Self(parts)
    }

    /// As much of the request as is needed.
    pub(crate) const fn parts(&self) -> &Parts {
        &self.0
    }
}

/// The problem as a page, or as JSON for a client that prefers it: some clients learn from it that
/// their registration is gone (requirements 7.2).
pub(crate) fn respond(site: &PageFiles, request: &Parts, error: ErrorPage) -> Response {
    if prefers_json(&request.headers) {
        return json(&error);
    }
    let error = match request.extensions.get::<RequestId>() {
        Some(id) => error.with_request_id(&id.to_string()),
        None => error,
    };
    app::problem_response(site.options(), site.server_name(), site.brand(), &error).map(Body::from)
}

fn json(error: &ErrorPage) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = error.code.as_deref().unwrap_or(match status {
        StatusCode::NOT_FOUND => "not_found",
        _ => "invalid_request",
    });
    respond::error(
        status,
        code,
        error.description.as_deref().unwrap_or(&error.heading),
    )
}
