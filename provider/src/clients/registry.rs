//! Clients: looking them up, letting them register (RFC 7591) and manage their registration (RFC
//! 7592), and forgetting them.

use std::sync::Arc;

use oauth::{
    client::ClientId,
    error::{LocalError, RedirectUriError},
};
use oauth_clients::{
    client::{CLIENT_PREFIX, Client, ClientSource},
    document::DocumentUrl,
};
use store::Ttl;

use crate::{
    clients::{BlockedHosts, ClientLists, StorageBudget, lists::list_client},
    context::Context,
    failures::FailureLog,
    limits::RateLimiter,
    records::{
        self, Batch, BatchResults, Change, Collection, Members, SwapTicket, Swapped, SweepPlaces,
        Versioned, keys,
    },
    unavailable::Unavailable,
};

/// The use of a client, as a batch notes it.
pub(crate) struct UseNote(Option<SwapTicket<Client>>);

/// The clients of the store.
#[derive(Clone)]
pub struct ClientRegistry {
    pub(super) context: Context,
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) failures: Arc<FailureLog>,
    pub(super) blocked: Arc<BlockedHosts>,
    pub(super) budget: Arc<StorageBudget>,
    pub(super) sweep_places: Arc<SweepPlaces>,
}

impl ClientRegistry {
    /// The list of clients.
    pub(crate) fn all_clients(&self) -> Collection<'_, Client> {
        Collection::new(self.context.store(), keys::clients())
    }

    /// The client of this id, if it is valid.
    pub(crate) async fn client(&self, id: &str) -> Result<Option<Client>, Unavailable> {
        let client: Option<Client> = records::read(self.context.store(), &keys::client(id)).await?;
        Ok(client.filter(|client| self.is_registered(client)))
    }

    /// Whether a stored client is valid: it has not expired, and the settings still allow it
    /// (T-E38).
    pub(crate) fn is_registered(&self, client: &Client) -> bool {
        let settings = self.context.settings();
        if self.blocked.blocks(client) {
            return false;
        }
        if matches!(client.source, ClientSource::Document { .. })
            && self.allowed_document(&client.id).is_none()
        {
            return false;
        }
        client.is_valid(
            self.context.now(),
            &settings.private_schemes,
            settings.lifetimes.refresh_token,
        )
    }

    /// Why a stored client is not valid, for administrators.
    pub(crate) fn why_unknown(&self, stored: Option<&Client>) -> LocalError {
        let scheme = stored
            .and_then(|client| client.disallowed_scheme(&self.context.settings().private_schemes));
        scheme.map_or(LocalError::UnknownClient, |scheme| {
            RedirectUriError::SchemeNotAllowed(scheme.to_owned()).into()
        })
    }

    /// An id that no URL can be confused with, in characters that need no escaping anywhere.
    pub(crate) fn new_client_id(&self) -> ClientId {
        ClientId::of(format!("{CLIENT_PREFIX}{}", self.context.entropy().id()))
    }

    /// Stores a client, then lists it, since names without a record are dropped. A failure in
    /// between leaves a client whose id was never sent. `false` when there is a client of this id,
    /// which is not changed.
    pub(crate) async fn keep_client(&self, client: Client) -> Result<bool, Unavailable> {
        let (client, ttl) = self.client_with_ttl(client);
        let mut batch = Batch::default();
        let added = batch.insert(&keys::client(&client.id), &client, ttl);
        list_client(&mut batch, &client);
        let added = batch.run(self.context.store()).await?.changed(&added)?;
        self.sweep_clients(&client).await;
        Ok(added)
    }

    /// Lists a client that is stored already.
    pub(crate) async fn list_again(&self, client: &Client) -> Result<(), Unavailable> {
        let mut batch = Batch::default();
        list_client(&mut batch, client);
        batch.run(self.context.store()).await.map(drop)
    }

    /// Changes the record of a client, and its places in the lists.
    pub(crate) async fn change_client<A>(
        &self,
        id: &str,
        decide: impl FnMut(Option<Client>) -> Change<Client, A>,
    ) -> Result<A, Unavailable> {
        let key = keys::client(id);
        records::change_sorted::<ClientLists, A>(self.context.store(), &key, decide).await
    }

    /// Removes a client. `false` when there was none. Its members of the sorted lists stay, until
    /// they are read or swept.
    pub(crate) async fn forget_client(&self, id: &str) -> Result<bool, Unavailable> {
        let removed = records::remove(self.context.store(), &keys::client(id)).await?;
        match self.all_clients().unlist_name(id).await {
            // The operation is done: a name without a record is skipped.
            Err(_) if removed => Ok(true),
            listed => Ok(listed? || removed),
        }
    }

    /// Records in a batch that a user allows a valid client something: the record, once a day, and
    /// then the list, in which a document may be missing. If another writer was faster, the batch
    /// ends there, and nothing is allowed yet.
    pub(crate) fn note_use(&self, batch: &mut Batch, client: Versioned<Client>) -> UseNote {
        let (client, stored) = client.apart();
        let next = client
            .touched(self.context.now())
            .map(|next| self.client_with_ttl(next));
        let swap = next.map(|(next, ttl)| {
            let places = [&client, &next].map(Members::<ClientLists>::of);
            let swap = batch.swap(&keys::client(&client.id), stored, next, ttl);
            batch.if_changed();
            let [before, after] = places;
            before.replace_by(after, batch);
            swap
        });
        if DocumentUrl::is_meant(&client.id) {
            list_client(batch, &client);
        }
        UseNote(swap)
    }

    /// Whether the use of a client is noted. Otherwise another writer was faster, and its batch has
    /// ended there.
    pub(crate) fn is_noted(note: UseNote, results: &mut BatchResults) -> Result<bool, Unavailable> {
        let swapped = note.0.map(|swap| results.swapped(swap)).transpose()?;
        Ok(!matches!(swapped, Some(Swapped::Changed(_))))
    }

    /// Records that a user allows a client something. `false` when it is no longer valid.
    pub(crate) async fn mark_used(&self, id: &str) -> Result<bool, Unavailable> {
        let settle = |client: Option<Client>| {
            let valid = client.filter(|client| self.is_registered(client));
            let touched = valid
                .as_ref()
                .and_then(|client| client.touched(self.context.now()));
            Change {
                next: touched.map(|client| self.client_with_ttl(client)),
                answer: valid,
            }
        };
        let settled = self.change_client(id, settle).await?;
        if let Some(client) = &settled
            && DocumentUrl::is_meant(id)
        {
            // One that registered itself, or was added, is listed already.
            self.list_again(client).await?;
        }
        Ok(settled.is_some())
    }

    /// A client, and how long its record is of use.
    pub(crate) fn client_with_ttl(&self, client: Client) -> (Client, Ttl) {
        let end = client.expires_at(self.context.settings().lifetimes.refresh_token);
        let ttl = end.map_or(Ttl::Forever, |end| {
            records::ttl(self.context.now().until(end))
        });
        (client, ttl)
    }

    /// Whether an identifier is a document URL that may be fetched.
    pub(crate) fn allowed_document(&self, id: &str) -> Option<DocumentUrl> {
        let url = DocumentUrl::is_meant(id)
            .then(|| DocumentUrl::parse(id).ok())
            .flatten()?;
        (self.context.settings().client_documents.allows(&url)
            && !self.blocked.blocks_host(&url.host().to_string()))
        .then_some(url)
    }
}
