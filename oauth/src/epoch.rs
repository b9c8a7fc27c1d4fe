//! Ending everything that people allowed one client, at once.

use primitives::Timestamp;

/// Counts how often everything that people allowed a client was ended. What is allowed carries the
/// epoch of its time, and is worth nothing in a later one. A counter, not a moment: what is allowed
/// again in the same second counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of this number; the first one is zero.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The one that begins now. It is later than this one, and than every one that began before in
    /// the same way: so a record of it may be forgotten once nothing of earlier ones is left.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Self {
        Self(self.0.saturating_add(1).max(now.seconds()))
    }

    /// Whether this one ended what was allowed in `earlier`.
    pub fn ends(self, earlier: Self) -> bool {
        earlier < self
    }

    /// Whether nothing was ever ended, of which there is no record.
    pub fn is_first(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_what_was_allowed_before_it_and_nothing_since() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let first = Epoch::default();
        let second = first.next(now);
        let third = second.next(now);
        assert!(first.is_first() && !second.is_first());
        assert_eq!((first.number(), second.number()), (0, now.seconds()));
        assert_eq!(Epoch::new(7).number(), 7);
        assert!(
            second.ends(first) && third.ends(second) && third.ends(first),
            "in the same second too"
        );
        assert!(!second.ends(second) && !second.ends(third) && !first.ends(first));
        // The record of the first end lapsed; a second end is later all the same.
        assert!(
            Epoch::default()
                .next(now.after(std::time::Duration::from_mins(1)))
                .ends(third)
        );
    }
}
