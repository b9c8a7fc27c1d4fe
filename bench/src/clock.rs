//! The stopwatch.

use std::time::{Instant, SystemTime};

/// This moment.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for; this is its one place that does"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, in seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "what clients say to the server has to be of this time"
)]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
