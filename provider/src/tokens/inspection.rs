//! Issued tokens: validation, and revocation of their grants. Read from the store each time, so
//! that all servers of a cluster agree at once.

use std::net::IpAddr;

use access_token::{Audience, Claims, Invalid, Refusal as Unverified, TokenFormat, Verifier};
use oauth::{
    Id, Parameters, Timestamp,
    error::{ParameterError, RefreshTokenError, TokenRequestError},
    grant::{Grant, GrantKey, RefreshToken},
    resource::ResourceIdentifier,
    scope::Scopes,
};
use oauth_clients::{
    authentication::Credentials,
    client::{CLIENT_PREFIX, Client},
    document::DocumentUrl,
    error::IntrospectionError,
    introspection,
};
use time::OffsetDateTime;

use super::{
    TokenEndpoint,
    signing::{KnownOfUser, SUBJECT_PREFIX},
};
use crate::{
    failures::{FailureCause, NewFailure},
    introspection_response::{ActiveToken, Introspection},
    key_ring::date_time,
    records::{self, Batch, Change, keys, v1::AccountStatus},
    state::{
        GrantEpochs,
        audit::AuditAction,
        failure::{FailedStep, RequestedParameters, RequestedText},
    },
    step_error::{StepError, TokenError},
    unavailable::Unavailable,
};

/// The reason for a token that revokes nothing, which is no error for the client (RFC 7009 section
/// 2.2).
const NOTHING: TokenRequestError = TokenRequestError::RefreshToken(RefreshTokenError::Unknown);

impl TokenEndpoint {
    /// Revokes the grant of a token (RFC 7009). `authorization` is the raw header. An unknown,
    /// malformed or expired token, or one of a revoked grant, has no effect.
    pub async fn revoke(
        &self,
        parameters: &Parameters,
        authorization: Option<&str>,
        address: IpAddr,
    ) -> Result<(), TokenError> {
        let credentials = match Credentials::read(parameters, authorization) {
            Ok(credentials) => credentials,
            Err(reason) => {
                return Err(self
                    .unreadable_credentials(FailedStep::Revoke, parameters, reason.into(), address)
                    .await
                    .into());
            }
        };
        let answer = match self
            .revoke_by(&credentials, address, introspection::token(parameters))
            .await
        {
            Err(TokenError::Refused(StepError::Token(NOTHING))) => Ok(()),
            answer => answer,
        };
        if let Err(error) = &answer {
            self.note_token_error(
                FailedStep::Revoke,
                &credentials.client_id,
                error,
                parameters,
                address,
            )
            .await;
        }
        answer
    }

    async fn revoke_by(
        &self,
        credentials: &Credentials,
        address: IpAddr,
        token: Result<&str, ParameterError>,
    ) -> Result<(), TokenError> {
        // 1. The grant. A refresh token names it, an access token names it under our signature.
        let token = match token {
            Ok(token) => token,
            Err(error) => return self.refuse(credentials, address, error.into()).await,
        };
        let refresh_token = RefreshToken::parse(token).ok();
        let key = match &refresh_token {
            Some(token) => Some(token.key),
            None => self.claims(token, None).await?.as_ref().and_then(grant_key),
        };
        let Some(key) = key else {
            return self.refuse(credentials, address, NOTHING).await;
        };
        // 2. The client.
        let context = self
            .token_context(credentials, address, &key, NOTHING)
            .await?;
        // 3. It ends if it is this client's.
        let client_id = &credentials.client_id;
        let now = self.context.now();
        let end = |grant: Option<Grant>| match grant
            .map(|grant| grant.revoke(refresh_token.as_ref(), client_id, now))
        {
            None => Change {
                next: None,
                answer: Ok(false),
            },
            Some(Ok(next)) => Change {
                answer: Ok(next.is_some()),
                next: next.map(|grant| self.grants.with_ttl(grant)),
            },
            Some(Err(reason)) => Change::refuse(reason),
        };
        if records::change_from(self.context.store(), &context.grant_key, context.grant, end)
            .await??
        {
            self.note_of_grant(AuditAction::GrantRevoked, &key, client_id, address)
                .await;
        }
        Ok(())
    }

    /// Introspects a token for its resource (RFC 7662). `authorization` is the raw header.
    pub async fn introspect(
        &self,
        parameters: &Parameters,
        authorization: Option<&str>,
        address: IpAddr,
    ) -> Result<Introspection, TokenError> {
        let resource = match introspection::caller(
            &self.context.settings().resources,
            parameters,
            authorization,
        ) {
            Ok(resource) => resource,
            Err(reason) => {
                return Err(self
                    .unauthenticated_resource(parameters, authorization, reason, address)
                    .await
                    .into());
            }
        };
        let token = introspection::token(parameters).map_err(IntrospectionError::from)?;
        let claims = self
            .claims(token, Some(resource.token_format))
            .await?
            .filter(|claims| claims.aud == resource.identifier.as_str());
        match claims.and_then(|claims| self.limited_by_settings(claims)) {
            Some(claims) if self.origin_is_valid(&claims).await? => {
                let known = match account_of(&claims) {
                    Some(account) => {
                        let scopes = Scopes::parse(&claims.scope);
                        self.disclosed(account, &scopes, resource).await?
                    }
                    None => KnownOfUser::default(),
                };
                Ok(Introspection::active(active_token(claims, known)))
            }
            _ => Ok(Introspection::inactive()),
        }
    }

    /// Records a failed authentication at introspection; returns the error.
    async fn unauthenticated_resource(
        &self,
        parameters: &Parameters,
        authorization: Option<&str>,
        reason: IntrospectionError,
        address: IpAddr,
    ) -> IntrospectionError {
        tracing::info!(%reason, "introspection refused");
        let claimed = introspection::claimed(parameters, authorization).unwrap_or_default();
        let asked = RequestedParameters {
            resource: RequestedText::of(&claimed),
            ..RequestedParameters::default()
        };
        let error = StepError::from(reason);
        let step = FailedStep::Introspect;
        let cause = FailureCause::Refused(&error);
        self.failures
            .note_failure(NewFailure {
                step,
                client_id: &claimed,
                client: None,
                cause,
                asked,
                address,
            })
            .await;
        reason
    }

    /// Whether a token is still valid: by the current settings, its grant, the user's account, and
    /// the client. A client refreshes a token that has fewer scopes now.
    pub async fn grant_is_live(&self, claims: &Claims) -> Result<bool, Unavailable> {
        match self.limits(claims) {
            Some((scope, _)) if scope == claims.scope => self.origin_is_valid(claims).await,
            _ => Ok(false),
        }
    }

    /// The claims of a token under the current settings. `None` when nothing is left.
    fn limited_by_settings(&self, claims: Claims) -> Option<Claims> {
        let (scope, exp) = self.limits(&claims)?;
        Some(Claims {
            scope,
            exp,
            ..claims
        })
    }

    /// The scopes and the expiry of a token under the current settings, which may have dropped its
    /// resource or scopes since, or shortened the lifetime. `None` when nothing is left.
    fn limits(&self, claims: &Claims) -> Option<(String, OffsetDateTime)> {
        let settings = self.context.settings();
        let resource = settings.resource(&ResourceIdentifier::parsed_before(&claims.aud))?;
        let scope = Scopes::parse(&claims.scope).at(resource).ok()?.to_string();
        let lifetime = settings.lifetimes.access_token;
        let lifetime = lifetime.try_into().unwrap_or(time::Duration::MAX);
        let exp = claims.iat.saturating_add(lifetime).min(claims.exp);
        (date_time(self.context.now()) < exp).then_some((scope, exp))
    }

    /// Whether the account is active, the client valid, and the grant active in the client's
    /// current epoch. A token without a grant needs none.
    async fn origin_is_valid(&self, claims: &Claims) -> Result<bool, Unavailable> {
        let Some(account) = account_of(claims) else {
            return Ok(false);
        };
        let id = claims.client_id.as_str();
        let mut batch = Batch::default();
        let status = batch.read(keys::account(account).part::<AccountStatus>());
        let epoch = batch.read(keys::epoch(id));
        let withdrawals = batch.read(keys::withdrawals(account));
        let grant = grant_key(claims).map(|key| batch.read(keys::grant(&key)));
        let client = self
            .depends_on_record(id)
            .then(|| batch.read(keys::client(id)));
        let mut results = batch.run(self.context.store()).await?;
        let status = results.record(&status)?;
        let epochs = GrantEpochs {
            client: results.record(&epoch)?.unwrap_or_default(),
            withdrawals: results.record(&withdrawals)?.unwrap_or_default(),
        };
        let grant: Option<Grant> = match grant {
            Some(ticket) => results.record(&ticket)?,
            None => None,
        };
        let client = match client {
            Some(ticket) => results.record(&ticket)?,
            None => None,
        };
        let is_live = |grant: Grant| grant.is_live() && !epochs.end(&grant.details);
        let grant_is_valid = claims.grant.is_none() || grant.is_some_and(is_live);
        Ok(status.as_ref().is_some_and(AccountStatus::is_active)
            && grant_is_valid
            && self.client_is_valid(id, client))
    }

    /// Whether the validity of a client follows from its record, beyond its id and the settings.
    fn depends_on_record(&self, id: &str) -> bool {
        if DocumentUrl::is_meant(id) {
            self.blocked.blocks_any()
        } else {
            id.starts_with(CLIENT_PREFIX)
        }
    }

    /// A registered client can expire; a document client can only be blocked (T-E38). `stored` is
    /// its record, if that matters.
    fn client_is_valid(&self, id: &str, stored: Option<Client>) -> bool {
        if DocumentUrl::is_meant(id) {
            return self.registry.allowed_document(id).is_some()
                && !stored.is_some_and(|client| self.blocked.blocks(&client));
        }
        !id.starts_with(CLIENT_PREFIX)
            || stored.is_some_and(|client| self.registry.is_registered(&client))
    }

    /// The claims of an access token of this issuer, for any resource, if its signature and times
    /// are valid. With a format, a token of another one is not.
    async fn claims(
        &self,
        token: &str,
        format: Option<TokenFormat>,
    ) -> Result<Option<Claims>, Unavailable> {
        let now = date_time(self.context.now());
        let tokens = self.signing_keys.tokens.as_ref().clone();
        let mut verifier = Verifier::beside(tokens, Audience::Any);
        if let Some(format) = format {
            verifier = verifier.only(format);
        }
        let mut answer = verifier.verify(token, now).await;
        if matches!(answer, Err(Unverified::Invalid(Invalid::UnknownKey))) {
            self.signing_keys.renew_keys().await?;
            answer = verifier.verify(token, now).await;
        }
        match answer {
            Ok(claims) => Ok(Some(claims)),
            Err(Unverified::Invalid(_)) => Ok(None),
            Err(Unverified::NoKeys(error)) => {
                tracing::error!(%error, "tokens cannot be checked");
                Err(Unavailable::interrupted())
            }
        }
    }
}

pub(super) fn account_of(claims: &Claims) -> Option<Id> {
    claims.sub.strip_prefix(SUBJECT_PREFIX).and_then(Id::parse)
}

fn grant_key(claims: &Claims) -> Option<GrantKey> {
    Some(GrantKey {
        account: account_of(claims)?,
        grant: claims.grant.as_deref().and_then(Id::parse)?,
    })
}

fn active_token(claims: Claims, known: KnownOfUser) -> ActiveToken {
    let timestamp = |at: time::OffsetDateTime| {
        Timestamp::from_seconds(at.unix_timestamp().try_into().unwrap_or_default())
    };
    ActiveToken {
        exp: timestamp(claims.exp).seconds(),
        iat: timestamp(claims.iat).seconds(),
        scope: claims.scope,
        client_id: claims.client_id,
        sub: claims.sub,
        aud: claims.aud,
        iss: claims.iss,
        jti: claims.jti,
        device_id: claims.device_id,
        token_type: "Bearer",
        username: known.email.clone(),
        email: known.email,
        name: known.name,
    }
}
