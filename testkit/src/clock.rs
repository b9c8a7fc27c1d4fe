//! The clock of all tests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use oauth::Timestamp;
use provider::Clock;

/// The time of a broken clock.
const BROKEN: u64 = u64::MAX;

/// A clock that moves only when a test moves it.
pub struct TestClock(AtomicU64);

impl TestClock {
    /// The start of every test: 2027-01-15, eight o'clock in UTC, at the start of an hour. In
    /// seconds since 1970.
    pub const START: u64 = 1_800_000_000;

    /// A clock that shows [`START`](Self::START).
    pub const fn new() -> Self {
        Self(AtomicU64::new(Self::START))
    }

    /// Advances the clock, in whole seconds.
    pub fn pass(&self, span: Duration) {
        self.0.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    /// Breaks the clock permanently: reading it panics.
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
        assert_ne!(seconds, BROKEN, "the test broke this clock");
        Timestamp::from_seconds(seconds)
    }
}
