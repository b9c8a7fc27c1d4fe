//! How much strangers may store: so many bytes a day from one part of the network, and of IPv6 more
//! from the networks around it.

use crate::context::Context;
use crate::limits::RateLimiter;
use std::sync::Arc;
use std::{net::IpAddr, time::Duration};

use identity::RateLimit;

use crate::unavailable::Unavailable;

const DAY: Duration = Duration::from_hours(24);
/// What each registration that an address may make in an hour allows it to store in a day: twenty
/// allow 960 KB.
const PER_REGISTRATION: u64 = 48 * 1024;
/// What one address may make this server remember of documents and key sets that it had not heard
/// of, in a day.
const FETCHED: u64 = 1024 * 1024;

/// Counts the bytes that unauthenticated clients make this server store.
#[derive(Clone)]
pub(crate) struct StorageBudget {
    pub(super) context: Context,
    pub(super) limiter: Arc<RateLimiter>,
}

impl StorageBudget {
    /// Counts bytes that a registration stores; `Some` with the time to wait when they are too
    /// many.
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

    /// Counts bytes of something that was fetched because somebody asked, and was not stored
    /// before.
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
