//! Clients that describe themselves by a document at the address that is their identifier (R-C1 to
//! R-C13, draft-ietf-oauth-client-id-metadata-document-02).
//!
//! The authorization endpoint asks for the document whenever what is stored is no longer fresh.
//! What is stored then serves everything else, so that neither a person at the consent page nor a
//! client at the token endpoint depends on somebody else's web server.

use crate::clients::BlockedHosts;
use crate::clients::ClientFetcher;
use crate::clients::ClientRegistry;
use crate::clients::StorageBudget;
use crate::clients::fetching::FetchTrigger;
use crate::context::Context;
use crate::records::Change;
use crate::step_error::LocalFault;
use oauth::error::{LocalError, TokenRequestError};
use oauth_clients::error::DocumentError;
use std::{net::IpAddr, sync::Arc, time::Duration};

use oauth::{epoch::Epoch, grant::Grant};
use oauth_clients::{
    client::{Client, ClientSource},
    document::{self, DocumentUrl},
};
use thiserror::Error;

use crate::{
    clients::fetch::FetchError,
    records::{self, Versioned, keys},
    step_error::TokenError,
    unavailable::Unavailable,
};

/// The largest document, in bytes (draft -02 section 8.7).
const LARGEST: usize = 5 * 1024;
/// How long after it has gone stale it still serves the authorization endpoint while its host gives
/// no answer.
const GRACE: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

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
    /// The client that asks at the authorization endpoint (R-C2).
    pub(crate) async fn resolve_client(
        &self,
        id: &str,
        address: IpAddr,
    ) -> Result<Client, NoClient> {
        // What is blocked by an administrator, at whichever server, counts here at once.
        let key = keys::client(id);
        let (blocked, stored) = tokio::join!(
            self.blocked.refresh_blocked(),
            records::read(self.context.store(), &key)
        );
        blocked?;
        let stored: Option<Client> = stored?;
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
        // 1. An address that the settings let in, whatever is stored of it (T-E38).
        let url = DocumentUrl::parse(id)
            .map_err(|fault| NoClient::Refused(DocumentError::from(fault).into()))?;
        if self.registry.allowed_document(id).is_none() {
            return Err(NoClient::Refused(DocumentError::NotAllowed.into()));
        }
        // 2. What is fresh needs no asking (R-C4).
        let now = self.context.now();
        if let Some(client) = stored
            .as_ref()
            .filter(|client| client.is_fresh(now, Duration::ZERO))
        {
            return Ok(client.clone());
        }
        // 3. Ask; without any answer, what is stored serves a while longer.
        // Boxed: most requests fetch nothing, and would carry the room for it along.
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
        let Some(url) = self.registry.allowed_document(id) else {
            return Ok(None);
        };
        let grant = grant.as_ref().map_err(Unavailable::clone)?.as_ref();
        let terms = grant.map(|grant| &grant.record.details);
        if terms.is_none_or(|terms| *terms.client_id != *id || epoch.ends(terms.epoch)) {
            return Err(unknown.into());
        }
        self.renewed_client(&url, FetchTrigger::Client).await
    }

    /// What a document says now, of a client that proves itself by a key that the stored copy
    /// lacks. `None` when it was asked for within the last minute, when it gives no client, and for
    /// clients without a document.
    pub(crate) async fn client_anew(
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
            // Never invalid_client, on which clients throw away what they hold.
            Err(NoClient::Unreachable(why)) => Err(Unavailable::unreachable(why).into()),
            Err(NoClient::TooMany { .. }) => Err(Unavailable::too_many_fetches().into()),
            Err(NoClient::Unavailable(error)) => Err(error.into()),
        }
    }

    /// Asks for the document of a client that is in use, if it has gone stale; nobody waits for it,
    /// and a failure changes nothing (draft -02 section 5, periodic fetching).
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
                .renew_document(&url, FetchTrigger::Nobody)
                .await
                .ok()
        });
    }

    /// Fetches a document that nothing is stored of, and counts what that takes in the store.
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

    /// Fetches a document, reads it, and stores what it says.
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
            |error| tracing::info!(client = url.as_str(), %error, "no metadata document"),
        )?;
        for reason in &dropped {
            tracing::info!(client = url.as_str(), %reason, "a part of a metadata document is not used");
        }
        if self.blocked.blocks(&client) {
            return Err(NoClient::Refused(LocalError::ClientBlocked.into()));
        }
        Ok(client)
    }

    /// Stores what a document says.
    async fn keep_document(&self, url: &DocumentUrl, client: &Client) -> Result<Client, NoClient> {
        // What was allowed before stays allowed, whatever the document says now.
        let succeed = |earlier: Option<Client>| {
            self.registry
                .client_with_ttl(client.clone().merged_with(earlier.as_ref()))
        };
        Ok(records::put(self.context.store(), &keys::client(url.as_str()), succeed).await?)
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
        let noted = records::change_from(self.context.plain_store(), &key, supposed, note);
        if let Err(error) = noted.await {
            tracing::warn!(client = %client.id, %error, "the use of a client was not noted");
        }
    }
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
