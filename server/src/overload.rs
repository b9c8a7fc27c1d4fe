//! Turning requests away while there are more than this machine can answer, so that those it does
//! answer are answered soon.
//!
//! How late a timer fires says how long work waits for a processor. While it is late, a growing
//! share of the requests gets 503 with `Retry-After` at once, and a shrinking one when it is in time
//! again. Documents and health checks are always answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use app::ErrorPage;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::{Instant, sleep};

use crate::{
    endpoints::{Caller, Endpoint},
    extract::{Service, prefers_json},
    problem, respond,
};

/// How often the delay is measured.
const TICK: Duration = Duration::from_millis(20);
/// From this delay on more requests are turned away, and below that one fewer.
const LATE: Duration = Duration::from_millis(40);
const IN_TIME: Duration = Duration::from_millis(10);
/// By how much the share changes with each measurement, of [`ALL`].
const MORE: u32 = 80;
const FEWER: u32 = 25;
const ALL: u32 = 1000;
/// Some requests are always answered: without them nobody would notice that the overload is over.
const MOST: u32 = 950;
/// When a client that was turned away is to try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How loaded this process is. Clones share the state. Without [`Self::watch`] nothing is turned
/// away.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<Measured>);

#[derive(Debug, Default)]
struct Measured {
    /// The share of requests that is turned away, of [`ALL`].
    share: AtomicU32,
    /// Spreads it evenly over the requests.
    sum: AtomicU32,
}

impl Load {
    /// Measures for ever.
    pub async fn watch(self) {
        loop {
            let began = Instant::now();
            sleep(TICK).await;
            self.measured(began.elapsed().saturating_sub(TICK));
        }
    }

    fn measured(&self, delay: Duration) {
        let share = self.0.share.load(Ordering::Relaxed);
        let next = next_share(share, delay);
        if (share == 0) != (next == 0) {
            if next > 0 {
                tracing::warn!(
                    ?delay,
                    "there is more to do than this machine can; some requests get 503"
                );
            } else {
                tracing::info!("all requests are answered again");
            }
        }
        self.0.share.store(next, Ordering::Relaxed);
    }

    fn turns_away(&self) -> bool {
        let share = self.0.share.load(Ordering::Relaxed);
        share > 0 && self.0.sum.fetch_add(share, Ordering::Relaxed) % ALL + share >= ALL
    }
}

/// The share of requests to be turned away from now on.
fn next_share(share: u32, delay: Duration) -> u32 {
    if delay > LATE {
        (share + MORE).min(MOST)
    } else if delay < IN_TIME {
        share.saturating_sub(FEWER)
    } else {
        share
    }
}

/// Turns a request away with 503, as a page for browsers, if there are too many.
pub(crate) async fn shed(State(service): State<Service>, request: Request, next: Next) -> Response {
    if !service.load.turns_away() || is_probe(request.uri().path()) {
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

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_share_grows_while_work_waits_and_shrinks_afterwards() {
        let mut share = 0;
        for _ in 0..50 {
            share = next_share(share, ms(100));
        }
        assert_eq!(share, MOST, "some are always answered");
        assert_eq!(next_share(share, ms(20)), share, "between the two it stays");
        let mut ticks = 0;
        while share > 0 {
            share = next_share(share, ms(1));
            ticks += 1;
        }
        assert!(TICK * ticks < Duration::from_secs(2), "it recovers soon");
        assert_eq!(next_share(0, ms(1)), 0);
    }

    #[test]
    fn the_share_of_requests_is_turned_away_evenly() {
        let load = Load::default();
        assert!((0..100).all(|_| !load.turns_away()));
        for _ in 0..3 {
            load.measured(ms(100));
        }
        let away = (0..1000).filter(|_| load.turns_away()).count();
        assert!((230..=250).contains(&away), "{away} of 1000, 240 wanted");
    }

    #[test]
    fn health_checks_are_never_turned_away() {
        assert!(is_probe("/health/live") && is_probe("/health/ready"));
        assert!(!is_probe("/token") && !is_probe("/health"));
    }
}
