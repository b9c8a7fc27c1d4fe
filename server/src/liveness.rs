//! Whether a token's grant is still valid, for the protected resources that live beside the
//! authorization server.

use std::{fmt, sync::Arc};

use access_token::{Claims, Liveness, LivenessUnknown, Renewal, SourceError};
use async_trait::async_trait;
use provider::Provider;

struct Grants(Provider);

/// What the provider knows of grants, accounts and clients, read from the store each time.
pub(crate) fn liveness(provider: Provider) -> Arc<dyn Liveness> {
    Arc::new(Grants(provider))
}

#[async_trait]
impl Liveness for Grants {
    async fn is_live(&self, claims: &Claims) -> Result<bool, LivenessUnknown> {
        self.0
            .token_endpoint()
            .grant_is_live(claims)
            .await
            .map_err(|error| LivenessUnknown(error.to_string()))
    }
}

struct Ring(Provider);

/// Reads the signing keys again, for a token whose key another server has made.
pub(crate) fn renewal(provider: Provider) -> Arc<dyn Renewal> {
    Arc::new(Ring(provider))
}

#[async_trait]
impl Renewal for Ring {
    async fn renew(&self) -> Result<(), SourceError> {
        self.0
            .signing_keys()
            .renew_keys()
            .await
            .map_err(|error| SourceError(error.to_string()))
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ring")
    }
}
