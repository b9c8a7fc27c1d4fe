//! Points in time and spans, in whole seconds. Nothing here reads a clock: `now` is always an
//! argument.

use std::{fmt, time::Duration};

/// A point in time: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The point `span` later.
    #[must_use]
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }

    /// The point `span` earlier; the beginning of time at most.
    #[must_use]
    pub const fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_secs()))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// How long it is until `later`; zero when it has passed.
    pub const fn until(self, later: Self) -> Duration {
        later.since(self)
    }

    /// Whether something that expires at `self` has expired at `now`. The last second still counts
    /// as expired.
    pub const fn has_passed(self, now: Self) -> bool {
        now.0 >= self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_end_at_their_second_and_never_before_they_began() {
        let (earlier, later) = (Timestamp::from_seconds(100), Timestamp::from_seconds(160));
        assert_eq!(
            earlier.after(Duration::from_millis(60_999)),
            later,
            "whole seconds"
        );
        assert_eq!(
            (earlier.until(later), later.since(earlier)),
            (Duration::from_mins(1), Duration::from_mins(1))
        );
        assert_eq!(
            (later.until(earlier), earlier.since(later)),
            (Duration::ZERO, Duration::ZERO)
        );
        assert_eq!(
            (
                later.before(Duration::from_mins(1)),
                earlier.before(Duration::MAX)
            ),
            (earlier, Timestamp::from_seconds(0))
        );
        assert!(!later.has_passed(Timestamp::from_seconds(159)));
        assert!(later.has_passed(later));
        assert_eq!((later.seconds(), later.to_string().as_str()), (160, "160"));
        assert_eq!(
            later.after(Duration::MAX),
            Timestamp::from_seconds(u64::MAX)
        );
    }
}
