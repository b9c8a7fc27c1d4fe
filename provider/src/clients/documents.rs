//! Clients that describe themselves by a document at the address that is their identifier (R-C1 to
//! R-C13, draft-ietf-oauth-client-id-metadata-document-02).
//!
//! The authorization endpoint fetches the document when the stored one is no longer fresh. All
//! other endpoints use the stored one, so that neither the consent page nor the token endpoint
//! depends on a third party's web server.

use std::{net::IpAddr, sync::Arc, time::Duration};

use oauth::{
    error::{LocalError, TokenRequestError},
    grant::Grant,
};
use oauth_clients::{
    client::{Client, ClientSource},
    document::{self, DocumentUrl},
    error::DocumentError,
};
use thiserror::Error;

use crate::{
    clients::{
        BlockedHosts, ClientFetcher, ClientLists, ClientRegistry, StorageBudget,
        blocked::BlockedRead, fetch::FetchError, fetching::FetchTrigger,
    },
    context::Context,
    fetch_fault::FetchFault,
    records::{self, Batch, BatchResults, Change, ReadTicket, Versioned, keys},
    state::GrantEpochs,
    step_error::{LocalFault, TokenError},
    unavailable::Unavailable,
};

/// The largest document, in bytes (draft -02 section 8.7).
const LARGEST: usize = 5 * 1024;
/// How long the authorization endpoint uses a stale document while its host does not answer.
const GRACE: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// Why there is no client for an identifier.
#[derive(Debug, Error)]
pub(crate) enum NoClient {
    /// It is unknown, blocked, or its document is invalid.
    #[error("{0}")]
    Refused(LocalFault),
    /// Its document cannot be fetched now.
    #[error("the client metadata document could not be fetched: {0}")]
    Unreachable(FetchFault),
    /// Its document is not fetched now, since the limit of fetches is reached.
    #[error("too many requests for client metadata documents")]
    TooMany {
        /// For `Retry-After`.
        retry_after: Duration,
    },
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The stored client of an authorization request, and the blocked hosts.
pub(crate) struct ClientRead {
    blocked: BlockedRead,
    client: ReadTicket<Client>,
}

/// Clients that describe themselves by a metadata document.
#[derive(Clone)]
pub(crate) struct ClientDocuments {
    pub(super) context: Context,
    pub(super) registry: Arc<ClientRegistry>,
    pub(super) blocked: Arc<BlockedHosts>,
    pub(super) budget: Arc<StorageBudget>,
    pub(super) fetcher: Arc<ClientFetcher>,
}

impl ClientDocuments {
    /// Reads the stored client of an authorization request in a batch. The blocked hosts are read
    /// too: blocks of all servers apply here at once.
    pub(crate) fn read_client(&self, batch: &mut Batch, id: &str) -> ClientRead {
        ClientRead {
            blocked: self.blocked.read(batch),
            client: batch.read(keys::client(id)),
        }
    }

    /// The client of an authorization request (R-C2), from what was read.
    pub(crate) async fn resolve_client(
        &self,
        id: &str,
        address: IpAddr,
        read: &ClientRead,
        results: &mut BatchResults,
    ) -> Result<Client, NoClient> {
        self.blocked.refresh(&read.blocked, results)?;
        let stored: Option<Client> = results.record(&read.client)?;
        if stored
            .as_ref()
            .is_some_and(|client| self.blocked.blocks(client))
        {
            return Err(NoClient::Refused(LocalError::ClientBlocked.into()));
        }
        if !DocumentUrl::is_meant(id) {
            let unknown = self.registry.why_unknown(stored.as_ref());
            return stored
                .filter(|client| self.registry.is_registered(client))
                .ok_or(NoClient::Refused(unknown.into()));
        }
        let stored = stored.filter(|client| self.registry.is_registered(client));
        // 1. A URL that the settings allow, also if a document is stored (T-E38).
        let url = DocumentUrl::parse(id)
            .map_err(|fault| NoClient::Refused(DocumentError::from(fault).into()))?;
        if self.registry.allowed_document(id).is_none() {
            return Err(NoClient::Refused(DocumentError::NotAllowed.into()));
        }
        // 2. A fresh document needs no fetch (R-C4).
        let now = self.context.now();
        if let Some(client) = stored
            .as_ref()
            .filter(|client| client.is_fresh(now, Duration::ZERO))
        {
            return Ok(client.clone());
        }
        // 3. Fetch; without an answer, use the stored one for some time. Boxed: most requests fetch
        //    nothing, and would need the space for it.
        let renewed = match &stored {
            Some(_) => Box::pin(self.renew_document(&url, FetchTrigger::Browser(address))).await,
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

    /// A document client without a stored document, at the token endpoint. The document is fetched
    /// only for a request that names a valid grant of the client; otherwise the error is `unknown`.
    pub(crate) async fn absent_client(
        &self,
        id: &str,
        grant: &Result<Option<Versioned<Grant>>, Unavailable>,
        epochs: &GrantEpochs,
        unknown: TokenRequestError,
    ) -> Result<Option<Client>, TokenError> {
        let Some(url) = self.registry.allowed_document(id) else {
            return Ok(None);
        };
        let grant = grant.as_ref().map_err(Unavailable::clone)?.as_ref();
        let details = grant.map(|grant| &grant.record.details);
        if details.is_none_or(|details| *details.client_id != *id || epochs.end(details)) {
            return Err(unknown.into());
        }
        self.renewed_client(&url, FetchTrigger::Client).await
    }

    /// The current document of a client whose assertion needs a key that the stored one lacks.
    /// `None` when it was fetched within the last minute, when it is invalid, and for clients
    /// without a document.
    pub(crate) async fn updated_client(
        &self,
        client: &Client,
        trigger: FetchTrigger,
    ) -> Result<Option<Client>, TokenError> {
        let is_described = matches!(client.source, ClientSource::Document { .. });
        match self.registry.allowed_document(&client.id) {
            Some(url) if is_described && self.context.now().since(client.created_at) >= MINUTE => {
                self.renewed_client(&url, trigger).await
            }
            _ => Ok(None),
        }
    }

    async fn renewed_client(
        &self,
        url: &DocumentUrl,
        trigger: FetchTrigger,
    ) -> Result<Option<Client>, TokenError> {
        match self.renew_document(url, trigger).await {
            Ok(client) => Ok(Some(client)),
            Err(NoClient::Refused(_)) => Ok(None),
            // Never invalid_client, on which clients discard their credentials.
            Err(NoClient::Unreachable(fault)) => Err(Unavailable::unreachable(fault).into()),
            Err(NoClient::TooMany { .. }) => Err(Unavailable::too_many_fetches().into()),
            Err(NoClient::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Fetches a stale document of a used client in the background; a failure changes nothing
    /// (draft -02 section 5, periodic fetching).
    pub(crate) fn revalidate_in_background(&self, client: &Client) {
        let Some(url) = self.registry.allowed_document(&client.id) else {
            return;
        };
        if client.is_fresh(self.context.now(), Duration::ZERO) {
            return;
        }
        let provider = self.clone();
        tokio::spawn(async move {
            provider
                .renew_document(&url, FetchTrigger::Background)
                .await
                .ok()
        });
    }

    /// Fetches a new document, and counts its stored bytes.
    async fn first_document(&self, url: &DocumentUrl, address: IpAddr) -> Result<Client, NoClient> {
        let client = self
            .fetch_document(url, FetchTrigger::Browser(address))
            .await?;
        if let Some(retry_after) = self
            .budget
            .spend_on_fetched(address, records::size(&client))
            .await?
        {
            return Err(NoClient::TooMany { retry_after });
        }
        self.keep_document(url, &client).await
    }

    /// Fetches, validates and stores a document.
    async fn renew_document(
        &self,
        url: &DocumentUrl,
        trigger: FetchTrigger,
    ) -> Result<Client, NoClient> {
        let client = self.fetch_document(url, trigger).await?;
        self.keep_document(url, &client).await
    }

    /// Errors and malformed documents end here, and are never stored.
    async fn fetch_document(
        &self,
        url: &DocumentUrl,
        trigger: FetchTrigger,
    ) -> Result<Client, NoClient> {
        let read = async {
            let fetched = self.fetcher.fetch(url.url(), LARGEST, trigger).await?;
            let now = self.context.now();
            let schemes = &self.context.settings().private_schemes;
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
            |error| tracing::info!(client = url.as_str(), %error, "client metadata document not available"),
        )?;
        for reason in &dropped {
            tracing::info!(client = url.as_str(), %reason, "a part of a client metadata document is ignored");
        }
        if self.blocked.blocks(&client) {
            return Err(NoClient::Refused(LocalError::ClientBlocked.into()));
        }
        Ok(client)
    }

    /// Stores a document.
    async fn keep_document(&self, url: &DocumentUrl, client: &Client) -> Result<Client, NoClient> {
        // Earlier consents are kept.
        let succeed = |earlier: Option<Client>| {
            self.registry
                .client_with_ttl(client.clone().merged_with(earlier.as_ref()))
        };
        let key = keys::client(url.as_str());
        Ok(records::put_sorted::<ClientLists>(self.context.store(), &key, succeed).await?)
    }

    /// Notes that a client got a token: once a day, so that it costs the other requests nothing. A
    /// failure costs this request nothing either, for the next one tries again.
    pub(crate) async fn note_client_use(&self, client: &Client) {
        self.revalidate_in_background(client);
        if client.touched(self.context.now()).is_none() {
            return;
        }
        let note = |client: Option<Client>| {
            let used = client.and_then(|client| client.touched(self.context.now()));
            Change {
                next: used.map(|client| self.registry.client_with_ttl(client)),
                answer: (),
            }
        };
        let key = keys::client(&client.id);
        let supposed = Some(Versioned::supposed(client.clone()));
        let store = self.context.plain_store();
        let noted = records::change_sorted_from::<ClientLists, ()>(store, &key, supposed, note);
        if let Err(error) = noted.await {
            tracing::warn!(client = %client.id, %error, "the last use of a client could not be recorded");
        }
    }
}

impl From<FetchError> for NoClient {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Fault(fault) => {
                Self::Refused(DocumentError::NotAvailable(fault.words()).into())
            }
            FetchError::Transient(fault) => Self::Unreachable(fault),
            FetchError::TooMany(retry_after) => Self::TooMany { retry_after },
            FetchError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}
