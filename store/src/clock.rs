//! The only code of the store that reads the clock. It is used for expiry only, never for a
//! decision about a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Ttl;

/// When a record expires, in milliseconds since 1970; [`NEVER`] if it does not.
pub(crate) type Deadline = u64;

/// Later than any time that a clock can show.
pub(crate) const NEVER: Deadline = u64::MAX;

/// Now, in whole milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the store's only clock: expiry frees space, no decision depends on it"
)]
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, milliseconds)
}

/// When a record that is written at `now` expires. `now` was rounded down, hence one more
/// millisecond.
pub(crate) fn deadline(now: u64, ttl: Ttl) -> Deadline {
    match ttl {
        Ttl::Forever => NEVER,
        Ttl::For(time) => now.saturating_add(rounded_up(time)).saturating_add(1),
    }
}

/// The [`Ttl`] of a record with this many milliseconds left.
pub(crate) fn ttl(left: u64) -> Ttl {
    Ttl::For(Duration::from_millis(left))
}

/// A duration in milliseconds, rounded up, at least 1.
pub(crate) fn rounded_up(time: Duration) -> u64 {
    milliseconds(time.saturating_add(Duration::from_nanos(999_999))).max(1)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_early() {
        assert_eq!(rounded_up(Duration::ZERO), 1);
        assert_eq!(rounded_up(Duration::from_millis(7)), 7);
        assert_eq!(rounded_up(Duration::from_nanos(7_000_001)), 8);
        assert_eq!(deadline(10, Ttl::For(Duration::from_millis(7))), 18);
        assert_eq!(deadline(10, Ttl::For(Duration::MAX)), NEVER);
        assert_eq!(deadline(10, Ttl::Forever), NEVER);
    }
}
