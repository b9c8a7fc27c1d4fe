//! Each request's number, patience, log line, and last defence.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use crate::chance;
use crate::respond;

/// How long a body may take to arrive, and a handler until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// A random number by which a person's report is found in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Numbers the request, waits for it no longer than half a minute, turns a panic into a bare 500, and writes one line. The
/// line has the route and not the path, since paths and queries carry one-time links, codes and names.
///
/// The work is a task of its own and runs to its end, though the client hang up or the answer be given up: no deed stops
/// between two steps in the store. It is bounded all the same, for the body must be here in time, and the store has its own
/// patience.
pub async fn watch(mut request: Request, next: Next) -> Response {
    let id = RequestId(chance::label());
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let deadline = started + PATIENCE;

    let work = tokio::spawn(next.run(request.map(|body| in_time(body, deadline))));
    let handled = timeout_at(deadline, work).await;
    let response = match handled {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => respond::error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something went wrong here."),
        Err(_) => respond::unavailable(),
    };

    let status = response.status().as_u16();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    if status >= 500 {
        tracing::error!(target: "vestibule::access", %id, %method, route, status, micros);
    } else if is_routine(route) {
        tracing::debug!(target: "vestibule::access", %id, %method, route, status, micros);
    } else {
        tracing::info!(target: "vestibule::access", %id, %method, route, status, micros);
    }
    response
}

/// The same body, which fails when the deadline passes before its end.
fn in_time(body: Body, deadline: Instant) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::from_stream(stream::try_unfold(body.into_data_stream(), move |mut rest| async move {
        match timeout_at(deadline, rest.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(piece)) => piece.map(|piece| Some((piece, rest))),
            Err(late) => Err(axum::Error::new(late)),
        }
    }))
}

/// Probes and static files would drown everything else.
fn is_routine(route: &str) -> bool {
    route.starts_with("/health/") || route.starts_with("/pkg/") || route.starts_with("/.well-known/")
}
