//! Turning requests away while the process is overloaded: see [`crate::overload`].

use std::{sync::Arc, time::Duration};

use app::ErrorPage;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{
    endpoints::{Caller, Endpoint},
    extract::{Service, prefers_json},
    problem, respond,
};

/// When a client that was turned away is to try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Turns a request away with 503, as a page for browsers, if there are too many.
///
/// An admitted request brings its [`UnderWay`] along: its work may last longer than this call.
pub(crate) async fn shed(
    State(service): State<Service>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    if let Some(under_way) = service.load.admitted() {
        request.extensions_mut().insert(Arc::new(under_way));
        return next.run(request).await;
    }
    if prefers_json(request.headers()) || !accepts_pages(&request) {
        return respond::with_retry_after(respond::unavailable(), RETRY_AFTER);
    }
    let parts = request.into_parts().0;
    let page = problem::respond(&service.site, &parts, ErrorPage::unavailable());
    respond::with_retry_after(page, RETRY_AFTER)
}

fn is_probe(path: &str) -> bool {
    Endpoint::ALL
        .into_iter()
        .any(|endpoint| endpoint.caller() == Caller::Probe && endpoint.path() == path)
}

fn accepts_pages(request: &Request) -> bool {
    let accept = request.headers().get(http::header::ACCEPT);
    accept.is_some_and(|accept| {
        accept
            .as_bytes()
            .windows(9)
            .any(|part| part == b"text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_checks_are_never_turned_away() {
        assert!(is_probe("/health/live") && is_probe("/health/ready"));
        assert!(!is_probe("/token") && !is_probe("/health"));
    }
}
