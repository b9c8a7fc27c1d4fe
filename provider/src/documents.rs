//! Clients that describe themselves by a document at the address that is their identifier (R-C1 to
//! R-C13, draft-ietf-oauth-client-id-metadata-document-02).
//!
//! The authorization endpoint asks for the document whenever what is stored is no longer fresh.
//! What is stored then serves everything else, so that neither a person at the consent page nor a
//! client at the token endpoint depends on somebody else's web server.

use crate::step_error::LocalFault;
use oauth::error::{LocalError, TokenRequestError};
use oauth_clients::error::DocumentError;
use std::{net::IpAddr, sync::Arc, time::Duration};

use identity::RateLimit;
use oauth::{epoch::Epoch, grant::Grant};
use oauth_clients::{
    client::{Client, ClientSource},
    document::{self, DocumentUrl},
};
use thiserror::Error;
use url::Url;

use crate::{
    Provider, TokenError,
    fetch::{FetchError, Fetched},
    keys,
    problem::Unavailable,
    records::{self, Versioned},
};

/// The largest document, in bytes (draft -02 section 8.7).
const LARGEST: usize = 5 * 1024;
/// How long after it has gone stale it still serves the authorization endpoint while its host gives
/// no answer.
const GRACE: Duration = Duration::from_hours(24);
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
pub(crate) enum Cause {
    /// Somebody at this address, who has shown nothing yet.
    Browser(IpAddr),
    /// A client with a grant.
    Client,
    /// Nobody waits for it.
    Nobody,
}

/// Why there is no client for an identifier.
#[derive(Debug, Error)]
pub(crate) enum NoClient {
    /// It is unknown, kept out, or its document is at fault.
    #[error("{0}")]
    Refused(LocalFault),
    /// Its document cannot be had just now.
    #[error("the client's metadata document cannot be fetched: {0}")]
    Unreachable(&'static str),
    /// Its document is not asked for just now, since this server was made to ask for too many.
    #[error("too many documents were asked for")]
    TooMany {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Provider {
    /// The client that asks at the authorization endpoint (R-C2).
    pub(crate) async fn asking_client(
        &self,
        id: &str,
        address: IpAddr,
    ) -> Result<Client, NoClient> {
        // What is blocked by an administrator, at whichever server, counts here at once.
        let key = keys::client(id);
        let (blocked, stored) =
            tokio::join!(self.refresh_blocked(), records::read(self.store(), &key));
        blocked?;
        let stored: Option<Client> = stored?;
        if stored.as_ref().is_some_and(|client| self.blocks(client)) {
            return Err(NoClient::Refused(LocalError::ClientBlocked.into()));
        }
        if !DocumentUrl::is_meant(id) {
            let unknown = self.why_unknown(stored.as_ref());
            return stored
                .filter(|client| self.knows(client))
                .ok_or(NoClient::Refused(unknown.into()));
        }
        let stored = stored.filter(|client| self.knows(client));
        // 1. An address that the settings let in, whatever is stored of it (T-E38).
        let url = DocumentUrl::parse(id)
            .map_err(|fault| NoClient::Refused(DocumentError::from(fault).into()))?;
        if self.allowed_document(id).is_none() {
            return Err(NoClient::Refused(DocumentError::NotAllowed.into()));
        }
        // 2. What is fresh needs no asking (R-C4).
        let now = self.now();
        if let Some(client) = stored
            .as_ref()
            .filter(|client| client.is_fresh(now, Duration::ZERO))
        {
            return Ok(client.clone());
        }
        // 3. Ask; without any answer, what is stored serves a while longer.
        // Boxed: most requests fetch nothing, and would carry the room for it along.
        let renewed = match &stored {
            Some(_) => Box::pin(self.renew_document(&url, Cause::Browser(address))).await,
            None => Box::pin(self.first_document(&url, address)).await,
        };
        match (renewed, stored) {
            (Err(NoClient::Unreachable(_) | NoClient::TooMany { .. }), Some(client))
                if client.is_fresh(now, GRACE) =>
            {
                Ok(client)
            }
            (answer, _) => answer,
        }
    }

    /// A client with a document that nothing is stored of, at the token endpoint. Only whoever
    /// names a live grant of that client makes this server ask for the document; to anybody else
    /// `unknown` is said, which is as true and costs nothing.
    pub(crate) async fn absent_client(
        &self,
        id: &str,
        grant: &Result<Option<Versioned<Grant>>, Unavailable>,
        epoch: Epoch,
        unknown: TokenRequestError,
    ) -> Result<Option<Client>, TokenError> {
        let Some(url) = self.allowed_document(id) else {
            return Ok(None);
        };
        let grant = grant.as_ref().map_err(Unavailable::clone)?.as_ref();
        let terms = grant.map(|grant| &grant.record.details);
        if terms.is_none_or(|terms| *terms.client_id != *id || epoch.ends(terms.epoch)) {
            return Err(unknown.into());
        }
        self.renewed_client(&url, Cause::Client).await
    }

    /// What a document says now, of a client that proves itself by a key that the stored copy
    /// lacks. `None` when it was asked for within the last minute, when it gives no client, and for
    /// clients without a document.
    pub(crate) async fn client_anew(
        &self,
        client: &Client,
        cause: Cause,
    ) -> Result<Option<Client>, TokenError> {
        let is_described = matches!(client.source, ClientSource::Document { .. });
        match self.allowed_document(&client.id) {
            Some(url) if is_described && self.now().since(client.created_at) >= MINUTE => {
                self.renewed_client(&url, cause).await
            }
            _ => Ok(None),
        }
    }

    async fn renewed_client(
        &self,
        url: &DocumentUrl,
        cause: Cause,
    ) -> Result<Option<Client>, TokenError> {
        match self.renew_document(url, cause).await {
            Ok(client) => Ok(Some(client)),
            Err(NoClient::Refused(_)) => Ok(None),
            // Never invalid_client, on which clients throw away what they hold.
            Err(NoClient::Unreachable(why)) => Err(Unavailable::unreachable(why).into()),
            Err(NoClient::TooMany { .. }) => Err(Unavailable::too_many_fetches().into()),
            Err(NoClient::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Whether an identifier is the address of a document that may be asked for.
    pub(crate) fn allowed_document(&self, id: &str) -> Option<DocumentUrl> {
        let url = DocumentUrl::is_meant(id)
            .then(|| DocumentUrl::parse(id).ok())
            .flatten()?;
        (self.settings().client_documents.allows(&url)
            && !self.blocks_host(&url.host().to_string()))
        .then_some(url)
    }

    /// Asks for the document of a client that is in use, if it has gone stale; nobody waits for it,
    /// and a failure changes nothing (draft -02 section 5, periodic fetching).
    pub(crate) fn renew_behind(&self, client: &Client) {
        let Some(url) = self.allowed_document(&client.id) else {
            return;
        };
        if client.is_fresh(self.now(), Duration::ZERO) {
            return;
        }
        let provider = self.clone();
        tokio::spawn(async move { provider.renew_document(&url, Cause::Nobody).await.ok() });
    }

    /// Fetches a document that nothing is stored of, and counts what that takes in the store.
    async fn first_document(&self, url: &DocumentUrl, address: IpAddr) -> Result<Client, NoClient> {
        let client = self.fetch_document(url, Cause::Browser(address)).await?;
        if let Some(retry_after) = self
            .spend_on_fetched(address, records::size(&client))
            .await?
        {
            return Err(NoClient::TooMany { retry_after });
        }
        self.keep_document(url, &client).await
    }

    /// Fetches a document, reads it, and stores what it says.
    async fn renew_document(&self, url: &DocumentUrl, cause: Cause) -> Result<Client, NoClient> {
        let client = self.fetch_document(url, cause).await?;
        self.keep_document(url, &client).await
    }

    /// Errors and malformed documents end here, and are never stored.
    async fn fetch_document(&self, url: &DocumentUrl, cause: Cause) -> Result<Client, NoClient> {
        let read = async {
            let fetched = self.fetch(url.url(), LARGEST, cause).await?;
            let now = self.now();
            let schemes = &self.settings().private_schemes;
            document::accept(
                url,
                &fetched.body,
                schemes,
                now,
                now.after(fetched.fresh_for),
            )
            .map_err(|error| NoClient::Refused(error.into()))
        };
        let (client, dropped) = read.await.inspect_err(
            |error| tracing::info!(client = url.as_str(), %error, "no metadata document"),
        )?;
        for reason in &dropped {
            tracing::info!(client = url.as_str(), %reason, "a part of a metadata document is not used");
        }
        if self.blocks(&client) {
            return Err(NoClient::Refused(LocalError::ClientBlocked.into()));
        }
        Ok(client)
    }

    /// Stores what a document says.
    async fn keep_document(&self, url: &DocumentUrl, client: &Client) -> Result<Client, NoClient> {
        // What was allowed before stays allowed, whatever the document says now.
        let succeed = |earlier: Option<Client>| {
            self.client_with_ttl(client.clone().merged_with(earlier.as_ref()))
        };
        Ok(records::put(self.store(), &keys::client(url.as_str()), succeed).await?)
    }

    /// Fetches from an address that a client names, within the limits.
    pub(crate) async fn fetch(
        &self,
        url: &Url,
        largest: usize,
        cause: Cause,
    ) -> Result<Arc<Fetched>, FetchError> {
        let (provider, host) = (self.clone(), url.host_str().unwrap_or_default().to_owned());
        // 1. Everybody is counted for themselves, before they join others, who are not to suffer by
        //    their limit.
        match cause {
            Cause::Nobody => admit(self.limiter().count(BEHIND, &host).await?)?,
            Cause::Browser(address) => admit(self.limiter().count_from(CAUSED_BY, address).await?)?,
            Cause::Client => {}
        }
        // 2. The host is spared whoever asks, and counted for once.
        let spared = async move {
            match cause {
                Cause::Nobody => Ok(()),
                Cause::Browser(_) | Cause::Client => {
                    admit(provider.limiter().count(FROM_HOST, &host).await?)
                }
            }
        };
        self.0.fetcher.fetch(url, largest, spared).await
    }
}

/// What a limit says of a fetch.
fn admit(wait: Option<Duration>) -> Result<(), FetchError> {
    wait.map_or(Ok(()), |retry_after| Err(FetchError::TooMany(retry_after)))
}

impl From<FetchError> for NoClient {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Fault(why) => Self::Refused(DocumentError::NotAvailable(why).into()),
            FetchError::Transient(why) => Self::Unreachable(why),
            FetchError::TooMany(retry_after) => Self::TooMany { retry_after },
            FetchError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}
