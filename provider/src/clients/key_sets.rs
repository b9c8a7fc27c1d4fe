//! The public keys of clients that have them at an address of their own (`jwks_uri`, RFC 7591
//! section 2, R-K15): fetched behind the same guard as metadata documents (T-E37), and stored.

use std::time::Duration;

use jose::Jwks;
use oauth::Timestamp;
use oauth_clients::{
    assertion::{ValidatedAssertion, VerifiedAssertion},
    error::AssertionError,
};
use primitives::web_address::web_url;
use store::Ttl;

use crate::{
    clients::{
        ClientAuthenticator,
        fetch::{FetchError, Fetched},
        fetching::FetchTrigger,
    },
    fetch_fault::FetchFault,
    records::{self, Change, keys},
    state::KeySet,
    step_error::TokenError,
    unavailable::Unavailable,
};

/// The largest key set, in bytes: twenty keys with their certificates.
const LARGEST: usize = 64 * 1024;
/// How long a stale key set is used while its host does not answer. It is limited, so that
/// withdrawn keys expire even if an attacker blocks the host.
const GRACE: Duration = Duration::from_hours(24);
/// The interval of fetches for missing keys, and after a failure.
const AGAIN: Duration = Duration::from_mins(1);

impl ClientAuthenticator {
    /// Verifies an assertion by the keys at a URL. While it does not answer, the stored keys are
    /// used, and a missing key is a temporary error: never `invalid_client`, on which clients
    /// discard their credentials.
    pub(crate) async fn verify_by_key_set(
        &self,
        address: &str,
        trigger: FetchTrigger,
        checked: &ValidatedAssertion,
    ) -> Result<VerifiedAssertion, TokenError> {
        let verify = async |keys: &Jwks| self.signatures.verify(checked, keys).await;
        // 1. A fresh key set is used, unless it lacks the key.
        let stored = self.stored_key_set(address).await?;
        if let Some(set) = stored
            .as_ref()
            .filter(|set| !set.fresh_until.has_passed(self.context.now()))
        {
            let answer = verify(&set.keys).await?;
            if answer != Err(AssertionError::UnknownKey) {
                return Ok(answer?);
            }
        }
        // 2. Fetch, within the limit.
        let newest = match stored
            .as_ref()
            .and_then(|set| set.of_late(self.context.now()))
        {
            Some(late) => late,
            None => {
                self.renew_key_set(address, trigger, stored.is_none())
                    .await?
            }
        };
        // 3. Without an answer, use the stored key set for some time.
        match (newest, stored) {
            (Ok(keys), _) => Ok(verify(&keys).await??),
            (Err(error), None) => Err(error.into()),
            (Err(error), Some(set)) => match verify(&set.keys).await? {
                Err(AssertionError::UnknownKey) => Err(error.into()),
                answer => Ok(answer?),
            },
        }
    }

    async fn stored_key_set(&self, address: &str) -> Result<Option<KeySet>, Unavailable> {
        let set: Option<KeySet> =
            records::read(self.context.store(), &keys::key_set(address)).await?;
        Ok(set.filter(|set| !set.fresh_until.after(GRACE).has_passed(self.context.now())))
    }

    /// Fetches and stores a set. Of a failure, only its time is noted, and only beside a set that
    /// has served.
    async fn renew_key_set(
        &self,
        address: &str,
        trigger: FetchTrigger,
        is_first: bool,
    ) -> Result<Result<Jwks, FetchError>, Unavailable> {
        let key = keys::key_set(address);
        let now = self.context.now();
        match self.fetch_key_set(address, trigger).await {
            Ok((keys, fresh_for)) => {
                let set = KeySet {
                    keys,
                    fetched_at: now,
                    fresh_until: now.after(fresh_for),
                    asked_at: now,
                };
                if let (true, FetchTrigger::Browser(browser)) = (is_first, trigger)
                    && let Some(retry_after) = self
                        .budget
                        .spend_on_fetched(browser, records::encode(&set).len())
                        .await?
                {
                    return Ok(Err(FetchError::TooMany(retry_after)));
                }
                records::put(self.context.store(), &key, |_| with_ttl(set.clone(), now))
                    .await
                    .map(|set| Ok(set.keys))
            }
            // Nothing was fetched: the next requester may fetch, to whom this limit may not apply.
            Err(error @ (FetchError::TooMany(_) | FetchError::Unavailable(_))) => Ok(Err(error)),
            Err(error) => {
                tracing::info!(address, %error, "key set of a client not available");
                let note = |set: Option<KeySet>| Change {
                    next: set.map(|set| {
                        with_ttl(
                            KeySet {
                                asked_at: set.asked_at.max(now),
                                ..set
                            },
                            now,
                        )
                    }),
                    answer: Err(error.clone()),
                };
                records::change(self.context.store(), &key, note).await
            }
        }
    }

    async fn fetch_key_set(
        &self,
        address: &str,
        trigger: FetchTrigger,
    ) -> Result<(Jwks, Duration), FetchError> {
        let url = web_url(address).ok_or(FetchError::Fault(FetchFault::NotAUrl))?;
        let fetched = self.fetcher.fetch(&url, LARGEST, trigger).await?;
        Ok((read(&fetched)?, fetched.fresh_for))
    }
}

impl KeySet {
    /// The response of the last minute, if any.
    fn of_late(&self, now: Timestamp) -> Option<Result<Jwks, FetchError>> {
        if self.asked_at.after(AGAIN).has_passed(now) {
            None
        } else if self.asked_at > self.fetched_at {
            Some(Err(FetchError::Transient(FetchFault::RecentlyFailed)))
        } else {
            Some(Ok(self.keys.clone()))
        }
    }
}

/// A set, and how long its record is of use.
fn with_ttl(set: KeySet, now: Timestamp) -> (KeySet, Ttl) {
    let ttl = records::ttl(now.until(set.fresh_until.after(GRACE)));
    (set, ttl)
}

fn read(fetched: &Fetched) -> Result<Jwks, FetchError> {
    let value = serde_json::from_slice(oauth_clients::without_mark(&fetched.body))
        .map_err(|_| FetchError::Fault(FetchFault::NotJson))?;
    Jwks::parse(&value).map_err(|fault| FetchError::Fault(FetchFault::KeySet(fault)))
}
