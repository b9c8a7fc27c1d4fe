//! Where the time comes from.

use std::sync::Arc;

use time::OffsetDateTime;

/// Tells the present instant. Tests hand in one that they move by hand.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// The clock of the machine.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this crate that asks the machine for the time"
)]
pub fn system_clock() -> Clock {
    Arc::new(OffsetDateTime::now_utc)
}
