//! The counters behind limits on guessing, registering and the like. Their arithmetic is in
//! [`identity::rate_limit`].

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use identity::{RateLimit, rate_limit::rate_limit_key};
use oauth::Timestamp;
use store::Store;

use crate::{
    environment::Clock,
    records::{Batch, BatchResults, Key, ReadTicket, WriteTicket, keys},
    unavailable::Unavailable,
};

/// Rate limits, counted in the store.
pub(crate) struct RateLimiter {
    store: Store,
    clock: Arc<dyn Clock>,
    /// `false` where every limit is switched off.
    is_on: bool,
    refused: RefusedNetworks,
}

/// Why something is not done now.
pub(crate) enum Refused {
    /// There were too many in this window, which ends then.
    Wait(Duration),
    Unavailable(Unavailable),
}

impl From<Unavailable> for Refused {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// Counted attempts, which can be subtracted again.
#[derive(Default)]
pub(crate) struct Reservation(Vec<Reserved>);

/// One of them, and its number among those of the window.
struct Reserved {
    counter: Counter,
    number: u64,
}

/// The keys of one counter in the present window.
struct Counter {
    key: Key<u64>,
    given_back: Key<u64>,
    limit: RateLimit,
}

impl Reservation {
    /// Subtracts the attempts in a batch.
    pub(crate) fn give_back(&self, batch: &mut Batch) {
        for Reserved { counter, .. } in &self.0 {
            batch.add(&counter.given_back, 1, counter.limit.window);
        }
    }

    /// Whether no attempt was counted before in the window.
    pub(crate) fn is_first(&self) -> bool {
        self.0.iter().all(|reserved| reserved.number == 1)
    }

    /// Takes out all but the first ones.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        Self(self.0.split_off(at.min(self.0.len())))
    }
}

impl Counter {
    fn new(limit: RateLimit, subject: &str, now: Timestamp) -> Self {
        let number = limit.window_number(now);
        let given_back = keys::given_back(limit.name, subject, number);
        Self {
            key: keys::counter(limit.name, subject, number),
            given_back,
            limit,
        }
    }
}

/// Counters of the present window, as of an address and the networks around it, for batches: read
/// in one and counted in a later one, so that concurrent requests may exceed the limit by their
/// number; or counted together with what they limit, which the caller undoes beyond the limit.
pub(crate) struct BatchCounters {
    counters: Vec<Counter>,
    amount: u64,
    now: Timestamp,
}

impl BatchCounters {
    /// Reads all of them.
    pub(crate) fn read(&self, batch: &mut Batch) -> Vec<ReadTicket<u64>> {
        let read = |counter: &Counter| batch.read(counter.key.clone());
        self.counters.iter().map(read).collect()
    }

    /// The waiting time, if one of the limits is reached.
    pub(crate) fn reached(
        &self,
        tickets: Vec<ReadTicket<u64>>,
        results: &mut BatchResults,
    ) -> Result<Option<Duration>, Unavailable> {
        let mut wait = None;
        for (counter, ticket) in self.counters.iter().zip(tickets) {
            let count = results.found(&ticket)?.record().unwrap_or(0);
            if counter.limit.is_reached(count) {
                wait = wait.max(Some(counter.limit.remaining(self.now)));
            }
        }
        Ok(wait)
    }

    /// Reads how many places are taken.
    pub(crate) fn read_places(&self, batch: &mut Batch) -> PlacesRead {
        let read = |counter: &Counter| {
            let number = batch.read(counter.key.clone());
            let given_back = batch.read(counter.given_back.clone());
            (number, given_back)
        };
        PlacesRead(self.counters.iter().map(read).collect())
    }

    /// The waiting time, if all places of one of the limits are taken.
    pub(crate) fn are_taken(
        &self,
        read: PlacesRead,
        results: &mut BatchResults,
    ) -> Result<Option<Duration>, Unavailable> {
        let mut wait = None;
        for (counter, (number, given_back)) in self.counters.iter().zip(read.0) {
            let number = results.found(&number)?.record().unwrap_or(0);
            let given_back = results.found(&given_back)?.record().unwrap_or(0);
            if counter.limit.is_reached(number.saturating_sub(given_back)) {
                wait = wait.max(Some(counter.limit.remaining(self.now)));
            }
        }
        Ok(wait)
    }

    /// How many counters they are.
    pub(crate) const fn len(&self) -> usize {
        self.counters.len()
    }

    /// These, and then others.
    #[must_use]
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.counters.extend(others.counters);
        self
    }

    /// Adds to each.
    pub(crate) fn count(&self, batch: &mut Batch) -> Vec<WriteTicket<u64>> {
        let add = |counter: &Counter| batch.add(&counter.key, self.amount, counter.limit.window);
        self.counters.iter().map(add).collect()
    }
}

/// A read of the places that are taken: how many attempts were counted, and how many subtracted.
pub(crate) struct PlacesRead(Vec<(ReadTicket<u64>, ReadTicket<u64>)>);

/// The networks that a limit has refused lately, as far as this server remembers: they are counted
/// before anything is done for them.
#[derive(Default)]
struct RefusedNetworks(Mutex<HashMap<String, Timestamp>>);

/// How many networks are remembered.
const MOST_REFUSED: usize = 4096;

impl RefusedNetworks {
    fn networks(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, network: String, until: Timestamp, now: Timestamp) {
        let mut networks = self.networks();
        if networks.len() >= MOST_REFUSED {
            networks.retain(|_, until| !until.has_passed(now));
        }
        if networks.len() < MOST_REFUSED {
            networks.insert(network, until);
        }
    }

    fn contains(&self, network: &str, now: Timestamp) -> bool {
        self.networks()
            .get(network)
            .is_some_and(|until| !until.has_passed(now))
    }
}

impl RateLimiter {
    /// Counters in a store. `is_on` switches every limit off, for tests.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, is_on: bool) -> Self {
        Self {
            store,
            clock,
            is_on,
            refused: RefusedNetworks::default(),
        }
    }

    /// Remembers that a network was refused.
    pub(crate) fn note_refused(&self, address: IpAddr, wait: Duration) {
        let now = self.clock.now();
        self.refused
            .add(rate_limit_key(address), now.after(wait), now);
    }

    /// Whether this server has refused the network lately.
    pub(crate) fn was_refused(&self, address: IpAddr) -> bool {
        self.refused
            .contains(&rate_limit_key(address), self.clock.now())
    }

    /// The counters of an address, to which one is added; none where the limit is off.
    pub(crate) fn address_counters(&self, limit: RateLimit, address: IpAddr) -> BatchCounters {
        self.counters_of_amount(limit, address, 1)
    }

    /// The counters of an address, to which an amount is added; none where the limit is off.
    pub(crate) fn counters_of_amount(
        &self,
        limit: RateLimit,
        address: IpAddr,
        amount: u64,
    ) -> BatchCounters {
        self.counters_of(limit.counters_of(address), amount)
    }

    /// The counter of a subject, to which one is added; none where the limit is off.
    pub(crate) fn counters(&self, limit: RateLimit, subject: &str) -> BatchCounters {
        self.counters_of(vec![(limit, subject.to_owned())], 1)
    }

    fn counters_of(&self, limited: Vec<(RateLimit, String)>, amount: u64) -> BatchCounters {
        let now = self.clock.now();
        let counters = limited
            .into_iter()
            .filter(|(limit, _)| self.is_on && limit.is_on())
            .map(|(limit, whom)| Counter::new(limit, &whom, now))
            .collect();
        BatchCounters {
            counters,
            amount,
            now,
        }
    }

    /// The waiting time, if counters that were counted in a batch exceed their limit. Then those
    /// that do not are given back: a refusal by one network does not count for the larger ones.
    pub(crate) async fn exceeded(
        &self,
        counted: &BatchCounters,
        tickets: &[WriteTicket<u64>],
        results: &mut BatchResults,
    ) -> Result<Option<Duration>, Unavailable> {
        let numbers = tickets.iter().map(|ticket| results.sum(ticket));
        let numbers: Vec<_> = numbers.collect::<Result<_, _>>()?;
        self.exceeded_by(counted, &numbers).await
    }

    async fn exceeded_by(
        &self,
        counted: &BatchCounters,
        numbers: &[u64],
    ) -> Result<Option<Duration>, Unavailable> {
        let mut wait = None;
        let mut within = Vec::new();
        for (counter, &count) in counted.counters.iter().zip(numbers) {
            // The subtracted count is read only if it matters.
            let limit = counter.limit;
            if limit.is_exceeded(count, 0)
                && limit.is_exceeded(count, self.counted(&counter.given_back).await?)
            {
                wait = wait.max(Some(limit.remaining(counted.now)));
            } else {
                within.push(counter);
            }
        }
        if wait.is_some() {
            let mut batch = Batch::default();
            for counter in within {
                batch.add(&counter.given_back, counted.amount, counter.limit.window);
            }
            batch.run(&self.store).await?;
        }
        Ok(wait)
    }

    /// Counts one; `Some` with the waiting time beyond the limit.
    pub(crate) async fn count(
        &self,
        limit: RateLimit,
        subject: &str,
    ) -> Result<Option<Duration>, Unavailable> {
        if !self.is_on || !limit.is_on() {
            return Ok(None);
        }
        let now = self.clock.now();
        let key = keys::counter(limit.name, subject, limit.window_number(now));
        let count = self.store.count(&key, limit.window).await?;
        Ok(limit.is_exceeded(count, 0).then(|| limit.remaining(now)))
    }

    /// Counts one from an address and its larger IPv6 networks; `Some` with the waiting time beyond
    /// the limit of any.
    pub(crate) async fn count_from(
        &self,
        limit: RateLimit,
        address: IpAddr,
    ) -> Result<Option<Duration>, Unavailable> {
        if address.to_canonical().is_ipv4() {
            return self.count(limit, &rate_limit_key(address)).await;
        }
        match self.reserve_from(limit, address).await {
            Ok(_) => Ok(None),
            Err(Refused::Wait(wait)) => Ok(Some(wait)),
            Err(Refused::Unavailable(error)) => Err(error),
        }
    }

    /// Counts an amount from an address and its larger networks; `Some` with the waiting time
    /// beyond the limit of any. An amount that one network refuses does not count for the larger
    /// ones.
    pub(crate) async fn spend_from(
        &self,
        limit: RateLimit,
        address: IpAddr,
        amount: u64,
    ) -> Result<Option<Duration>, Unavailable> {
        if !self.is_on {
            return Ok(None);
        }
        let now = self.clock.now();
        for (limit, subject) in limit.counters_of(address) {
            let key = keys::counter(limit.name, &subject, limit.window_number(now));
            let spent = self.store.add(&key, amount, limit.window).await?;
            if limit.is_exceeded(spent, 0) {
                return Ok(Some(limit.remaining(now)));
            }
        }
        Ok(None)
    }

    /// Counts for each counter, in one round trip; it can be subtracted again. Beyond the limit of
    /// one, nothing is counted for the others.
    pub(crate) async fn reserve_together(
        &self,
        counters: BatchCounters,
    ) -> Result<Reservation, Refused> {
        let mut batch = Batch::default();
        let tickets = counters.count(&mut batch);
        let mut results = batch.run(&self.store).await?;
        let numbers = tickets.iter().map(|ticket| results.sum(ticket));
        let numbers: Vec<_> = numbers.collect::<Result<_, _>>()?;
        if let Some(wait) = self.exceeded_by(&counters, &numbers).await? {
            return Err(Refused::Wait(wait));
        }
        let counted = counters.counters.into_iter().zip(numbers);
        let counted = counted.map(|(counter, number)| Reserved { counter, number });
        Ok(Reservation(counted.collect()))
    }

    /// The same from an address and the networks around it.
    pub(crate) async fn reserve_from(
        &self,
        limit: RateLimit,
        address: IpAddr,
    ) -> Result<Reservation, Refused> {
        self.reserve_together(self.address_counters(limit, address))
            .await
    }

    /// Subtracts counted attempts. If the store fails, they count until their window ends.
    pub(crate) async fn give_back(&self, reservation: Reservation) {
        let mut batch = Batch::default();
        reservation.give_back(&mut batch);
        if let Err(error) = batch.run(&self.store).await {
            tracing::warn!(%error, "a rate limit counter could not be decreased");
        }
    }

    /// Starts counting from nothing in the present window.
    pub(crate) fn forget_count(&self, batch: &mut Batch, limit: RateLimit, subject: &str) {
        for counter in self.counters(limit, subject).counters {
            // In this order the count may briefly be too high, but never too low.
            batch.remove(&counter.given_back);
            batch.remove(&counter.key);
        }
    }

    /// The value of a counter; 0 if it does not exist.
    async fn counted(&self, key: &str) -> Result<u64, Unavailable> {
        let bytes = self.store.get(key).await?.unwrap_or_default();
        Ok(std::str::from_utf8(&bytes)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0))
    }
}
