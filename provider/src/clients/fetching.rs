//! Fetching from addresses that clients name, within limits: for the host that is asked, and for
//! who makes this server ask.

use crate::step_error::TokenError;
use crate::unavailable::Unavailable;
use oauth_clients::error::AssertionError;
use std::{net::IpAddr, sync::Arc, time::Duration};

use identity::RateLimit;
use url::Url;

use super::fetch::{FetchError, Fetched, Fetcher};
use crate::limits::RateLimiter;

const MINUTE: Duration = Duration::from_mins(1);
/// Fetches from one host, so that nobody is flooded by way of this server, least of all with
/// errors, which are never kept.
const FROM_HOST: RateLimit = RateLimit {
    name: "fetch-from",
    max: 120,
    window: MINUTE,
};
/// Fetches that one part of the network causes.
const CAUSED_BY: RateLimit = RateLimit {
    name: "fetch-for",
    max: 60,
    window: MINUTE,
};
/// Fetches in the background from one host. Counted apart, so that they take nothing away from
/// people.
const BEHIND: RateLimit = RateLimit {
    name: "fetch-behind",
    max: 6,
    window: MINUTE,
};

/// Who caused a fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FetchTrigger {
    /// Somebody at this address, who has shown nothing yet.
    Browser(IpAddr),
    /// A client with a grant.
    Client,
    /// Nobody waits for it.
    Nobody,
}

/// Fetches within the limits.
#[derive(Clone)]
pub(crate) struct ClientFetcher {
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) fetcher: Fetcher,
}

impl ClientFetcher {
    /// Fetches from an address that a client names, within the limits.
    pub(crate) async fn fetch(
        &self,
        url: &Url,
        largest: usize,
        trigger: FetchTrigger,
    ) -> Result<Arc<Fetched>, FetchError> {
        let (fetching, host) = (self.clone(), url.host_str().unwrap_or_default().to_owned());
        // 1. Everybody is counted for themselves, before they join others, who are not to suffer by
        //    their limit.
        match trigger {
            FetchTrigger::Nobody => admit(self.limiter.count(BEHIND, &host).await?)?,
            FetchTrigger::Browser(address) => {
                admit(self.limiter.count_from(CAUSED_BY, address).await?)?;
            }
            FetchTrigger::Client => {}
        }
        // 2. The host is spared whoever asks, and counted for once.
        let spared = async move {
            match trigger {
                FetchTrigger::Nobody => Ok(()),
                FetchTrigger::Browser(_) | FetchTrigger::Client => {
                    admit(fetching.limiter.count(FROM_HOST, &host).await?)
                }
            }
        };
        self.fetcher.fetch(url, largest, spared).await
    }
}

/// What a limit says of a fetch.
fn admit(wait: Option<Duration>) -> Result<(), FetchError> {
    wait.map_or(Ok(()), |retry_after| Err(FetchError::TooMany(retry_after)))
}

impl From<FetchError> for TokenError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Fault(why) => AssertionError::UnusableKeys(why).into(),
            FetchError::Transient(why) => Unavailable::unreachable(why).into(),
            FetchError::TooMany(_) => Unavailable::too_many_fetches().into(),
            FetchError::Unavailable(error) => error.into(),
        }
    }
}
