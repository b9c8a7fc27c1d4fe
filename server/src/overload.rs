//! Turning requests away while there are more than this machine can answer, so that those it does
//! answer are answered soon.
//!
//! How late a timer fires says how long work waits for a processor. While it is late, and many
//! requests are under way, a growing share of the requests gets 503 with `Retry-After` at once, and
//! a shrinking one when it is in time again. A machine that is slow for other reasons turns nobody
//! away. Documents and health checks are always answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

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

/// With fewer requests under way nothing is turned away.
const MANY: usize = 64;

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
    /// The requests that are being answered.
    under_way: AtomicUsize,
}

/// A request that is being answered.
pub(crate) struct UnderWay(Arc<Measured>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
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
                tracing::warn!(?delay, "the server is overloaded; some requests get 503");
            } else {
                tracing::info!("the server is no longer overloaded");
            }
        }
        self.0.share.store(next, Ordering::Relaxed);
    }

    /// Admits a request, which counts while the answer lives; `None` when it is turned away.
    pub(crate) fn admitted(&self) -> Option<UnderWay> {
        let share = self.0.share.load(Ordering::Relaxed);
        if share > 0
            && self.0.under_way.load(Ordering::Relaxed) >= MANY
            && self.0.sum.fetch_add(share, Ordering::Relaxed) % ALL + share >= ALL
        {
            return None;
        }
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        Some(UnderWay(Arc::clone(&self.0)))
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
        let few: Vec<_> = (1..MANY).map(|_| load.admitted()).collect();
        for _ in 0..3 {
            load.measured(ms(100));
        }
        for _ in 0..100 {
            assert!(
                load.admitted().is_some(),
                "a slow machine with few requests"
            );
        }
        let another = load.admitted();
        assert!(few.iter().all(Option::is_some) && another.is_some());
        let away = (0..1000).filter(|_| load.admitted().is_none()).count();
        assert!((230..=250).contains(&away), "{away} of 1000, 240 wanted");
        drop(few);
        assert!((0..100).all(|_| load.admitted().is_some()));
    }
}
