//! Clients: found, registered, described by documents, authenticated, blocked.

pub(crate) mod authentication;
pub(crate) mod blocked;
pub(crate) mod budget;
pub(crate) mod documents;
mod epochs;
mod failures;
pub(crate) mod fetch;
pub(crate) mod fetching;
mod key_sets;
mod lists;
mod registration;
mod registry;
pub(crate) mod signatures;

pub(crate) use self::{
    authentication::ClientAuthenticator, budget::StorageBudget, documents::ClientDocuments,
    fetching::ClientFetcher, lists::ClientLists, registry::UseNote,
};
pub use self::{
    blocked::BlockedHosts, failures::FailureView, registration::RegisterError,
    registry::ClientRegistry,
};

use std::sync::Arc;

use self::{blocked::BlockedCache, fetch::Fetcher, signatures::Signatures};
use crate::{context::Context, failures::FailureLog, limits::RateLimiter, records::SweepPlaces};

/// The state of the services about clients. It survives a reload of the settings.
pub(crate) struct State {
    blocked: Arc<BlockedCache>,
    fetcher: Fetcher,
    signatures: Arc<Signatures>,
    sweep_places: Arc<SweepPlaces>,
}

impl State {
    pub(crate) fn new(context: &Context) -> Self {
        let is_loopback = context.settings().issuer.is_loopback();
        Self {
            blocked: Arc::default(),
            fetcher: Fetcher::new(context.environment().web.clone(), is_loopback),
            signatures: Arc::new(Signatures::new()),
            sweep_places: Arc::default(),
        }
    }
}

/// The services about clients.
pub(crate) struct Clients {
    pub(crate) blocked: Arc<BlockedHosts>,
    pub(crate) registry: Arc<ClientRegistry>,
    pub(crate) documents: Arc<ClientDocuments>,
    pub(crate) authenticator: Arc<ClientAuthenticator>,
}

impl Clients {
    /// Builds them, lowest first.
    pub(crate) fn compose(
        context: &Context,
        limiter: &Arc<RateLimiter>,
        failures: &Arc<FailureLog>,
        state: &State,
    ) -> Self {
        let blocked = Arc::new(BlockedHosts {
            context: context.clone(),
            cache: Arc::clone(&state.blocked),
        });
        let budget = Arc::new(StorageBudget {
            context: context.clone(),
            limiter: Arc::clone(limiter),
        });
        let registry = Arc::new(ClientRegistry {
            context: context.clone(),
            limiter: Arc::clone(limiter),
            failures: Arc::clone(failures),
            blocked: Arc::clone(&blocked),
            budget: Arc::clone(&budget),
            sweep_places: Arc::clone(&state.sweep_places),
        });
        let fetcher = Arc::new(ClientFetcher {
            limiter: Arc::clone(limiter),
            fetcher: state.fetcher.clone(),
        });
        let documents = Arc::new(ClientDocuments {
            context: context.clone(),
            registry: Arc::clone(&registry),
            blocked: Arc::clone(&blocked),
            budget: Arc::clone(&budget),
            fetcher: Arc::clone(&fetcher),
        });
        let authenticator = Arc::new(ClientAuthenticator {
            context: context.clone(),
            documents: Arc::clone(&documents),
            budget,
            fetcher,
            signatures: Arc::clone(&state.signatures),
        });
        Self {
            blocked,
            registry,
            documents,
            authenticator,
        }
    }
}
