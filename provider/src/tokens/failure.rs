//! What becomes of a request that gets no tokens: its error, and its entry in the failure log.

use std::net::IpAddr;

use oauth::{Parameters, error::TokenRequestError};
use oauth_clients::authentication::Credentials;

use super::TokenEndpoint;
use crate::{
    clients::authentication::Asking,
    failures::{Counted, FailureCause, NewFailure},
    state::failure::{FailedStep, RequestedParameters},
    step_error::{StepError, TokenError},
};

impl TokenEndpoint {
    /// Refuses a request that names no grant. A client that cannot prove itself learns that first.
    pub(crate) async fn refuse<T>(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        reason: TokenRequestError,
    ) -> Result<T, TokenError> {
        let client = self.registry.client(&credentials.client_id).await?;
        // A document client without a stored document may be valid, but without a grant nothing is
        // fetched.
        if client.is_none()
            && self
                .registry
                .allowed_document(&credentials.client_id)
                .is_some()
        {
            return Err(reason.into());
        }
        self.authenticator
            .authenticate(
                credentials,
                client.as_ref(),
                Asking {
                    address,
                    grant: &Ok(None),
                },
            )
            .await?;
        Err(reason.into())
    }

    /// Records a request without readable client id; returns the error.
    pub(crate) async fn unreadable_credentials(
        &self,
        step: FailedStep,
        parameters: &Parameters,
        reason: StepError,
        address: IpAddr,
    ) -> StepError {
        let client_id = parameters
            .one("client_id")
            .ok()
            .flatten()
            .unwrap_or_default();
        tracing::info!(client = client_id, %reason, "client authentication cannot be read");
        let (client, _) = self.registry.with_stored_client(client_id, &reason).await;
        self.failures
            .note_failure(NewFailure {
                step,
                client_id,
                client: client.as_ref(),
                cause: FailureCause::Refused(&reason),
                asked: RequestedParameters::of(parameters),
                address,
            })
            .await;
        reason
    }

    /// Notes what a client did not get, unless it is this server that failed.
    pub(crate) async fn note_token_error(
        &self,
        step: FailedStep,
        client_id: &str,
        error: &TokenError,
        parameters: &Parameters,
        address: IpAddr,
    ) {
        let (client, reason) = match error {
            TokenError::Refused(reason) => {
                tracing::info!(client = %client_id, %reason, ?step, "client request refused");
                let (client, reason) = self.registry.with_stored_client(client_id, reason).await;
                (client, Some(reason))
            }
            TokenError::TooMany { .. } | TokenError::Unavailable(_) => (None, None),
        };
        let cause = match (&reason, error) {
            (Some(reason), _) => FailureCause::Refused(reason),
            (None, TokenError::TooMany { .. }) => FailureCause::TooMany(Counted::Assertions),
            (None, TokenError::Unavailable(error))
                if let Some(fault) = error.client_address_fault() =>
            {
                FailureCause::AddressUnreachable(fault)
            }
            (None, _) => return,
        };
        self.failures
            .note_failure(NewFailure {
                step,
                client_id,
                client: client.as_ref(),
                cause,
                asked: RequestedParameters::of(parameters),
                address,
            })
            .await;
    }
}
