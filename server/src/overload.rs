//! Turning requests away while there are more than this machine can answer, so that those it does
//! answer are answered soon.
//!
//! How late a timer fires says how long work waits for a processor. While it is late, the number of
//! requests that may be under way at once is lowered at each measurement, and raised again while the
//! timer is in time; a request beyond it gets 503 with `Retry-After` at once. A machine that is slow
//! for other reasons rejects no request, since it has few requests under way. Documents and health
//! checks are always answered. A refused request has no line in the log; their number has one, when
//! the overload is over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// How often the delay is measured.
const TICK: Duration = Duration::from_millis(20);
/// From this delay on the limit falls, and below that one it rises.
const LATE: Duration = Duration::from_millis(20);
const IN_TIME: Duration = Duration::from_millis(10);

/// With fewer requests under way nothing is turned away.
const MANY: usize = 64;
/// A limit that has risen so far is none.
const MOST: usize = 4096;
const UNLIMITED: usize = usize::MAX;

/// How loaded this process is. Clones share the state. Without [`Self::watch`] nothing is turned
/// away.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<Measured>);

#[derive(Debug)]
struct Measured {
    /// How many requests may be under way.
    limit: AtomicUsize,
    /// The requests that are being answered.
    under_way: AtomicUsize,
    /// How many were turned away since the overload began.
    refused: AtomicUsize,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(UNLIMITED),
            under_way: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }
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
        let limit = self.0.limit.load(Ordering::Relaxed);
        let next = next_limit(limit, self.0.under_way.load(Ordering::Relaxed), delay);
        if (limit == UNLIMITED) != (next == UNLIMITED) {
            if next == UNLIMITED {
                let refused = self.0.refused.swap(0, Ordering::Relaxed);
                tracing::info!(refused, "the server is no longer overloaded");
            } else {
                tracing::warn!(?delay, "the server is overloaded; some requests get 503");
            }
        }
        self.0.limit.store(next, Ordering::Relaxed);
    }

    /// Admits a request, which counts while the answer lives; `None` when it is turned away.
    pub(crate) fn admitted(&self) -> Option<UnderWay> {
        let others = self.0.under_way.fetch_add(1, Ordering::Relaxed);
        let counted = UnderWay(Arc::clone(&self.0));
        if others < self.0.limit.load(Ordering::Relaxed) {
            Some(counted)
        } else {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

/// How many requests may be under way from now on.
fn next_limit(limit: usize, under_way: usize, delay: Duration) -> usize {
    if delay > LATE && under_way >= MANY {
        (limit.min(under_way) / 2).max(MANY)
    } else if delay < IN_TIME && limit < MOST {
        limit + limit / 16
    } else if limit < MOST {
        limit
    } else {
        UNLIMITED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_limit_falls_while_work_waits_and_is_gone_soon_afterwards() {
        let mut limit = UNLIMITED;
        for under_way in [1000, 500, 250] {
            limit = next_limit(limit, under_way, ms(100));
            assert_eq!(limit, under_way / 2);
        }
        assert_eq!(next_limit(limit, limit, ms(15)), limit, "between the two");
        for _ in 0..50 {
            limit = next_limit(limit, limit, ms(100));
        }
        assert_eq!(limit, MANY, "some are always answered");
        let mut ticks = 0;
        while limit != UNLIMITED {
            limit = next_limit(limit, limit, ms(1));
            ticks += 1;
        }
        assert!(TICK * ticks < Duration::from_secs(2), "it recovers soon");
        assert_eq!(next_limit(limit, 5000, ms(1)), UNLIMITED);
    }

    #[test]
    fn a_slow_machine_with_few_requests_turns_nobody_away() {
        let load = Load::default();
        let few: Vec<_> = (1..MANY).map(|_| load.admitted()).collect();
        load.measured(ms(500));
        assert!(few.iter().all(Option::is_some));
        assert!((0..1000).all(|_| load.admitted().is_some()));
    }

    #[test]
    fn what_is_beyond_the_limit_is_turned_away_until_others_are_answered() {
        let load = Load::default();
        let mut admitted: Vec<_> = (0..1000).map(|_| load.admitted()).collect();
        assert!(admitted.iter().all(Option::is_some));
        load.measured(ms(100));
        assert!((0..100).all(|_| load.admitted().is_none()));
        admitted.truncate(450);
        let more: Vec<_> = (0..100).map(|_| load.admitted()).collect();
        let taken = more.iter().filter(|answer| answer.is_some()).count();
        assert_eq!(taken, 50, "500 may be under way");
    }
}
