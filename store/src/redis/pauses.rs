//! Pauses between attempts: longer after each, up to a limit, and of random length, so that many
//! servers do not try at the same moment.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The pause after this many attempts (from 1) that failed: between half and all of 50 ms, 100 ms,
/// and so on up to a second.
pub(super) fn pause_after(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(8);
    let whole = (FIRST * 2_u32.pow(doublings)).min(LONGEST);
    // The keys of `RandomState` are random.
    let random = RandomState::new().build_hasher().finish();
    let part = u32::try_from(random % 1024).unwrap_or_default();
    whole / 2 + (whole / 2) * part / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_second() {
        for (attempts, whole) in [
            (0, 50),
            (1, 50),
            (2, 100),
            (4, 400),
            (6, 1000),
            (u32::MAX, 1000),
        ] {
            for _ in 0..100 {
                let pause = pause_after(attempts);
                let whole = Duration::from_millis(whole);
                assert!(
                    pause >= whole / 2 && pause <= whole,
                    "{attempts}: {pause:?}"
                );
            }
        }
        let different = (0..100)
            .map(|_| pause_after(9))
            .collect::<std::collections::HashSet<_>>();
        assert!(different.len() > 1);
    }
}
