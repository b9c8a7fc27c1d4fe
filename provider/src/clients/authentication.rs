//! Client authentication: by credentials, and by assertions, each of which is used once (RFC 7521
//! section 4.2, RFC 7523 section 3).

use std::{net::IpAddr, sync::Arc};

use oauth::{endpoint, grant::Grant};
use oauth_clients::{
    assertion::{Assertion, ValidatedAssertion, VerifiedAssertion},
    authentication::{CredentialCheck, Credentials},
    client::{Authentication, Client, KeySource},
    error::{AssertionError, AssertionFault},
};
use store::Ttl;

use crate::{
    clients::{
        ClientDocuments, ClientFetcher, StorageBudget, fetching::FetchTrigger,
        signatures::Signatures,
    },
    context::Context,
    records::{self, Versioned, keys},
    state::UsedAssertion,
    step_error::TokenError,
    unavailable::Unavailable,
};

/// Who wants to be taken for a client, and by what right they may trigger a fetch of its keys.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) address: IpAddr,
    /// The stored grant that the request names.
    pub(crate) grant: &'a Result<Option<Versioned<Grant>>, Unavailable>,
}

impl Asking<'_> {
    /// Every client may register itself and send an invalid assertion. Only a request that names
    /// a grant of the client counts as the client, since a user has allowed it something (T-E37).
    fn trigger(&self, client_id: &str) -> Result<FetchTrigger, Unavailable> {
        let grant = self.grant.as_ref().map_err(Unavailable::clone)?;
        let is_its_own = grant
            .as_ref()
            .is_some_and(|grant| *grant.record.details.client_id == *client_id);
        Ok(if is_its_own {
            FetchTrigger::Client
        } else {
            FetchTrigger::Browser(self.address)
        })
    }
}

/// Authenticates clients.
pub(crate) struct ClientAuthenticator {
    pub(super) context: Context,
    pub(super) documents: Arc<ClientDocuments>,
    pub(super) budget: Arc<StorageBudget>,
    pub(super) fetcher: Arc<ClientFetcher>,
    pub(super) signatures: Arc<Signatures>,
}

impl ClientAuthenticator {
    /// Authenticates a client by its credentials. `client` is `None` when it is unknown.
    ///
    /// This uses up the assertion, also if the request fails later: it is the last check before
    /// anything changes.
    pub(crate) async fn authenticate(
        &self,
        credentials: &Credentials,
        client: Option<&Client>,
        asking: Asking<'_>,
    ) -> Result<(), TokenError> {
        let (CredentialCheck::Assertion(assertion, keys), Some(client)) =
            (credentials.check(client)?, client)
        else {
            return Ok(());
        };
        let verified = self
            .verify_assertion(assertion, client, keys, asking)
            .await?;
        if self.spend(&credentials.client_id, &verified).await? {
            Ok(())
        } else {
            Err(AssertionError::Unacceptable(AssertionFault::UsedBefore).into())
        }
    }

    /// Keys are the last question, since they may have to be fetched, and a signature costs time to
    /// verify.
    async fn verify_assertion(
        &self,
        assertion: &Assertion,
        client: &Client,
        keys: &KeySource,
        asking: Asking<'_>,
    ) -> Result<VerifiedAssertion, TokenError> {
        let issuer = &self.context.settings().issuer;
        let token_endpoint = issuer.url(endpoint::TOKEN);
        let audiences = [issuer.as_str(), &token_endpoint];
        let checked = assertion.validate(&client.id, &audiences, self.context.now())?;
        let trigger = asking.trigger(&client.id)?;
        let verify = async {
            match keys {
                KeySource::Inline(keys) => match self.signatures.verify(&checked, keys).await? {
                    Err(reason) => {
                        self.verify_with_updated_client(&checked, client, reason, trigger)
                            .await
                    }
                    verified => Ok(verified?),
                },
                KeySource::At(address) => self.verify_by_key_set(address, trigger, &checked).await,
            }
        };
        self.within_bounds(
            &client.id,
            asking.address,
            matches!(trigger, FetchTrigger::Client),
            verify,
        )
        .await
    }

    /// Limits the number of invalid assertions. A request without a grant of the client is counted
    /// beforehand, also with a valid signature: an attacker can register a client with a
    /// key and sign with it.
    async fn within_bounds(
        &self,
        client_id: &str,
        address: IpAddr,
        is_client: bool,
        verify: impl Future<Output = Result<VerifiedAssertion, TokenError>>,
    ) -> Result<VerifiedAssertion, TokenError> {
        if !self.context.settings().rate_limits {
            return verify.await;
        }
        let signatures = &self.signatures;
        let now = self.context.now();
        let counted = signatures.counted(client_id, address, is_client);
        if let Some(retry_after) = signatures.exhausted(&counted, now) {
            return Err(TokenError::TooMany { retry_after });
        }
        if !is_client {
            signatures.note_useless(&counted, now);
            return verify.await;
        }
        let verified = verify.await;
        if matches!(verified, Err(TokenError::Refused(_))) {
            signatures.note_useless(&counted, now);
        }
        verified
    }

    /// A client with keys in its document may have changed them: the document is fetched before it
    /// gets `invalid_client`.
    async fn verify_with_updated_client(
        &self,
        checked: &ValidatedAssertion,
        client: &Client,
        reason: AssertionError,
        trigger: FetchTrigger,
    ) -> Result<VerifiedAssertion, TokenError> {
        match self
            .documents
            .updated_client(client, trigger)
            .await?
            .map(|client| client.authentication)
        {
            Some(Authentication::Keys(keys) | Authentication::KeysOrNone(keys)) => match keys {
                KeySource::Inline(keys) => Ok(self.signatures.verify(checked, &keys).await??),
                KeySource::At(address) => self.verify_by_key_set(&address, trigger, checked).await,
            },
            _ => Err(reason.into()),
        }
    }

    /// Remembers the `jti`, in one atomic step (T-C26). `false` when it was remembered already.
    async fn spend(
        &self,
        client_id: &str,
        verified: &VerifiedAssertion,
    ) -> Result<bool, Unavailable> {
        let key = keys::assertion(client_id, &verified.jti);
        let ttl: Ttl = records::ttl(self.context.now().until(verified.expires_at));
        let spent = UsedAssertion {
            expires_at: verified.expires_at,
            by: self.context.entropy().id(),
        };
        records::insert(self.context.store(), &key, &spent, ttl).await
    }
}
