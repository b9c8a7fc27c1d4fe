//! The clock.

use std::time::{Instant, SystemTime};

/// The current instant.
#[expect(
    clippy::disallowed_methods,
    reason = "this program measures time; only this function does"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, in seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "assertions of clients need the current time"
)]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
