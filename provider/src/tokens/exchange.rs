//! The token endpoint: codes and refresh tokens become access tokens.
//!
//! Two store round trips each: client, its epoch, grant and account are read at once, the grant is
//! swapped once. One signature, after the swap has succeeded, outside of any lock.

use crate::accounts::Directory;
use crate::clients::BlockedHosts;
use crate::clients::ClientAuthenticator;
use crate::clients::ClientDocuments;
use crate::clients::ClientRegistry;
use crate::context::Context;
use crate::failures::FailureLog;
use crate::grants::GrantStore;
use crate::key_ring::SigningKeys;
use crate::step_error::StepError;
use crate::step_error::TokenError;
use access_token::Verifier;
use oauth::error::{CodeError, ParameterError, RefreshTokenError, TokenRequestError};
use oauth_clients::error::ClientAuthenticationError;
use std::net::IpAddr;
use std::sync::Arc;

use access_token::TokenSubject;
use oauth::{
    Id, Parameters, Timestamp,
    epoch::Epoch,
    grant::{
        AuthorizationCode, Grant, GrantKey, IssuedTokens, LastUse, RefreshToken, TokenPolicy,
        Transition,
    },
    resource::Resource,
    token::{CodeRequest, RefreshRequest, TokenRequest},
};
use oauth_clients::{authentication::Credentials, client::Client};

use crate::{
    clients::authentication::Asking,
    failures::{Cause, Failed},
    key_ring::date_time,
    records::{self, Change, Key, Versioned, keys},
    state::{
        audit::{Actor, AuditAction, RequestSource},
        failure::{Asked, FailedStep},
    },
    token_response::TokenResponse,
    unavailable::Unavailable,
};

/// The subject of a token is an account, spelled so that no client id can be confused with it
/// (R-O21).
pub(crate) const SUBJECT_PREFIX: &str = "acct_";

/// The records of a token request, read in one round trip.
pub(crate) struct TokenContext {
    client: Option<Client>,
    pub(crate) grant_key: Key<Grant>,
    pub(crate) grant: Option<Versioned<Grant>>,
    account_is_active: bool,
    epoch: Epoch,
}

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
    pub(crate) verifier: Verifier,
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
        let answer = match request {
            Ok(TokenRequest::Code(request)) => self.redeem(&credentials, address, &request).await,
            Ok(TokenRequest::Refresh(request)) => {
                self.refresh(&credentials, address, &request).await
            }
            Err(reason) => self.refuse(&credentials, address, reason).await,
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
        let (client, _) = self.registry.told_apart(client_id, &reason).await;
        let (client, cause, asked) = (
            client.as_ref(),
            Cause::Refused(&reason),
            Asked::of(parameters),
        );
        self.failures
            .note_failure(Failed {
                step,
                client_id,
                client,
                cause,
                asked,
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
                tracing::info!(client = %client_id, %reason, ?step, "request of a client refused");
                let (client, reason) = self.registry.told_apart(client_id, reason).await;
                (client, Some(reason))
            }
            TokenError::TooMany { .. } | TokenError::Unavailable(_) => (None, None),
        };
        let cause = match (&reason, error) {
            (Some(reason), _) => Cause::Refused(reason),
            (None, TokenError::TooMany { .. }) => Cause::TooMany("assertions that prove nothing"),
            (None, TokenError::Unavailable(error)) if let Some(why) = error.elsewhere() => {
                Cause::Unreachable(why)
            }
            (None, _) => return,
        };
        let (client, asked) = (client.as_ref(), Asked::of(parameters));
        self.failures
            .note_failure(Failed {
                step,
                client_id,
                client,
                cause,
                asked,
                address,
            })
            .await;
    }

    async fn redeem(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        request: &CodeRequest<'_>,
    ) -> Result<TokenResponse, TokenError> {
        let code = match AuthorizationCode::parse(request.code) {
            Ok(code) => code,
            Err(reason) => return self.refuse(credentials, address, reason.into()).await,
        };
        let known = self
            .token_context(
                credentials,
                address,
                &code.key,
                TokenRequestError::Code(CodeError::Unknown),
            )
            .await?;
        let now = self.context.now();
        let fresh = [
            self.context.entropy().secret(),
            self.context.entropy().secret(),
        ];
        let decide = |grant: Grant, resource: &Resource| {
            grant.redeem(
                &code,
                &credentials.client_id,
                request,
                now,
                fresh.clone(),
                self.rules(resource),
            )
        };
        let issue = self
            .transition(
                known,
                address,
                TokenRequestError::Code(CodeError::Unknown),
                decide,
            )
            .await;
        let issue = self
            .asking_again_after_replay(&code.key, &credentials.client_id, address, issue)
            .await?;
        self.sign(code.key, &credentials.client_id, issue, now)
    }

    async fn refresh(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        request: &RefreshRequest<'_>,
    ) -> Result<TokenResponse, TokenError> {
        let token = match RefreshToken::parse(request.token) {
            Ok(token) => token,
            Err(reason) => return self.refuse(credentials, address, reason.into()).await,
        };
        let known = self
            .token_context(
                credentials,
                address,
                &token.key,
                TokenRequestError::RefreshToken(RefreshTokenError::Unknown),
            )
            .await?;
        let (now, salt) = (self.context.now(), self.context.entropy().secret());
        let decide = |grant: Grant, resource: &Resource| {
            grant.refresh(
                &token,
                &credentials.client_id,
                request,
                now,
                &salt,
                self.rules(resource),
            )
        };
        let issue = self
            .transition(
                known,
                address,
                TokenRequestError::RefreshToken(RefreshTokenError::Unknown),
                decide,
            )
            .await;
        let issue = self
            .asking_again_after_replay(&token.key, &credentials.client_id, address, issue)
            .await?;
        self.sign(token.key, &credentials.client_id, issue, now)
    }

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

    /// Reads client, epoch, grant and account at once, and authenticates the client.
    pub(crate) async fn token_context(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        key: &GrantKey,
        unknown: TokenRequestError,
    ) -> Result<TokenContext, TokenError> {
        let grant_key = keys::grant(key);
        let (client, epoch, grant, account_is_active) = tokio::join!(
            self.registry.client(&credentials.client_id),
            self.registry.epoch(&credentials.client_id),
            Versioned::read(self.context.store(), &grant_key),
            self.directory.account_is_active(key.account)
        );
        let client = client?;
        let epoch = epoch?;
        let account_is_active = account_is_active?;
        let client = match client {
            None => {
                self.documents
                    .absent_client(&credentials.client_id, &grant, epoch, unknown)
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
            epoch,
        })
    }

    /// Decides, and stores what follows by compare-and-swap.
    async fn transition(
        &self,
        known: TokenContext,
        address: IpAddr,
        unknown: TokenRequestError,
        decide: impl Fn(Grant, &Resource) -> Transition,
    ) -> Result<IssuedTokens, TokenError> {
        let TokenContext {
            client,
            grant_key,
            grant,
            account_is_active,
            epoch,
        } = known;
        // A code has its own description.
        let ended = || {
            if unknown == TokenRequestError::Code(CodeError::Unknown) {
                TokenRequestError::Code(CodeError::Unknown)
            } else {
                TokenRequestError::RefreshToken(RefreshTokenError::GrantRevoked)
            }
        };
        let used = |grant: Grant| {
            let last_use = Some(LastUse {
                at: self.context.now(),
                from: address.to_canonical().to_string(),
                id: Some(self.context.entropy().id()),
            });
            self.grants.with_ttl(Grant { last_use, ..grant })
        };
        let answer = records::change_from(
            self.context.store(),
            &grant_key,
            grant,
            |grant: Option<Grant>| match grant {
                None => Change::refuse(unknown.clone()),
                Some(_) if !account_is_active => Change::refuse(TokenRequestError::RefreshToken(
                    RefreshTokenError::AccountGone,
                )),
                Some(grant) if epoch.ends(grant.details.epoch) => Change::refuse(ended()),
                Some(grant) => match self.context.settings().resource(&grant.details.resource) {
                    // It is none of this server's any more.
                    None => Change::refuse(ended()),
                    Some(resource) => {
                        let outcome = decide(grant, resource);
                        Change {
                            next: outcome.next.map(used),
                            answer: outcome.answer,
                        }
                    }
                },
            },
        );
        let issue = answer.await??;
        if let Some(client) = client {
            self.documents.note_client_use(&client).await;
        }
        Ok(issue)
    }

    /// After a replay the consent is removed, so that the user is asked before the client is
    /// connected again.
    async fn asking_again_after_replay(
        &self,
        key: &GrantKey,
        client_id: &str,
        address: IpAddr,
        answer: Result<IssuedTokens, TokenError>,
    ) -> Result<IssuedTokens, TokenError> {
        // Also when the grant had ended before: the store may have failed between the end and this.
        let over = |reason: &TokenRequestError| {
            matches!(
                reason,
                TokenRequestError::Code(CodeError::Replayed | CodeError::Unknown)
                    | TokenRequestError::RefreshToken(
                        RefreshTokenError::Replayed | RefreshTokenError::GrantRevoked
                    )
            )
        };
        if let Err(TokenError::Refused(StepError::Token(reason))) = &answer
            && over(reason)
        {
            // First the steps that happen only once, since a second try finds a revoked grant.
            self.note_replay(key, client_id, address, reason).await;
            self.grants.forget_replayed_consent(key).await?;
        }
        answer
    }

    /// Records a replay, for administrators and for its user.
    async fn note_replay(
        &self,
        key: &GrantKey,
        client_id: &str,
        address: IpAddr,
        reason: &TokenRequestError,
    ) {
        let action = if *reason == TokenRequestError::Code(CodeError::Replayed) {
            AuditAction::CodeReplayed
        } else if *reason == TokenRequestError::RefreshToken(RefreshTokenError::Replayed) {
            AuditAction::RefreshTokenReplayed
        } else {
            return;
        };
        self.note_of_grant(action, key, client_id, address).await;
    }

    /// Records an event of a grant, caused by its client or by another party. Unreadable parts are
    /// omitted.
    pub(crate) async fn note_of_grant(
        &self,
        action: AuditAction,
        key: &GrantKey,
        client_id: &str,
        address: IpAddr,
    ) {
        let grant: Result<Option<Grant>, _> =
            records::read(self.context.store(), &keys::grant(key)).await;
        let resource = grant
            .ok()
            .flatten()
            .map(|grant| grant.details.resource.as_str().to_owned());
        self.grants
            .note_of_client(
                action,
                Actor::Client,
                key.account,
                RequestSource::of_program(address),
                client_id,
                resource,
            )
            .await;
    }

    /// Signs the access token: once, after the swap, outside of any lock. `client_id` is also the
    /// `device_id`.
    fn sign(
        &self,
        key: GrantKey,
        client_id: &str,
        issue: IssuedTokens,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        let subject = TokenSubject {
            sub: subject(key.account),
            aud: issue.resource.as_str().to_owned(),
            client_id: client_id.to_owned(),
            device_id: client_id.to_owned(),
            scope: issue.scopes.to_string(),
            grant: Some(key.grant.to_string()),
        };
        let issued = self
            .signing_keys
            .tokens
            .issue(date_time(now), self.context.entropy().bytes(), subject)
            .map_err(|error| {
                tracing::error!(%error, "an access token was not issued");
                Unavailable::interrupted()
            })?;
        let refresh_token = issue.refresh_token.map(|token| token.encode());
        Ok(TokenResponse::bearer(
            issued.token,
            issued.expires_in,
            refresh_token,
            &issue.scopes,
        ))
    }

    fn rules<'a>(&self, resource: &'a Resource) -> TokenPolicy<'a> {
        let lifetimes = self.context.settings().lifetimes;
        TokenPolicy {
            code: lifetimes.code,
            refresh_token: lifetimes.refresh_token,
            replay_window: lifetimes.refresh_replay_window,
            resource,
        }
    }
}

/// The subject of an account's tokens.
fn subject(account: Id) -> String {
    format!("{SUBJECT_PREFIX}{account}")
}
