//! The token, revocation and introspection endpoints.

mod assertion;
mod exchange;
mod failure;
mod inspection;
mod presented;
mod replay;
mod signing;

pub use assertion::Vouched;

use std::sync::Arc;

use crate::{
    accounts::Directory,
    clients::{BlockedHosts, ClientAuthenticator, ClientDocuments, ClientRegistry},
    context::Context,
    failures::FailureLog,
    grants::GrantStore,
    key_ring::SigningKeys,
};

/// The token, revocation and introspection endpoints.
pub struct TokenEndpoint {
    pub(crate) context: Context,
    pub(crate) failures: Arc<FailureLog>,
    pub(crate) blocked: Arc<BlockedHosts>,
    pub(crate) registry: Arc<ClientRegistry>,
    pub(crate) documents: Arc<ClientDocuments>,
    pub(crate) authenticator: Arc<ClientAuthenticator>,
    pub(crate) grants: Arc<GrantStore>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) signing_keys: Arc<SigningKeys>,
}
