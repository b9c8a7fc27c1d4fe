//! The stopwatch.

use std::time::Instant;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for; this is its one place that does")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
