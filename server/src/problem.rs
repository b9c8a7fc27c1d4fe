//! Answers that replace what a person, or a program at a page's address, wanted.

use app::ProblemFacts;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use crate::extract::prefers_json;
use crate::layers::RequestId;
use crate::respond;
use crate::site::Site;

/// The problem as a page, or as JSON for whoever prefers that: some clients learn from it that their registration is gone
/// (mcp-requirements 7.2).
pub fn respond(site: &Site, request: &Parts, facts: ProblemFacts) -> Response {
    if prefers_json(&request.headers) {
        return json(&facts);
    }
    let facts = match request.extensions.get::<RequestId>() {
        Some(id) => facts.with_request_id(&id.to_string()),
        None => facts,
    };
    app::problem_response(site.options(), site.server_name(), site.brand(), &facts).map(Body::from)
}

fn json(facts: &ProblemFacts) -> Response {
    let status = StatusCode::from_u16(facts.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = facts.code.as_deref().unwrap_or(match status {
        StatusCode::NOT_FOUND => "not_found",
        _ => "invalid_request",
    });
    respond::error(status, code, facts.description.as_deref().unwrap_or(&facts.heading))
}
