//! The arithmetic of rate limits: counters that are counted up atomically, one for each window of
//! time.
//!
//! What is counted before it is known to be harmless can be given back: each counter has a second
//! one beside it, of what was given back. A place is taken if its number, less what was given back,
//! is within the limit. Only places that were taken are given back, and both counters only grow; so
//! the places that are taken are never more than the limit, however many race: all of them have
//! numbers up to the highest one that was let through, which was judged by at most as much as is
//! given back now.

use std::{net::IpAddr, time::Duration};

use primitives::Timestamp;

/// How much more than a /64 the wider networks of IPv6 may do: a customer may hold a /56 or a /48,
/// and so may a few of them together.
const WIDER: [(u32, u64); 2] = [(56, 4), (48, 16)];
const IPV6_BITS: u32 = 128;

/// A limit: at most so many in one window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Its name, which is part of the name of its counters.
    pub name: &'static str,
    /// How many are let through in one window; 0 is without limit.
    pub max: u64,
    /// How long a window is, in whole seconds.
    pub window: Duration,
}

impl RateLimit {
    /// Whether it limits anything.
    pub const fn is_on(self) -> bool {
        self.max > 0
    }

    /// The number of the present window.
    pub const fn window_number(self, now: Timestamp) -> u64 {
        now.seconds() / self.window.as_secs()
    }

    /// How long it is until the next window, which starts from nothing.
    pub const fn remaining(self, now: Timestamp) -> Duration {
        Duration::from_secs(self.window.as_secs() - now.seconds() % self.window.as_secs())
    }

    /// Whether the number that a counter answered with is beyond the limit, given how many places
    /// were given back.
    pub const fn is_exceeded(self, number: u64, given_back: u64) -> bool {
        number.saturating_sub(given_back) > self.max
    }

    /// Whether one more would be beyond the limit.
    pub const fn is_reached(self, number: u64) -> bool {
        number >= self.max
    }

    /// The counters of an address, each with its limit: itself, or its /64 and the networks around
    /// it.
    pub fn counters_of(self, address: IpAddr) -> Vec<(Self, String)> {
        networks(address)
            .into_iter()
            .map(|(key, times)| {
                let max = self.max.saturating_mul(times);
                (Self { max, ..self }, key)
            })
            .collect()
    }
}

/// The networks that an address is counted by, the smallest first, and how many times the limit
/// each of them may do.
pub fn networks(address: IpAddr) -> Vec<(String, u64)> {
    let own = (rate_limit_key(address), 1);
    let IpAddr::V6(address) = address.to_canonical() else {
        return vec![own];
    };
    let wider = WIDER.map(|(bits, times)| (network(address.to_bits(), bits), times));
    [own].into_iter().chain(wider).collect()
}

/// How an address is counted: an IPv6 customer holds at least a /64.
pub fn rate_limit_key(address: IpAddr) -> String {
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

    const LIMIT: RateLimit = RateLimit {
        name: "test",
        max: 100,
        window: Duration::from_mins(15),
    };

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_window_ends_at_its_second() {
        let at = Timestamp::from_seconds;
        assert_eq!(LIMIT.window_number(at(1799)), 1);
        assert_eq!(LIMIT.window_number(at(1800)), 2);
        assert_eq!(LIMIT.remaining(at(1799)), Duration::from_secs(1));
        assert_eq!(LIMIT.remaining(at(1800)), LIMIT.window);
    }

    #[test]
    fn a_limit_counts_what_was_given_back() {
        assert!(!LIMIT.is_exceeded(100, 0) && LIMIT.is_exceeded(101, 0));
        assert!(!LIMIT.is_exceeded(101, 1) && LIMIT.is_exceeded(103, 2));
        assert!(!LIMIT.is_exceeded(1, 9));
        assert!(LIMIT.is_reached(100) && !LIMIT.is_reached(99));
        assert!(LIMIT.is_on() && !RateLimit { max: 0, ..LIMIT }.is_on());
    }

    #[test]
    fn an_address_is_counted_by_its_network() {
        let of = |text: &str| rate_limit_key(address(text));
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_eq!(of("2001:db8:1:2::1"), "2001:db8:1:2::/64");
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn an_address_of_ipv6_counts_for_wider_networks_more_generously() {
        let counters = |text: &str| -> Vec<_> {
            LIMIT
                .counters_of(address(text))
                .into_iter()
                .map(|(limit, key)| (limit.max, key))
                .collect()
        };
        let expected = [
            (100, "2001:db8:1:2ff::/64"),
            (400, "2001:db8:1:200::/56"),
            (1600, "2001:db8:1:0::/48"),
        ];
        assert_eq!(
            counters("2001:db8:1:2ff::9"),
            expected.map(|(max, key)| (max, key.to_owned()))
        );
        assert_eq!(counters("192.0.2.7"), [(100, "192.0.2.7".to_owned())]);
        assert_eq!(counters("::ffff:192.0.2.7"), counters("192.0.2.7"));
    }
}
