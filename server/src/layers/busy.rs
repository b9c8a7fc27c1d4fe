//! The answer when the queue of passwords is full: a page for browsers, JSON for programs that
//! prefer it.

use app::{
    ErrorPage,
    context::{BUSY, BUSY_OWN},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::Method;
use provider::Busy;

use crate::{
    extract::Service,
    problem::{self, Asker},
    respond,
};

/// Replaces the answer of a form that was turned away because the queue is full.
pub(crate) async fn busy(State(service): State<Service>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let asker = Asker::of(&request);
    let response = next.run(request).await;
    let Some(whose) = response.headers().get(BUSY) else {
        return response;
    };
    let page = problem::respond(
        &service.site,
        asker.parts(),
        ErrorPage::busy(whose == BUSY_OWN),
    );
    respond::with_retry_after(page, Busy::RETRY_AFTER)
}
