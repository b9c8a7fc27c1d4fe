//! Rate limits, however many race.

use std::{net::IpAddr, time::Duration};

use identity::{RateLimit, rate_limit::networks};
use proptest::prelude::*;

proptest! {
    /// Places that are taken and not given back are never more than the limit, in any order of the
    /// steps of any number of requests: each counts, then reads what was given back, then has its
    /// place or not.
    #[test]
    fn a_limit_is_never_exceeded(max in 1..8_u64, turns in proptest::collection::vec((0..12_usize, any::<bool>()), 0..200)) {
        let limit = RateLimit { name: "test", max, window: Duration::from_mins(15) };
        let mut counter = 0_u64;
let mut given_back = 0_u64;
        // What each request has reached: its number, or its place.
        let mut numbers = [None; 12];
        let mut places = [false; 12];
        for (request, gives_back) in turns {
            match (numbers[request], places[request]) {
                (_, true) if gives_back => {
                    given_back += 1;
                    places[request] = false;
                    numbers[request] = None;
                }
                (_, true) => {}
                (None, false) => {
                    counter += 1;
                    numbers[request] = Some(counter);
                }
                (Some(number), false) => {
                    places[request] = !limit.is_exceeded(number, given_back);
                    numbers[request] = None;
                }
            }
            let taken = places.iter().filter(|place| **place).count();
            prop_assert!(u64::try_from(taken).expect("few") <= max);
        }
    }

    /// An address counts for a chain of networks, each of which may do no less than the one in it.
    #[test]
    fn wider_networks_may_do_more(bits: u128) {
        let networks = networks(IpAddr::V6(bits.into()));
        prop_assert!(networks.is_sorted_by_key(|(_, times)| *times));
        prop_assert!(networks.len() == 3 || networks.len() == 1);
    }
}
