//! Clients that race for one-time things.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use store::{CasResult, Store, Ttl};
use tokio::task::JoinHandle;

use super::{
    ledger::{Ledger, Race, Rule, Told},
    random::Random,
};
use crate::{Outcome, context};

/// How many callers race for each thing, half of them over each store.
const RACERS: usize = 4;
/// Longer than a campaign and its check.
const KEPT: Duration = Duration::from_hours(12);
const TTL: Ttl = Ttl::For(KEPT);
/// How often a refresh token is rotated before its grant is revoked.
const ROTATIONS: usize = 3;
/// After an error, so that an outage does not fill the ledger.
const PAUSE: Duration = Duration::from_millis(50);

/// Running clients.
pub(super) struct Clients {
    stop: Arc<AtomicBool>,
    /// Each races [`RACERS`] callers.
    groups: Vec<JoinHandle<()>>,
}

impl Clients {
    pub(super) fn start(
        clients: usize,
        stores: &[Store; 2],
        ledger: &Arc<Ledger>,
        seed: u64,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let groups = (0..clients / RACERS).map(|number| {
            let group = Group {
                stores: stores.clone(),
                ledger: Arc::clone(ledger),
                name: format!("{seed}-{number}"),
                unique: AtomicU64::new(0),
            };
            let stop = Arc::clone(&stop);
            let random = Random::new(seed.wrapping_add(number as u64 + 1));
            tokio::spawn(async move { group.run(&stop, random).await })
        });
        let groups = groups.collect();
        Self { stop, groups }
    }

    pub(super) async fn stop(self) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        for group in self.groups {
            group.await.map_err(context("a client"))?;
        }
        Ok(())
    }
}

struct Group {
    stores: [Store; 2],
    ledger: Arc<Ledger>,
    name: String,
    unique: AtomicU64,
}

impl Group {
    async fn run(&self, stop: &AtomicBool, mut random: Random) {
        let mut number = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let key = format!("race:{}:{number}", self.name);
            let answered = match random.below(5) {
                0 => self.code(&key).await,
                1 => self.ceremony(&key).await,
                2 => self.assertion(&key).await,
                3 => self.rotations(&key).await,
                _ => self.counter(&key).await,
            };
            if !answered {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Lets [`RACERS`] callers do the same at once, notes what they were told, and returns the
    /// value of the only winner.
    async fn race<F>(
        &self,
        key: &str,
        rule: Rule,
        last: bool,
        call: impl Fn(Store, String) -> F,
    ) -> Option<String>
    where
        F: Future<Output = Told>,
    {
        let callers = (0..RACERS).map(|number| {
            let store = self.stores[number % 2].clone();
            // No value is written twice to a key: a swap could not tell them apart.
            let unique = self.unique.fetch_add(1, Ordering::Relaxed);
            call(store, format!("{key}={number}-{unique}"))
        });
        let told = join_all(callers).await;
        let mut winners = told.iter().filter_map(|told| match told {
            Told::Won(what) => Some(what.clone()),
            Told::Lost | Told::Unknown => None,
        });
        let winner = winners.next().filter(|_| winners.next().is_none());
        self.ledger.note(Race {
            key: key.to_owned(),
            rule,
            told,
            last,
        });
        winner
    }

    async fn made(&self, key: &str, value: &str) -> bool {
        let made = self.stores[0].insert(key, value.as_bytes(), TTL).await;
        made.unwrap_or(false)
    }

    async fn swapped(&self, key: &str, from: &str, last: bool) -> Option<String> {
        self.race(key, Rule::Winner, last, |store, value| async move {
            let swap = store.compare_and_swap(key, from.as_bytes(), value.as_bytes(), TTL);
            match swap.await {
                Ok(CasResult::Done) => Told::Won(value),
                Ok(CasResult::Changed(_)) => Told::Lost,
                Err(_) => Told::Unknown,
            }
        })
        .await
    }

    /// A code is redeemed: issued becomes active.
    async fn code(&self, key: &str) -> bool {
        self.made(key, "issued").await && self.swapped(key, "issued", true).await.is_some()
    }

    /// A ceremony is taken.
    async fn ceremony(&self, key: &str) -> bool {
        if !self.made(key, "challenge").await {
            return false;
        }
        let winner = self.race(key, Rule::Nothing, true, |store, _| async move {
            match store.take(key).await {
                Ok(Some(_)) => Told::Won("taken".to_owned()),
                Ok(None) => Told::Lost,
                Err(_) => Told::Unknown,
            }
        });
        winner.await.is_some()
    }

    /// An assertion is used.
    async fn assertion(&self, key: &str) -> bool {
        let winner = self.race(key, Rule::Winner, true, |store, value| async move {
            match store.insert(key, value.as_bytes(), TTL).await {
                Ok(true) => Told::Won(value),
                Ok(false) => Told::Lost,
                Err(_) => Told::Unknown,
            }
        });
        winner.await.is_some()
    }

    /// A refresh token is rotated, and then its grant is revoked. Each token has one successor, and
    /// nothing follows the revocation.
    async fn rotations(&self, key: &str) -> bool {
        let mut value = "first".to_owned();
        if !self.made(key, &value).await {
            return false;
        }
        for _ in 0..ROTATIONS {
            let Some(next) = self.swapped(key, &value, false).await else {
                return false;
            };
            value = next;
        }
        let revoked = self.stores[1].compare_and_swap(key, value.as_bytes(), b"revoked", TTL);
        let told = match revoked.await {
            Ok(CasResult::Done) => Told::Won("revoked".to_owned()),
            Ok(CasResult::Changed(_)) => Told::Lost,
            Err(_) => Told::Unknown,
        };
        self.ledger.note(Race {
            key: key.to_owned(),
            rule: Rule::Winner,
            told: vec![told],
            last: true,
        });
        true
    }

    /// Each caller gets another number.
    async fn counter(&self, key: &str) -> bool {
        self.race(key, Rule::Count, true, |store, _| async move {
            match store.count(key, KEPT).await {
                Ok(number) => Told::Won(number.to_string()),
                Err(_) => Told::Unknown,
            }
        })
        .await;
        true
    }
}
