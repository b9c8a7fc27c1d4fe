//! Known browsers: those that have signed in to an account before. Their attempts are counted
//! apart, so that guesses of others do not keep an account's own user out.
//!
//! A browser is known to an account as long as the account is in the session epoch in which the
//! browser signed in. Whatever ends the sessions of an account, a new password above all, ends that
//! as well.

use std::time::Duration;

use primitives::Timestamp;

/// How long a browser stays known after its last sign-in.
pub const LIFETIME: Duration = Duration::from_hours(180 * 24);
/// How old a note of a sign-in is when another sign-in renews it.
const RENEWAL: Duration = Duration::from_hours(24);

/// Whether a browser is known to an account. `in_this_epoch` says whether it signed in during the
/// account's present session epoch; `noted_before_epochs` is when it did, by the note of a release
/// that noted no epoch, which counts unless the password is newer.
pub fn is_known(
    in_this_epoch: bool,
    noted_before_epochs: Option<Timestamp>,
    password_set_at: Option<Timestamp>,
) -> bool {
    let is_newer = |at: Timestamp| password_set_at.is_none_or(|set_at| at >= set_at);
    in_this_epoch || noted_before_epochs.is_some_and(is_newer)
}

/// Whether a sign-in renews the note of an earlier one: once a day, so that it costs most sign-ins
/// nothing.
pub fn is_worth_renewing(noted: Option<Timestamp>, now: Timestamp) -> bool {
    noted.is_none_or(|noted| now.since(noted) >= RENEWAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_in_its_epoch_or_since_the_password_was_set() {
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        assert!(is_known(true, None, at(9)));
        assert!(!is_known(false, None, None));
        assert!(is_known(false, at(5), None));
        assert!(is_known(false, at(5), at(5)));
        assert!(!is_known(false, at(5), at(6)));
    }

    #[test]
    fn a_note_is_renewed_once_a_day() {
        let now = Timestamp::from_seconds(100_000);
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        assert!(is_worth_renewing(None, now));
        assert!(is_worth_renewing(at(100_000 - 86_400), now));
        assert!(!is_worth_renewing(at(100_000 - 86_399), now));
        assert!(!is_worth_renewing(at(100_001), now), "by another clock");
    }

    #[test]
    fn a_browser_stays_known_for_half_a_year() {
        assert_eq!(LIFETIME.as_secs(), 15_552_000);
    }
}
