//! The epoch of a client, by which all its grants end at once.

use primitives::Timestamp;

/// How often all grants and consents of a client were ended at once. Each has the epoch in which it
/// began, and is invalid in a later one. It is a counter and no time, so a grant that is allowed
/// again in the same second is valid.
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

    /// The next epoch. It is later than every earlier one, so its record may be removed once no
    /// grant of an earlier epoch is left.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Self {
        Self(self.0.saturating_add(1).max(now.seconds()))
    }

    /// Whether this epoch ended the grants of `earlier`.
    pub fn ends(self, earlier: Self) -> bool {
        earlier < self
    }

    /// Whether it is the first one, which has no record.
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
        // The record of the first end has expired; a second end is still later.
        assert!(
            Epoch::default()
                .next(now.after(std::time::Duration::from_mins(1)))
                .ends(third)
        );
    }
}
