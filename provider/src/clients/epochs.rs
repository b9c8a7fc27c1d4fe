//! Ends all grants and consents of one client at once.
//!
//! The epoch has its own record, which outlives the client: grants and consents of an earlier epoch
//! are invalid, also when the client comes back under the same id. A new grant contains the epoch
//! that was read before anything of it was stored, so that a concurrent end applies to it too.

use std::collections::{BTreeMap, BTreeSet};

use oauth::{Timestamp, client::ClientId, consent::ConsentContext, epoch::Epoch};
use oauth_clients::client::Client;
use store::Ttl;

use crate::{
    clients::ClientRegistry,
    records::{self, Batch, keys},
    unavailable::Unavailable,
};

impl ClientRegistry {
    /// Clients and their epochs, read at once. A client that cannot be read, or is no longer valid,
    /// has its epoch only.
    pub(crate) async fn clients_with_epochs(
        &self,
        ids: BTreeSet<ClientId>,
    ) -> Result<BTreeMap<ClientId, (Option<Client>, Epoch)>, Unavailable> {
        let mut batch = Batch::default();
        let read = |id: ClientId| {
            let client = batch.read(keys::client(&id));
            let epoch = batch.read(keys::epoch(&id));
            (id, client, epoch)
        };
        let tickets: Vec<_> = ids.into_iter().map(read).collect();
        let mut results = batch.run(self.context.store()).await?;
        let mut all = BTreeMap::new();
        for (id, client, epoch) in tickets {
            let client = results.found(&client)?.record();
            let client = client.filter(|client| self.is_registered(client));
            let epoch = results.record(&epoch)?.unwrap_or_default();
            all.insert(id, (client, epoch));
        }
        Ok(all)
    }

    /// Ends everything that users have allowed a client until now.
    pub(crate) async fn begin_epoch(&self, client_id: &str) -> Result<(), Unavailable> {
        let now: Timestamp = self.context.now();
        let next = |epoch: Option<Epoch>| (epoch.unwrap_or_default().next(now), Ttl::Forever);
        records::put(self.context.store(), &keys::epoch(client_id), next)
            .await
            .map(drop)
    }

    /// What consents given to a client are judged by now, in its epoch.
    pub(crate) fn consent_context_of(&self, epoch: Epoch) -> ConsentContext {
        ConsentContext {
            now: self.context.now(),
            lifetime: self.context.settings().lifetimes.consent,
            epoch,
        }
    }
}
