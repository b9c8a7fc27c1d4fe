//! What every race was answered, and whether the store agrees.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use store::Store;

use crate::{Outcome, context};

/// How many records are read at once at the end.
const READERS: usize = 32;
/// How often and how long a record is asked for at the end.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// What one caller was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It won, or got this number.
    Won(String),
    Lost,
    /// An error: it may have happened.
    Unknown,
}

/// What the record of a race must hold at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The value of the winner.
    Winner,
    /// Nothing, once there is a winner.
    Nothing,
    /// The number of callers who counted: never more than there were.
    Count,
}

/// One race for one thing.
pub(super) struct Race {
    pub(super) key: String,
    pub(super) rule: Rule,
    pub(super) told: Vec<Told>,
    /// Whether this is the last race for the key, so that the record can be looked at.
    pub(super) last: bool,
}

/// All races.
#[derive(Default)]
pub(super) struct Ledger {
    races: Mutex<Vec<Race>>,
    attempts: AtomicUsize,
    unknown: AtomicUsize,
}

/// What the ledger and the store say together.
#[derive(Default)]
pub(super) struct Found {
    races: usize,
    attempts: usize,
    unknown: usize,
    twice: Vec<String>,
    lost: Vec<String>,
    repeated: Vec<String>,
    /// Of counters, which do not wait for a replica.
    counters: usize,
}

impl Ledger {
    pub(super) fn note(&self, race: Race) {
        self.attempts.fetch_add(race.told.len(), Ordering::Relaxed);
        let unknown = race.told.iter().filter(|told| **told == Told::Unknown);
        self.unknown.fetch_add(unknown.count(), Ordering::Relaxed);
        let mut races = self.races.lock().unwrap_or_else(PoisonError::into_inner);
        races.push(race);
    }

    /// Reads every record, and compares.
    pub(super) async fn check(&self, store: &Store) -> Outcome<Found> {
        let races = {
            let mut races = self.races.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *races)
        };
        let mut found = Found {
            races: races.len(),
            attempts: self.attempts.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
            ..Found::default()
        };
        for batch in races.chunks(READERS) {
            let reads: Vec<_> = batch.iter().map(|race| read(store, &race.key)).collect();
            let values = futures_util::future::join_all(reads).await;
            for (race, value) in batch.iter().zip(values) {
                found.add(race, value?.as_deref());
            }
        }
        Ok(found)
    }
}

async fn read(store: &Store, key: &str) -> Outcome<Option<String>> {
    let mut tries = 0;
    loop {
        match store.get(key).await {
            Ok(value) => {
                return Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            }
            Err(fault) if tries == TRIES => return Err(context("reading at the end")(fault)),
            Err(_) => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Found {
    fn add(&mut self, race: &Race, value: Option<&str>) {
        let winners: Vec<_> = race
            .told
            .iter()
            .filter_map(|told| match told {
                Told::Won(what) => Some(what.as_str()),
                Told::Lost | Told::Unknown => None,
            })
            .collect();
        let entry = || format!("{}: {:?}, and it holds {value:?}", race.key, race.told);
        if race.rule == Rule::Count {
            let numbers: HashSet<_> = winners.iter().collect();
            self.counters += winners.len() - numbers.len();
            let count: usize = value.and_then(|value| value.parse().ok()).unwrap_or(0);
            if count > race.told.len() {
                self.repeated.push(entry());
            }
            return;
        }
        if winners.len() > 1 {
            self.twice.push(entry());
        } else if let Some(winner) = winners.first()
            && race.last
        {
            let wanted = (race.rule == Rule::Winner).then_some(*winner);
            if value != wanted {
                self.lost.push(entry());
            }
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        self.twice.is_empty() && self.lost.is_empty() && self.repeated.is_empty()
    }

    pub(super) fn report(&self) -> String {
        let mut text = format!(
            "| races | attempts | without an answer | done twice | acknowledged and lost | repeated writes | numbers given twice |\n\
             |--:|--:|--:|--:|--:|--:|--:|\n| {} | {} | {} | {} | {} | {} | {} |",
            self.races,
            self.attempts,
            self.unknown,
            self.twice.len(),
            self.lost.len(),
            self.repeated.len(),
            self.counters
        );
        for (what, entries) in [
            ("done twice", &self.twice),
            ("lost", &self.lost),
            ("repeated", &self.repeated),
        ] {
            for entry in entries.iter().take(3) {
                text.extend(["\n", what, ": ", entry]);
            }
        }
        text
    }
}
