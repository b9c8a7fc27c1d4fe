//! The session epoch of an account.

/// How often all sessions of an account were ended at once. Each session, one-time link and known
/// browser has the epoch in which it began, and is invalid in a later one. One write to the
/// account ends all of them, in the step that is the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionEpoch(u64);

impl SessionEpoch {
    /// The epoch of a new account.
    pub const FIRST: Self = Self(0);

    /// The epoch of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The next epoch: every session of this one has ended in it.
    #[must_use]
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_followed_by_a_later_one() {
        assert_eq!(SessionEpoch::FIRST.next(), SessionEpoch::new(1));
        assert_eq!(SessionEpoch::new(7).next().number(), 8);
        assert_eq!(SessionEpoch::default(), SessionEpoch::FIRST);
    }
}
