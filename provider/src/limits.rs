//! Limits on guessing, registering and the like: counters that are counted up atomically, one per
//! window of time.
//!
//! What is counted before it is known to be harmless can be given back: each counter has a second
//! one beside it, of what was given back. A place is taken if its number, less what was given back,
//! is within the limit. Only places that were taken are given back, and both counters only grow; so
//! the places that are taken are never more than the limit, however many race: all of them have
//! numbers up to the highest one that was let through, which was judged by at most as much as is
//! given back now.

use std::{net::IpAddr, time::Duration};

use futures_util::future::{join_all, try_join_all};
use oauth::Timestamp;

use crate::{Provider, keys, problem::Unavailable, records::Key};

/// How much more than a /64 the wider networks of IPv6 may do: a customer may hold a /56 or a /48,
/// and so may a few of them together.
const WIDER: [(u32, u64); 2] = [(56, 4), (48, 16)];
const IPV6_BITS: u32 = 128;

/// A limit: at most so many in one window of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimit {
    pub(crate) name: &'static str,
    pub(crate) max: u64,
    pub(crate) window: Duration,
}

impl RateLimit {
    const fn number(self, now: Timestamp) -> u64 {
        now.seconds() / self.window.as_secs()
    }

    const fn rest(self, now: Timestamp) -> Duration {
        Duration::from_secs(self.window.as_secs() - now.seconds() % self.window.as_secs())
    }

    /// The counters of an address: itself, or its /64 and the networks around it.
    fn counters_of(self, address: IpAddr) -> Vec<(Self, String)> {
        networks(address)
            .into_iter()
            .map(|(whom, times)| {
                (
                    Self {
                        max: self.max.saturating_mul(times),
                        ..self
                    },
                    whom,
                )
            })
            .collect()
    }
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

/// Places taken in counters, which can be given back.
#[derive(Default)]
pub(crate) struct Reservation(Vec<Place>);

struct Place {
    counter: Key<u64>,
    given_back: Key<u64>,
    limit: RateLimit,
}

impl Place {
    fn new(limit: RateLimit, whom: &str, now: Timestamp) -> Self {
        let number = limit.number(now);
        let given_back = keys::given_back(limit.name, whom, number);
        Self {
            counter: keys::counter(limit.name, whom, number),
            given_back,
            limit,
        }
    }
}

impl Provider {
    /// Counts one more; `Some` with the time to wait when it is one too many.
    pub(crate) async fn count(
        &self,
        limit: RateLimit,
        whom: &str,
    ) -> Result<Option<Duration>, Unavailable> {
        if !self.settings().rate_limits || limit.max == 0 {
            return Ok(None);
        }
        let now = self.now();
        let key = keys::counter(limit.name, whom, limit.number(now));
        let count = self.store().count(&key, limit.window).await?;
        Ok((count > limit.max).then(|| limit.rest(now)))
    }

    /// Counts one more from an address and, of IPv6, from the networks around it; `Some` with the
    /// time to wait when it is one too many for any of them.
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

    /// Counts one more, which can be given back.
    pub(crate) async fn reserve(
        &self,
        limit: RateLimit,
        whom: &str,
    ) -> Result<Reservation, Refused> {
        self.reserve_all(vec![(limit, whom.to_owned())]).await
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
        if !self.settings().rate_limits {
            return Ok(Reservation::default());
        }
        let (now, store) = (self.now(), self.store());
        let limited = counters.into_iter().filter(|(limit, _)| limit.max > 0);
        let places: Vec<_> = limited
            .map(|(limit, whom)| Place::new(limit, &whom, now))
            .collect();
        let counting = places
            .iter()
            .map(|place| store.count(&place.counter, place.limit.window));
        let counts = try_join_all(counting).await.map_err(Unavailable::from)?;
        let (mut taken, mut wait) = (Reservation::default(), None);
        for (place, count) in places.into_iter().zip(counts) {
            let most = place.limit.max;
            if count > most && count - self.counted(&place.given_back).await?.min(count) > most {
                wait = wait.max(Some(place.limit.rest(now)));
            } else {
                taken.0.push(place);
            }
        }
        let Some(wait) = wait else { return Ok(taken) };
        // What one network may not do does not count for those around it.
        self.give_back(taken).await;
        Err(Refused::Wait(wait))
    }

    /// Gives places back. Where the store fails, they stay taken until their window ends.
    pub(crate) async fn give_back(&self, reservation: Reservation) {
        let store = self.store();
        let giving = reservation
            .0
            .iter()
            .map(|place| store.count(&place.given_back, place.limit.window));
        if let Some(error) = join_all(giving).await.into_iter().find_map(Result::err) {
            tracing::warn!(%error, "a place in a counter was not given back");
        }
    }

    /// When to try again, if a limit is reached already. Counts nothing.
    pub(crate) async fn reached(
        &self,
        limit: RateLimit,
        whom: &str,
    ) -> Result<Option<Duration>, Unavailable> {
        self.reached_any(vec![(limit, whom.to_owned())]).await
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
        if !self.settings().rate_limits {
            return Ok(None);
        }
        let now = self.now();
        let reads = counters.iter().map(async |(limit, whom)| {
            let count = self
                .counted(&keys::counter(limit.name, whom, limit.number(now)))
                .await?;
            Ok::<_, Unavailable>((count >= limit.max).then(|| limit.rest(now)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().max())
    }

    /// Starts counting from nothing in the present window.
    pub(crate) async fn forget_count(
        &self,
        limit: RateLimit,
        whom: &str,
    ) -> Result<(), Unavailable> {
        if self.settings().rate_limits {
            let place = Place::new(limit, whom, self.now());
            // In this order too much counts for a moment, and never too little.
            self.store().remove(&place.given_back).await?;
            self.store().remove(&place.counter).await?;
        }
        Ok(())
    }

    /// What a counter says; a counter that does not exist says 0.
    async fn counted(&self, key: &str) -> Result<u64, Unavailable> {
        let bytes = self.store().get(key).await?.unwrap_or_default();
        Ok(std::str::from_utf8(&bytes)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0))
    }
}

/// The networks that an address is counted by, the smallest first, and how many times the limit
/// each of them may do.
pub(crate) fn networks(address: IpAddr) -> Vec<(String, u64)> {
    let own = (rate_limit_key(address), 1);
    let IpAddr::V6(address) = address.to_canonical() else {
        return vec![own];
    };
    let wider = WIDER.map(|(bits, times)| (network(address.to_bits(), bits), times));
    [own].into_iter().chain(wider).collect()
}

/// How an address is counted: an IPv6 customer holds at least a /64.
pub(crate) fn rate_limit_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => network(address.to_bits(), 64),
    }
}

/// The network of so many leading bits around an address of IPv6.
fn network(address: u128, bits: u32) -> String {
    let mask = u128::MAX << (IPV6_BITS - bits);
    let address = (address & mask) >> (IPV6_BITS - 64);
    let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (address >> shift) & 0xffff);
    format!("{a:x}:{b:x}:{c:x}:{d:x}::/{bits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_is_counted_by_its_neighbourhood() {
        let of = |text: &str| rate_limit_key(address(text));
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_eq!(of("2001:db8:1:2::1"), "2001:db8:1:2::/64");
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn an_address_of_ipv6_counts_for_wider_networks_more_generously() {
        let limit = RateLimit {
            name: "test",
            max: 100,
            window: Duration::from_mins(15),
        };
        let counters = |text: &str| -> Vec<_> {
            limit
                .counters_of(address(text))
                .into_iter()
                .map(|(limit, whom)| (limit.max, whom))
                .collect()
        };
        let expected = [
            (100, "2001:db8:1:2ff::/64"),
            (400, "2001:db8:1:200::/56"),
            (1600, "2001:db8:1:0::/48"),
        ];
        assert_eq!(
            counters("2001:db8:1:2ff::9"),
            expected.map(|(most, whom)| (most, whom.to_owned()))
        );
        assert_eq!(counters("192.0.2.7"), [(100, "192.0.2.7".to_owned())]);
        assert_eq!(counters("::ffff:192.0.2.7"), counters("192.0.2.7"));
    }
}
