//! Fetching from URLs of clients, with limits for the host and for the requester.

use std::{net::IpAddr, sync::Arc, time::Duration};

use identity::RateLimit;
use oauth_clients::error::AssertionError;
use url::Url;

use super::fetch::{FetchError, Fetched, Fetcher};
use crate::{limits::RateLimiter, step_error::TokenError, unavailable::Unavailable};

const MINUTE: Duration = Duration::from_mins(1);
/// Fetches from one host, so that this server cannot be used to flood it, in particular with
/// errors, which are not cached.
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
/// Background fetches from one host. Counted separately, so that they do not reduce the limit of
/// users.
const BEHIND: RateLimit = RateLimit {
    name: "fetch-behind",
    max: 6,
    window: MINUTE,
};

/// Who caused a fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FetchTrigger {
    /// An unauthenticated client at this address.
    Browser(IpAddr),
    /// A client with a grant.
    Client,
    /// In the background.
    Background,
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
        let fetching = self.clone();
        let host = url.host_str().unwrap_or_default().to_owned();
        // 1. Each requester is counted separately, before it joins others, which must not be
        //    affected by its limit.
        match trigger {
            FetchTrigger::Background => admit(self.limiter.count(BEHIND, &host).await?)?,
            FetchTrigger::Browser(address) => {
                admit(self.limiter.count_from(CAUSED_BY, address).await?)?;
            }
            FetchTrigger::Client => {}
        }
        // 2. The host is counted once, for all requesters.
        let spared = async move {
            match trigger {
                FetchTrigger::Background => Ok(()),
                FetchTrigger::Browser(_) | FetchTrigger::Client => {
                    admit(fetching.limiter.count(FROM_HOST, &host).await?)
                }
            }
        };
        self.fetcher.fetch(url, largest, spared).await
    }
}

/// The error of a reached limit.
fn admit(wait: Option<Duration>) -> Result<(), FetchError> {
    wait.map_or(Ok(()), |retry_after| Err(FetchError::TooMany(retry_after)))
}

impl From<FetchError> for TokenError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Fault(fault) => AssertionError::UnusableKeys(fault.words()).into(),
            FetchError::Transient(fault) => Unavailable::unreachable(fault).into(),
            FetchError::TooMany(_) => Unavailable::too_many_fetches().into(),
            FetchError::Unavailable(error) => error.into(),
        }
    }
}
