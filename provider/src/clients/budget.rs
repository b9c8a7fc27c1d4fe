//! How much unauthenticated clients may store: a number of bytes a day from one network, and more
//! from a larger IPv6 network.

use std::{net::IpAddr, sync::Arc, time::Duration};

use identity::RateLimit;

use crate::{context::Context, limits::RateLimiter, unavailable::Unavailable};

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
        match u64::from(self.context.settings().registration.limit_per_hour) {
            0 => Ok(None),
            hourly => {
                self.spend_bytes(
                    "registered-bytes",
                    hourly * PER_REGISTRATION,
                    address,
                    bytes,
                )
                .await
            }
        }
    }

    /// Counts the bytes of a newly stored document or key set.
    pub(crate) async fn spend_on_fetched(
        &self,
        address: IpAddr,
        bytes: usize,
    ) -> Result<Option<Duration>, Unavailable> {
        self.spend_bytes("fetched-bytes", FETCHED, address, bytes)
            .await
    }

    async fn spend_bytes(
        &self,
        what: &'static str,
        most: u64,
        address: IpAddr,
        bytes: usize,
    ) -> Result<Option<Duration>, Unavailable> {
        let limit = RateLimit {
            name: what,
            max: most,
            window: DAY,
        };
        let amount = u64::try_from(bytes).unwrap_or(most);
        self.limiter.spend_from(limit, address, amount).await
    }
}
