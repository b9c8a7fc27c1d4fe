//! Ends all grants and consents of one client at once.
//!
//! The epoch has its own record, which outlives the client: grants and consents of an earlier epoch
//! are invalid, also when the client comes back under the same id. A new grant contains the epoch
//! that was read before anything of it was stored, so that a concurrent end applies to it too.

use oauth::{Timestamp, consent::ConsentContext, epoch::Epoch};
use store::Ttl;

use crate::{
    clients::ClientRegistry,
    records::{self, keys},
    unavailable::Unavailable,
};

impl ClientRegistry {
    /// The epoch of a client.
    pub(crate) async fn epoch(&self, client_id: &str) -> Result<Epoch, Unavailable> {
        let epoch: Option<Epoch> =
            records::read(self.context.store(), &keys::epoch(client_id)).await?;
        Ok(epoch.unwrap_or_default())
    }

    /// Ends everything that users have allowed a client until now.
    pub(crate) async fn begin_epoch(&self, client_id: &str) -> Result<(), Unavailable> {
        let now: Timestamp = self.context.now();
        let next = |epoch: Option<Epoch>| (epoch.unwrap_or_default().next(now), Ttl::Forever);
        records::put(self.context.store(), &keys::epoch(client_id), next)
            .await
            .map(drop)
    }

    /// What consents given to a client are judged by now.
    pub(crate) async fn consent_context(
        &self,
        client_id: &str,
    ) -> Result<ConsentContext, Unavailable> {
        Ok(self.consent_context_of(self.epoch(client_id).await?))
    }

    /// Like the above, with a known epoch.
    pub(crate) fn consent_context_of(&self, epoch: Epoch) -> ConsentContext {
        ConsentContext {
            now: self.context.now(),
            lifetime: self.context.settings().lifetimes.consent,
            epoch,
        }
    }
}
