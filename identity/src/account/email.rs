//! Another address, in two steps: each is one record, and in between the account has the address
//! that it had.
//!
//! ```text
//!             announce_email                  take_email(claimed)
//!   (email) ────────────────▶ (next_email) ─────────────────────────▶ (email: the next one)
//!                                  │                                   every link ends
//!                                  └──────────────────────────────▶ (email: the one it had)
//!                                     take_email(not claimed, or too late)
//! ```

use std::time::Duration;

use primitives::Timestamp;

use super::Account;
use crate::{Email, SessionEpoch, email::folded_forms};

/// How long an account may take the address that it announced.
const CLAIM: Duration = Duration::from_mins(1);
/// How much longer others leave the address alone, so that servers need not agree on the second.
const SLACK: Duration = Duration::from_mins(1);

/// An address that an account is about to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextEmail {
    /// The address.
    pub email: String,
    /// Until when the account may take it.
    pub until: Timestamp,
}

impl NextEmail {
    /// An address to be announced.
    pub fn new(email: &Email, now: Timestamp) -> Self {
        Self {
            email: email.shown(),
            until: now.after(CLAIM),
        }
    }
}

impl<K> Account<K> {
    /// Says which address the account is about to have. `None` when it has changed since `email`
    /// and `session_epoch` were read.
    pub fn announce_email(
        mut self,
        email: &str,
        session_epoch: SessionEpoch,
        next: NextEmail,
    ) -> Option<Self> {
        if !self.is_as_read(email, session_epoch) {
            return None;
        }
        self.fields.next_email = Some(next);
        Some(self)
    }

    /// Takes the announced address if it was claimed and the account has not changed since; gives
    /// it up otherwise. A link that went to the old address ends. The answer is whether it was
    /// taken.
    pub fn take_email(
        mut self,
        email: &str,
        session_epoch: SessionEpoch,
        next: &NextEmail,
        claimed: bool,
        now: Timestamp,
    ) -> (Self, bool) {
        if self.fields.next_email.as_ref() != Some(next) {
            return (self, false);
        }
        self.fields.next_email = None;
        if !claimed || !self.is_as_read(email, session_epoch) || next.until.has_passed(now) {
            return (self, false);
        }
        self.fields.email.clone_from(&next.email);
        (self.without_link(now), true)
    }

    /// Whether no other account may have an address, by its folded form: it is its own, or about to
    /// be.
    pub fn holds_address(&self, folded: &str, now: Timestamp) -> bool {
        let announced = self.fields.next_email.as_ref();
        let claims = announced.is_some_and(|next| {
            !next.until.after(SLACK).has_passed(now)
                && folded_forms(&next.email).iter().any(|own| own == folded)
        });
        self.is_found_by(folded) || claims
    }

    fn is_as_read(&self, email: &str, session_epoch: SessionEpoch) -> bool {
        self.fields.email == email && self.fields.session_epoch == session_epoch
    }
}
