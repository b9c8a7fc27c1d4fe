//! The source of the current time.

use std::sync::Arc;

use time::OffsetDateTime;

/// Returns the current time. Tests pass a clock that they control.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// The system clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place in this crate that reads the system clock"
)]
pub fn system_clock() -> Clock {
    Arc::new(OffsetDateTime::now_utc)
}
