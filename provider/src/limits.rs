//! The counters behind limits on guessing, registering and the like. Their arithmetic is in
//! [`identity::rate_limit`].

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{join_all, try_join_all};
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
pub(crate) struct Reservation(Vec<Counter>);

/// The keys of one counter in the present window.
struct Counter {
    key: Key<u64>,
    given_back: Key<u64>,
    limit: RateLimit,
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

/// The counters of an address and the networks around it in the present window, for batches: read
/// in one and counted in a later one, so that concurrent requests may exceed the limit by their
/// number; or counted together with what they limit, which the caller undoes beyond the limit.
pub(crate) struct AddressCounters {
    counters: Vec<Counter>,
    amount: u64,
    now: Timestamp,
}

impl AddressCounters {
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

    /// Adds to each.
    pub(crate) fn count(&self, batch: &mut Batch) -> Vec<WriteTicket<u64>> {
        let add = |counter: &Counter| batch.add(&counter.key, self.amount, counter.limit.window);
        self.counters.iter().map(add).collect()
    }
}

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
    pub(crate) fn address_counters(&self, limit: RateLimit, address: IpAddr) -> AddressCounters {
        self.counters_of_amount(limit, address, 1)
    }

    /// The counters of an address, to which an amount is added; none where the limit is off.
    pub(crate) fn counters_of_amount(
        &self,
        limit: RateLimit,
        address: IpAddr,
        amount: u64,
    ) -> AddressCounters {
        let now = self.clock.now();
        let limited = limit.counters_of(address).into_iter();
        let counters = limited
            .filter(|(limit, _)| self.is_on && limit.is_on())
            .map(|(limit, whom)| Counter::new(limit, &whom, now))
            .collect();
        AddressCounters {
            counters,
            amount,
            now,
        }
    }

    /// The waiting time, if counters that were counted in a batch exceed their limit. Then those
    /// that do not are given back: a refusal by one network does not count for the larger ones.
    pub(crate) async fn exceeded(
        &self,
        counted: &AddressCounters,
        tickets: &[WriteTicket<u64>],
        results: &mut BatchResults,
    ) -> Result<Option<Duration>, Unavailable> {
        let mut wait = None;
        let mut within = Vec::new();
        for (counter, ticket) in counted.counters.iter().zip(tickets) {
            let count = results.sum(ticket)?;
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

    /// Counts one, which can be subtracted again.
    pub(crate) async fn reserve(
        &self,
        limit: RateLimit,
        subject: &str,
    ) -> Result<Reservation, Refused> {
        self.reserve_all(vec![(limit, subject.to_owned())]).await
    }

    /// The same from an address and the networks around it.
    pub(crate) async fn reserve_from(
        &self,
        limit: RateLimit,
        address: IpAddr,
    ) -> Result<Reservation, Refused> {
        self.reserve_all(limit.counters_of(address)).await
    }

    async fn reserve_all(
        &self,
        counters: Vec<(RateLimit, String)>,
    ) -> Result<Reservation, Refused> {
        if !self.is_on {
            return Ok(Reservation::default());
        }
        let now = self.clock.now();
        let store = &self.store;
        let limited = counters.into_iter().filter(|(limit, _)| limit.is_on());
        let counters: Vec<_> = limited
            .map(|(limit, subject)| Counter::new(limit, &subject, now))
            .collect();
        let counting = counters
            .iter()
            .map(|counter| store.count(&counter.key, counter.limit.window));
        let counts = try_join_all(counting).await.map_err(Unavailable::from)?;
        let mut taken = Reservation::default();
        let mut wait = None;
        for (counter, count) in counters.into_iter().zip(counts) {
            // The subtracted count is read only if it matters.
            let limit = counter.limit;
            let is_refused = limit.is_exceeded(count, 0)
                && limit.is_exceeded(count, self.counted(&counter.given_back).await?);
            if is_refused {
                wait = wait.max(Some(counter.limit.remaining(now)));
            } else {
                taken.0.push(counter);
            }
        }
        let Some(wait) = wait else { return Ok(taken) };
        // A refusal by one network does not count for the larger ones.
        self.give_back(taken).await;
        Err(Refused::Wait(wait))
    }

    /// Subtracts counted attempts. If the store fails, they count until their window ends.
    pub(crate) async fn give_back(&self, reservation: Reservation) {
        let store = &self.store;
        let giving = reservation
            .0
            .iter()
            .map(|counter| store.count(&counter.given_back, counter.limit.window));
        if let Some(error) = join_all(giving).await.into_iter().find_map(Result::err) {
            tracing::warn!(%error, "a place in a counter was not given back");
        }
    }

    /// The waiting time, if a limit is reached already. Counts nothing.
    pub(crate) async fn reached(
        &self,
        limit: RateLimit,
        subject: &str,
    ) -> Result<Option<Duration>, Unavailable> {
        self.reached_any(vec![(limit, subject.to_owned())]).await
    }

    /// The same of an address and the networks around it.
    pub(crate) async fn reached_from(
        &self,
        limit: RateLimit,
        address: IpAddr,
    ) -> Result<Option<Duration>, Unavailable> {
        self.reached_any(limit.counters_of(address)).await
    }

    async fn reached_any(
        &self,
        counters: Vec<(RateLimit, String)>,
    ) -> Result<Option<Duration>, Unavailable> {
        if !self.is_on {
            return Ok(None);
        }
        let now = self.clock.now();
        let reads = counters.iter().map(async |(limit, subject)| {
            let count = self
                .counted(&keys::counter(
                    limit.name,
                    subject,
                    limit.window_number(now),
                ))
                .await?;
            Ok::<_, Unavailable>(limit.is_reached(count).then(|| limit.remaining(now)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().max())
    }

    /// Starts counting from nothing in the present window.
    pub(crate) async fn forget_count(
        &self,
        limit: RateLimit,
        subject: &str,
    ) -> Result<(), Unavailable> {
        if self.is_on {
            let counter = Counter::new(limit, subject, self.clock.now());
            // In this order the count may briefly be too high, but never too low.
            self.store.remove(&counter.given_back).await?;
            self.store.remove(&counter.key).await?;
        }
        Ok(())
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
