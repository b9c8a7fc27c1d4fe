//! Clients: looking them up, and letting them register (RFC 7591).

use std::{net::IpAddr, time::Duration};

use oauth::{
    client::Client,
    registration::{ClientInformation, Metadata, Refusal},
};
use store::Keep;
use thiserror::Error;

use crate::{
    Provider, keys,
    limits::{Limit, neighbourhood},
    problem::Unavailable,
    record::{self, Change},
};

/// How long a client that registered itself is kept while nobody has allowed it anything.
const UNUSED: Keep = Keep::For(Duration::from_hours(30 * 24));
const HOUR: Duration = Duration::from_hours(1);

/// Why a registration was not accepted.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The metadata is not acceptable.
    #[error("{}", .0.description())]
    Refused(Refusal),
    /// Registration is switched off.
    #[error("registration is switched off")]
    Closed,
    /// Too many from this address.
    #[error("too many registrations from this address")]
    TooMany {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Provider {
    /// Registers a client.
    pub async fn register(&self, body: &[u8], address: IpAddr) -> Result<ClientInformation, RegisterError> {
        let policy = self.settings().registration;
        if !policy.open {
            return Err(RegisterError::Closed);
        }
        let limit = Limit { name: "register", most: policy.limit_per_hour.into(), stretch: HOUR };
        if let Some(retry_after) = self.count(limit, &neighbourhood(address)).await? {
            return Err(RegisterError::TooMany { retry_after });
        }
        let metadata = Metadata::read(body).map_err(|reason| RegisterError::Refused(Refusal(reason)))?;
        let (client, information) = metadata.register(self.new_client_id(), &self.entropy().secret(), self.now());
        self.keep_client(&client, UNUSED).await?;
        Ok(information)
    }

    /// The client of this id, if there is one.
    pub(crate) async fn client(&self, id: &str) -> Result<Option<Client>, Unavailable> {
        record::read(self.store(), &keys::client(id)).await
    }

    /// An id that no URL can be confused with, in characters that need no escaping anywhere.
    pub(crate) fn new_client_id(&self) -> String {
        format!("vc_{}", self.entropy().id())
    }

    /// Lists a client and stores it: in this order, a failure between the two leaves a name without a record, which
    /// listing passes over, and never a client that no administrator can see.
    pub(crate) async fn keep_client(&self, client: &Client, keep: Keep) -> Result<(), Unavailable> {
        self.store().enlist(keys::CLIENTS, &client.id).await?;
        record::forget_lapsed(self.store(), keys::CLIENTS, &client.id, keys::client).await?;
        record::insert(self.store(), &keys::client(&client.id), client, keep).await?;
        Ok(())
    }

    /// Keeps a client for good, now that somebody allows it something. `false` when it has lapsed.
    pub(crate) async fn settle_client(&self, id: &str) -> Result<bool, Unavailable> {
        let settle =
            |client: Option<Client>| Change { answer: client.is_some(), next: client.map(|client| (client, Keep::Forever)) };
        record::change(self.store(), &keys::client(id), settle).await
    }
}
