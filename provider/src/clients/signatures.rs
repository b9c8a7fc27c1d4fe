//! Verification of client signatures: off the async threads, with a limit of concurrency, and with
//! limits on invalid ones.
//!
//! The counts are in memory, since they protect the processor time of this process, and a count in
//! the store would cost more than a signature.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use identity::rate_limit::{networks, rate_limit_key};
use jose::Jwks;
use oauth::Timestamp;
use oauth_clients::{
    assertion::{ValidatedAssertion, VerifiedAssertion},
    error::AssertionError,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::unavailable::Unavailable;

/// The most verifications that run or wait at once. One more is answered at once that the server is
/// busy.
const QUEUE: usize = 64;
/// The maximum wait for a slot.
const PATIENCE: Duration = Duration::from_secs(2);
/// The number of invalid assertions a minute of one client from one address,
const MOST_OF_PAIR: u32 = 10;
/// of all clients from one address,
const MOST_OF_ADDRESS: u32 = 60;
/// and of one client from everywhere. The last two concern only those who name no grant of the
/// client.
const MOST_OF_CLIENT: u32 = 300;
/// The maximum number of counts. With more addresses, only the queue is a limit.
const MOST_COUNTS: usize = 65_536;

/// The verifications of this process.
pub(crate) struct Signatures {
    slots: Arc<Semaphore>,
    queue: Semaphore,
    tally: Mutex<Tally>,
    hasher: RandomState,
}

/// The counters of an assertion, and their limits for a minute.
#[derive(Clone, Debug)]
pub(crate) struct Counted(Vec<(u64, u32)>);

/// The useless assertions of a minute.
#[derive(Debug, Default)]
struct Tally {
    minute: u64,
    counts: HashMap<u64, u32>,
}

impl Signatures {
    /// Half of the processors verify, and the others stay available.
    pub(crate) fn new() -> Self {
        let threads =
            thread::available_parallelism().map_or(1, |threads| threads.get().div_ceil(2));
        let slots = Arc::new(Semaphore::new(threads));
        Self {
            slots,
            queue: Semaphore::new(QUEUE),
            tally: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Verifies an assertion by these keys.
    pub(crate) async fn verify(
        &self,
        checked: &ValidatedAssertion,
        keys: &Jwks,
    ) -> Result<Result<VerifiedAssertion, AssertionError>, Unavailable> {
        let _place = self.queue.try_acquire().map_err(|_| Unavailable::busy())?;
        let slot = timeout(PATIENCE, Arc::clone(&self.slots).acquire_owned()).await;
        let slot = slot
            .map_err(|_| Unavailable::busy())?
            .map_err(|_| Unavailable::interrupted())?;
        let checked = checked.clone();
        let keys = keys.clone();
        let work = move || {
            let _slot = slot;
            checked.verify(&keys)
        };
        spawn_blocking(work)
            .await
            .map_err(|_| Unavailable::interrupted())
    }

    /// The counters of an assertion. `is_client` is whether a grant of the client is named, which
    /// only the client knows: requests of others do not count against it.
    pub(crate) fn counted(&self, client_id: &str, address: IpAddr, is_client: bool) -> Counted {
        let hash = |client: &str, address: &str| self.hasher.hash_one((client, address, is_client));
        let pair = (hash(client_id, &rate_limit_key(address)), MOST_OF_PAIR);
        if is_client {
            return Counted(vec![pair]);
        }
        let of_network = |(network, times): (String, u64)| {
            (
                hash("", &network),
                MOST_OF_ADDRESS.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)),
            )
        };
        let networks = networks(address).into_iter().map(of_network);
        Counted(
            [pair, (hash(client_id, ""), MOST_OF_CLIENT)]
                .into_iter()
                .chain(networks)
                .collect(),
        )
    }

    /// `Some` with the waiting time when there were too many invalid assertions.
    pub(crate) fn exhausted(&self, counted: &Counted, now: Timestamp) -> Option<Duration> {
        let rest = Duration::from_secs(60 - now.seconds() % 60);
        self.tally(now).is_exhausted(counted).then_some(rest)
    }

    /// Counts an invalid assertion.
    pub(crate) fn note_useless(&self, counted: &Counted, now: Timestamp) {
        self.tally(now).note(counted);
    }

    fn tally(&self, now: Timestamp) -> MutexGuard<'_, Tally> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.go_to(now.seconds() / 60);
        tally
    }
}

impl Tally {
    fn go_to(&mut self, minute: u64) {
        if minute != self.minute {
            self.minute = minute;
            self.counts.clear();
        }
    }

    fn is_exhausted(&self, Counted(counted): &Counted) -> bool {
        counted
            .iter()
            .any(|(subject, most)| self.counts.get(subject).is_some_and(|count| count >= most))
    }

    fn note(&mut self, Counted(counted): &Counted) {
        for (subject, _) in counted {
            if self.counts.len() < MOST_COUNTS || self.counts.contains_key(subject) {
                let count = self.counts.entry(*subject).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn stranger(signatures: &Signatures, client: &str, address: &str) -> Counted {
        signatures.counted(client, address.parse().expect("an address"), false)
    }

    /// How many of so many useless assertions pass at a time.
    fn passing(signatures: &Signatures, counted: &Counted, now: u64) -> u32 {
        let passes = |_: &u32| {
            let passes = signatures.exhausted(counted, at(now)).is_none();
            if passes {
                signatures.note_useless(counted, at(now));
            }
            passes
        };
        u32::try_from((0..1000).filter(passes).count()).expect("a few")
    }

    #[test]
    fn useless_assertions_are_counted_by_client_and_address_for_a_minute() {
        let signatures = Signatures::new();
        let one = stranger(&signatures, "a", "192.0.2.1");
        assert_eq!(passing(&signatures, &one, 600), MOST_OF_PAIR);
        assert_eq!(
            signatures.exhausted(&one, at(615)),
            Some(Duration::from_secs(45))
        );
        assert_eq!(
            signatures.exhausted(&stranger(&signatures, "a", "192.0.2.2"), at(659)),
            None
        );
        assert_eq!(passing(&signatures, &one, 660), MOST_OF_PAIR);
    }

    #[test]
    fn an_address_is_counted_whatever_client_it_names() {
        let signatures = Signatures::new();
        for number in 0..6 {
            let counted = stranger(
                &signatures,
                &format!("client {number}"),
                &format!("2001:db8::{number:x}"),
            );
            for _ in 0..MOST_OF_PAIR {
                assert_eq!(signatures.exhausted(&counted, at(0)), None);
                signatures.note_useless(&counted, at(0));
            }
        }
        assert!(
            signatures
                .exhausted(&stranger(&signatures, "another", "2001:db8::ff"), at(0))
                .is_some()
        );
        assert!(
            signatures
                .exhausted(&stranger(&signatures, "another", "2001:db8:0:1::1"), at(0))
                .is_none()
        );
    }

    #[test]
    fn the_networks_around_an_address_of_ipv6_are_counted_more_generously() {
        let signatures = Signatures::new();
        // One from each of the first /64 of a /56.
        for number in 0..4 * MOST_OF_ADDRESS {
            let counted = stranger(
                &signatures,
                &format!("client {number}"),
                &format!("2001:db8:1:{number:x}::1"),
            );
            assert_eq!(signatures.exhausted(&counted, at(0)), None, "{number}");
            signatures.note_useless(&counted, at(0));
        }
        assert!(
            signatures
                .exhausted(&stranger(&signatures, "another", "2001:db8:1:ff::1"), at(0))
                .is_some()
        );
        assert!(
            signatures
                .exhausted(
                    &stranger(&signatures, "another", "2001:db8:1:100::1"),
                    at(0)
                )
                .is_none()
        );
    }

    #[test]
    fn a_client_is_counted_wherever_strangers_name_it_and_they_do_not_count_against_it() {
        let signatures = Signatures::new();
        for number in 1..=MOST_OF_CLIENT {
            signatures.note_useless(
                &signatures.counted("a", number.to_be_bytes().into(), false),
                at(0),
            );
        }
        assert!(
            signatures
                .exhausted(&stranger(&signatures, "a", "192.0.2.9"), at(0))
                .is_some()
        );
        let client = signatures.counted("a", [0, 0, 0, 1].into(), true);
        assert_eq!(signatures.exhausted(&client, at(0)), None);
        assert_eq!(
            passing(&signatures, &client, 0),
            MOST_OF_PAIR,
            "its own failures count"
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tally = Tally::default();
        (0..100_000).for_each(|number| tally.note(&Counted(vec![(number, 1)])));
        assert!(tally.counts.len() <= MOST_COUNTS);
    }
}
