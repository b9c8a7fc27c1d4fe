//! Each request's number, patience, log line, and last defence.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use app::ErrorPage;
use axum::{
    body::{Body, HttpBody as _},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue, StatusCode};
use provider::{Presence, RequestId};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};
use tracing::Instrument as _;

use crate::{
    endpoints::{is_for_programs, is_routine},
    extract::Service,
    overload::UnderWay,
    problem::{self, Asker},
    proxies::Proxies,
    random, respond,
};

/// How long a body may take to arrive, and a handler until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// Numbers the request, waits for it no longer than half a minute, turns a panic into a bare 500,
/// and writes one line. The line has the route and not the path, since paths and queries carry
/// one-time links, codes and names.
///
/// The work runs to its end even when the client hangs up or the answer is given up: no operation
/// stops between two steps in the store. It is bounded, since the body must be here in time, and
/// the store has a timeout. The request's [`Presence`] tells work that has not begun
/// that its client is gone.
///
/// Everything that is logged during the request is in a span with the number and the address of the
/// caller. The answer has the number in the header `x-request-id`.
pub(crate) async fn watch(
    State(proxies): State<Proxies>,
    request: Request,
    next: Next,
) -> Response {
    watched(request, next, &proxies, |_| respond::unavailable()).await
}

/// The same for pages: a browser gets a page when there is no answer in time.
pub(crate) async fn watch_pages(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let proxies = service.proxies.clone();
    if is_for_programs(request.uri().path()) {
        return watched(request, next, &proxies, |_| respond::unavailable()).await;
    }
    let late = move |asker: Asker| {
        let page = problem::respond(&service.site, asker.parts(), ErrorPage::unavailable());
        respond::with_retry_after(page, respond::SOON)
    };
    watched(request, next, &proxies, late).await
}

async fn watched(
    mut request: Request,
    next: Next,
    proxies: &Proxies,
    late: impl FnOnce(Asker) -> Response,
) -> Response {
    let id = RequestId::new(random::label());
    let presence = Presence::default();
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(presence.clone());
    let asker = Asker::of(&request);
    let address = proxies.client_address(request.headers(), request.extensions());
    let span = tracing::error_span!(target: "vestibule::access", "request", %id, %address);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let deadline = started + PATIENCE;

    let counted = request.extensions_mut().remove::<Arc<UnderWay>>();
    let run = next.run(request.map(|body| in_time(body, deadline)));
    let work = async move {
        let _counted = counted;
        run.await
    };
    let work = id.scope(work).instrument(span.clone());
    let work = ToItsEnd {
        work: Some(Box::pin(work)),
        presence,
    };
    let mut response = timeout_at(deadline, work)
        .await
        .unwrap_or_else(|_| late(asker));
    if let Ok(number) = HeaderValue::try_from(id.to_string()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-request-id"), number);
    }

    let status = response.status().as_u16();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    // Other 5xx are answers to a fault elsewhere: a store, whose silence has a line of its
    // own, or the document of a client.
    if status == 500 {
        tracing::error!(target: "vestibule::access", parent: &span, %method, route, status, micros);
    } else if status > 500 {
        tracing::warn!(target: "vestibule::access", parent: &span, %method, route, status, micros);
    } else if is_routine(route) {
        tracing::debug!(target: "vestibule::access", parent: &span, %method, route, status, micros);
    } else {
        tracing::info!(target: "vestibule::access", parent: &span, %method, route, status, micros);
    }
    response
}

/// Work that continues as a separate task when its caller is gone. Until then it needs no task.
struct ToItsEnd {
    work: Option<Pin<Box<dyn Future<Output = Response> + Send>>>,
    presence: Presence,
}

impl Future for ToItsEnd {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(fault());
        };
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        if !matches!(polled, Ok(Poll::Pending)) {
            self.work = None;
        }
        polled.unwrap_or_else(|_| Poll::Ready(fault()))
    }
}

impl Drop for ToItsEnd {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            self.presence.end();
            runtime.spawn(work);
        }
    }
}

fn fault() -> Response {
    respond::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "server_error",
        "An internal error occurred.",
    )
}

/// The same body, which fails when the deadline passes before its end.
fn in_time(body: Body, deadline: Instant) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::from_stream(stream::try_unfold(
        body.into_data_stream(),
        move |mut rest| async move {
            match timeout_at(deadline, rest.next()).await {
                Ok(None) => Ok(None),
                Ok(Some(piece)) => piece.map(|piece| Some((piece, rest))),
                Err(late) => Err(axum::Error::new(late)),
            }
        },
    ))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_goes_on_to_its_end() {
        let ((go, wait), (end, ended)) = (oneshot::channel::<()>(), oneshot::channel());
        let work = async move {
            let _ = wait.await;
            let _ = end.send(());
            Response::default()
        };
        let presence = Presence::default();
        let mut work = Box::pin(ToItsEnd {
            work: Some(Box::pin(work)),
            presence: presence.clone(),
        });
        assert!(
            poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await,
            "it has begun"
        );
        assert!(!presence.has_ended());
        drop(work);
        assert!(
            presence.has_ended(),
            "whatever has not begun may be dropped"
        );
        go.send(()).expect("it is still there");
        ended.await.expect("it went on");
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_of_this_request_alone() {
        let presence = Presence::default();
        let work = ToItsEnd {
            work: Some(Box::pin(async { panic!("on purpose") })),
            presence: presence.clone(),
        };
        assert_eq!(work.await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
