//! Who makes the first account of a server: one of any number that try at once.
//!
//! ```text
//!             claim                settle(made)
//!   (none) ──────────▶ Claimed ──────────────────▶ Made
//!                        │  ▲
//!                        └──┘ claim, once the earlier claim has expired
//! ```

use std::time::Duration;

use primitives::{Id, Timestamp};

/// How long an account that is being made keeps others from being the first.
pub const CLAIM: Duration = Duration::from_mins(1);

/// Who made the first account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstAccount {
    /// It was made.
    Made(Id),
    /// It is being made.
    Claimed {
        /// The account that is to be the first.
        account: Id,
        /// Until when the claim counts.
        until: Timestamp,
    },
}

impl FirstAccount {
    /// A claim for an account, if none that counts is there already.
    pub fn claim(there: Option<Self>, account: Id, now: Timestamp) -> Option<Self> {
        let is_free = there.is_none_or(|there| !there.is_taken(now));
        is_free.then(|| Self::Claimed {
            account,
            until: now.after(CLAIM),
        })
    }

    /// Settles a claim: it is permanent if the account was created, and has expired otherwise.
    /// `None` when the claim is not the account's own.
    pub fn settle(there: Option<Self>, account: Id, made: bool, now: Timestamp) -> Option<Self> {
        match there? {
            Self::Claimed { account: by, .. } if by == account => Some(if made {
                Self::Made(account)
            } else {
                Self::Claimed {
                    account,
                    until: now,
                }
            }),
            Self::Claimed { .. } | Self::Made(_) => None,
        }
    }

    /// Whether the first account was made, or is being made.
    pub const fn is_taken(self, now: Timestamp) -> bool {
        match self {
            Self::Made(_) => true,
            Self::Claimed { until, .. } => !until.has_passed(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1000);
    const ADA: Id = Id::new([1; 16]);
    const BOB: Id = Id::new([2; 16]);

    #[test]
    fn a_claim_keeps_others_out_until_it_lapses() {
        let claim = FirstAccount::claim(None, ADA, NOW).expect("free");
        assert!(claim.is_taken(NOW));
        assert_eq!(FirstAccount::claim(Some(claim), BOB, NOW), None);
        let later = NOW.after(CLAIM);
        assert!(!claim.is_taken(later));
        let until = later.after(CLAIM);
        let second = FirstAccount::claim(Some(claim), BOB, later);
        assert_eq!(
            second,
            Some(FirstAccount::Claimed {
                account: BOB,
                until
            })
        );
    }

    #[test]
    fn only_the_own_claim_is_settled() {
        let claim = FirstAccount::claim(None, ADA, NOW);
        let made = FirstAccount::settle(claim, ADA, true, NOW);
        assert_eq!(made, Some(FirstAccount::Made(ADA)));
        let given_up = FirstAccount::settle(claim, ADA, false, NOW).expect("its own");
        assert!(!given_up.is_taken(NOW));
        assert_eq!(FirstAccount::settle(claim, BOB, true, NOW), None);
        assert_eq!(FirstAccount::settle(made, ADA, false, NOW), None);
        assert_eq!(FirstAccount::settle(None, ADA, true, NOW), None);
        assert_eq!(FirstAccount::claim(made, BOB, NOW.after(CLAIM)), None);
    }
}
