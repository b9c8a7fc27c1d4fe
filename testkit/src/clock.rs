//! The clock of all tests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use oauth::Timestamp;
use provider::Clock;

/// What a broken clock shows.
const BROKEN: u64 = u64::MAX;

/// A clock that moves only when a test moves it.
pub struct TestClock(AtomicU64);

impl TestClock {
    /// When every test begins: 2027-01-15, eight o'clock in UTC, at the start of an hour. In seconds
    /// since 1970.
    pub const START: u64 = 1_800_000_000;

    /// A clock that shows [`START`](Self::START).
    pub const fn new() -> Self {
        Self(AtomicU64::new(Self::START))
    }

    /// Lets time pass, in whole seconds.
    pub fn pass(&self, span: Duration) {
        self.0.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    /// Breaks it for good: every later look at it panics.
    pub fn break_clock(&self) {
        self.0.store(BROKEN, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let seconds = self.0.load(Ordering::SeqCst);
        assert_ne!(seconds, BROKEN, "the clock is broken, as the test wants it");
        Timestamp::from_seconds(seconds)
    }
}
