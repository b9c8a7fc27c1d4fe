//! How much unauthenticated clients may store: a number of bytes a day from one network, and more
//! from a larger IPv6 network.

use std::{net::IpAddr, sync::Arc, time::Duration};

use identity::RateLimit;

use crate::{
    context::Context,
    limits::{BatchCounters, RateLimiter},
    unavailable::Unavailable,
};

const DAY: Duration = Duration::from_hours(24);
/// The bytes a day for each registration that is allowed in an hour: twenty allow 960 KB.
const PER_REGISTRATION: u64 = 48 * 1024;
/// The bytes a day of new documents and key sets for one address.
const FETCHED: u64 = 1024 * 1024;

/// Counts the bytes that unauthenticated clients make this server store.
#[derive(Clone)]
pub(crate) struct StorageBudget {
    pub(super) context: Context,
    pub(super) limiter: Arc<RateLimiter>,
}

impl StorageBudget {
    /// Counts the bytes of a registration; `Some` with the waiting time when the limit is reached.
    pub(crate) async fn spend_on_registrations(
        &self,
        address: IpAddr,
        bytes: usize,
    ) -> Result<Option<Duration>, Unavailable> {
        match self.registered_bytes() {
            Some(limit) => self.limiter.spend_from(limit, address, amount(bytes)).await,
            None => Ok(None),
        }
    }

    /// The counters of the bytes of a registration, for a batch; `None` without a limit.
    pub(crate) fn registration_counters(
        &self,
        address: IpAddr,
        bytes: usize,
    ) -> Option<BatchCounters> {
        let limit = self.registered_bytes()?;
        Some(
            self.limiter
                .counters_of_amount(limit, address, amount(bytes)),
        )
    }

    fn registered_bytes(&self) -> Option<RateLimit> {
        let hourly = u64::from(self.context.settings().registration.limit_per_hour);
        (hourly > 0).then_some(RateLimit {
            name: "registered-bytes",
            max: hourly * PER_REGISTRATION,
            window: DAY,
        })
    }

    /// Counts the bytes of a newly stored document or key set.
    pub(crate) async fn spend_on_fetched(
        &self,
        address: IpAddr,
        bytes: usize,
    ) -> Result<Option<Duration>, Unavailable> {
        let limit = RateLimit {
            name: "fetched-bytes",
            max: FETCHED,
            window: DAY,
        };
        self.limiter.spend_from(limit, address, amount(bytes)).await
    }
}

fn amount(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
