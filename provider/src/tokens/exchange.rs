//! The token endpoint: codes and refresh tokens become access tokens.
//!
//! Two store round trips each: client, its epoch, grant, account and its withdrawals are read at once,
//! the grant is swapped once. One signature, after the swap has succeeded, outside of any lock. For a resource that
//! may know the user, the account is read once more.

use std::net::IpAddr;

use oauth::{
    Parameters, Timestamp,
    client::ClientId,
    error::{ParameterError, RefreshTokenError, TokenRequestError},
    grant::{Grant, GrantKey, IssuedTokens, LastUse, TokenPolicy},
    resource::Resource,
    token::TokenRequest,
};
use oauth_clients::{
    authentication::Credentials, client::Client, error::ClientAuthenticationError,
};

use super::{TokenEndpoint, presented::Presented};
use crate::{
    clients::authentication::Asking,
    records::{self, Batch, Change, Key, Versioned, keys, v1::AccountStatus},
    state::{GrantEpochs, failure::FailedStep},
    step_error::{StepError, TokenError},
    token_response::TokenResponse,
};

/// The records of a token request, read in one round trip.
pub(super) struct TokenContext {
    client: Option<Client>,
    pub(super) grant_key: Key<Grant>,
    pub(super) grant: Option<Versioned<Grant>>,
    account_is_active: bool,
    epochs: GrantEpochs,
}

impl TokenEndpoint {
    /// Answers a token request. `authorization` is the raw header.
    pub async fn token(
        &self,
        parameters: &Parameters,
        authorization: Option<&str>,
        address: IpAddr,
    ) -> Result<TokenResponse, TokenError> {
        let request = TokenRequest::read(parameters);
        let credentials = match (Credentials::read(parameters, authorization), &request) {
            // An unsupported grant type is the better error for a request without client id.
            (
                Err(ClientAuthenticationError::Parameter(ParameterError::Missing(_))),
                Err(TokenRequestError::UnsupportedGrantType),
            ) => Err(StepError::from(TokenRequestError::UnsupportedGrantType)),
            (credentials, _) => credentials.map_err(StepError::from),
        };
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(reason) => {
                return Err(self
                    .unreadable_credentials(FailedStep::Token, parameters, reason, address)
                    .await
                    .into());
            }
        };
        let presented =
            request.and_then(|request| Presented::parse(request, self.context.entropy()));
        let answer = match presented {
            Ok(presented) => self.exchange(&credentials, address, &presented).await,
            Err(error) => self.refuse(&credentials, address, error).await,
        };
        if let Err(error) = &answer {
            self.note_token_error(
                FailedStep::Token,
                &credentials.client_id,
                error,
                parameters,
                address,
            )
            .await;
        }
        answer
    }

    /// Exchanges a code or refresh token of a client for new tokens.
    async fn exchange(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        presented: &Presented<'_>,
    ) -> Result<TokenResponse, TokenError> {
        let key = presented.key();
        let client_id = &credentials.client_id;
        let context = self
            .token_context(credentials, address, &key, presented.unknown())
            .await?;
        let now = self.context.now();
        let issued = self
            .transition(context, client_id, address, presented, now)
            .await;
        let issued = self
            .forget_consent_after_replay(&key, client_id, address, issued)
            .await?;
        self.sign(key, client_id, issued, now).await
    }

    /// Reads client, grant, account and what ends grants at once, and authenticates the client.
    pub(super) async fn token_context(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        key: &GrantKey,
        unknown: TokenRequestError,
    ) -> Result<TokenContext, TokenError> {
        let grant_key = keys::grant(key);
        let mut batch = Batch::default();
        let client = batch.read(keys::client(&credentials.client_id));
        let epoch = batch.read(keys::epoch(&credentials.client_id));
        let grant = batch.read(grant_key.clone());
        let account = batch.read(keys::account(key.account).part::<AccountStatus>());
        let withdrawals = batch.read(keys::withdrawals(key.account));
        let mut results = batch.run(self.context.store()).await?;
        let client = results
            .record(&client)?
            .filter(|client| self.registry.is_registered(client));
        let epochs = GrantEpochs {
            client: results.record(&epoch)?.unwrap_or_default(),
            withdrawals: results.record(&withdrawals)?.unwrap_or_default(),
        };
        let account = results.record(&account)?;
        let account_is_active = account.as_ref().is_some_and(AccountStatus::is_active);
        // A client that has to authenticate learns nothing of a grant before.
        let grant = results.versioned(&grant);
        let client = match client {
            None => {
                self.documents
                    .absent_client(&credentials.client_id, &grant, &epochs, unknown)
                    .await?
            }
            client => client,
        };
        self.authenticator
            .authenticate(
                credentials,
                client.as_ref(),
                Asking {
                    address,
                    grant: &grant,
                },
            )
            .await?;
        Ok(TokenContext {
            client,
            grant_key,
            grant: grant?,
            account_is_active,
            epochs,
        })
    }

    /// Decides, and stores what follows by compare-and-swap.
    async fn transition(
        &self,
        context: TokenContext,
        client_id: &ClientId,
        address: IpAddr,
        presented: &Presented<'_>,
        now: Timestamp,
    ) -> Result<IssuedTokens, TokenError> {
        let used = |grant: Grant| {
            let last_use = Some(LastUse {
                at: self.context.now(),
                from: address.to_canonical().to_string(),
                id: Some(self.context.entropy().id()),
            });
            self.grants.with_ttl(Grant { last_use, ..grant })
        };
        let decide = |grant: Option<Grant>| {
            let Some(grant) = grant else {
                return Change::refuse(presented.unknown());
            };
            if !context.account_is_active {
                return Change::refuse(RefreshTokenError::AccountGone.into());
            }
            // A resource without an entry is no longer one of this server's.
            let resource = self.context.settings().resource(&grant.details.resource);
            let Some(resource) = resource.filter(|_| !context.epochs.end(&grant.details)) else {
                return Change::refuse(presented.ended());
            };
            let outcome = presented.exchange(grant, client_id, now, self.policy(resource));
            Change {
                next: outcome.next.map(used),
                answer: outcome.answer,
            }
        };
        let store = self.context.store();
        let issued =
            records::change_from(store, &context.grant_key, context.grant, decide).await??;
        if let Some(client) = context.client {
            self.documents.note_client_use(&client).await;
        }
        Ok(issued)
    }

    fn policy<'a>(&self, resource: &'a Resource) -> TokenPolicy<'a> {
        let lifetimes = self.context.settings().lifetimes;
        TokenPolicy {
            code: lifetimes.code,
            refresh_token: lifetimes.refresh_token,
            replay_window: lifetimes.refresh_replay_window,
            resource,
        }
    }
}
