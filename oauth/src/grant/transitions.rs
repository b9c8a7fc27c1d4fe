//! What becomes of a grant when its client comes with a code or a token.

use std::time::Duration;

use primitives::{Secret, Timestamp};

use super::{
    AuthorizationCode, Grant, GrantDetails, GrantState, RefreshToken, RevocationReason, Rotation,
};
use crate::{
    client::ClientId,
    error::{CodeError, RefreshTokenError, TokenRequestError},
    resource::{Resource, ResourceIdentifier},
    resource_indicator,
    scope::Scopes,
    token::{CodeRequest, RefreshRequest},
};

/// What the settings of today say. What was stored under other ones is judged by these.
#[derive(Clone, Copy, Debug)]
pub struct TokenPolicy<'a> {
    /// How long a code is good, from the user's consent.
    pub code: Duration,
    /// How long a refresh token is good, from its own issue.
    pub refresh_token: Duration,
    /// How long a rotated token gives its successor again; zero is strict.
    pub replay_window: Duration,
    /// The resource of the grant: scopes that it has no more are granted no more.
    pub resource: &'a Resource,
}

/// What a transition leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state to store; `None` when nothing changes.
    pub next: Option<Grant>,
    /// What the client gets.
    pub answer: Result<IssuedTokens, TokenRequestError>,
}

/// What a token response is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedTokens {
    /// What the access token is for.
    pub resource: ResourceIdentifier,
    /// The scopes of the access token.
    pub scopes: Scopes,
    /// The refresh token.
    pub refresh_token: Option<RefreshToken>,
}

impl Transition {
    fn refuse(reason: impl Into<TokenRequestError>) -> Self {
        Self {
            next: None,
            answer: Err(reason.into()),
        }
    }

    fn replayed(
        grant: Grant,
        why: RevocationReason,
        reason: impl Into<TokenRequestError>,
        now: Timestamp,
    ) -> Self {
        Self {
            next: grant.revoked(why, now),
            ..Self::refuse(reason)
        }
    }
}

impl Grant {
    /// Redeems a code (OAuth 2.1 section 4.1.3, R-O4, R-O9, R-O10). `fresh` makes the first refresh
    /// token: family, then secret.
    pub fn redeem(
        mut self,
        code: &AuthorizationCode,
        client_id: &ClientId,
        request: &CodeRequest<'_>,
        now: Timestamp,
        fresh: [Secret; 2],
        policy: TokenPolicy<'_>,
    ) -> Transition {
        let scopes = match self.check_code(code, client_id, request, policy.resource) {
            Ok(scopes) => scopes,
            Err(reason) => return Transition::refuse(reason),
        };
        let GrantState::CodeIssued {
            code: digest,
            expires_at,
        } = self.state
        else {
            let why = RevocationReason::CodeReplayed;
            return Transition::replayed(self, why, CodeError::Replayed, now);
        };
        let end = self.details.allowed_at.after(policy.code).min(expires_at);
        if end.has_passed(now) {
            return Transition::refuse(CodeError::Expired);
        }
        let [family, secret] = fresh;
        let refresh_token = self.details.may_refresh.then_some(RefreshToken {
            key: code.key,
            family,
            secret,
        });
        self.state = GrantState::Active {
            code: digest,
            redeemed_at: now,
            refresh: refresh_token
                .as_ref()
                .map(|token| Rotation::start(token, now, policy)),
        };
        let answer = Ok(self.details.tokens(scopes, refresh_token));
        Transition {
            next: Some(self),
            answer,
        }
    }

    /// What the code of a request allows, whether or not it was redeemed before.
    fn check_code(
        &self,
        code: &AuthorizationCode,
        client_id: &ClientId,
        request: &CodeRequest<'_>,
        resource: &Resource,
    ) -> Result<Scopes, TokenRequestError> {
        let is_own = match &self.state {
            GrantState::CodeIssued { code: own, .. } | GrantState::Active { code: own, .. } => {
                *own == code.secret.digest()
            }
            GrantState::Revoked { .. } => false,
        };
        if !is_own {
            return Err(CodeError::Unknown.into());
        }
        let details = &self.details;
        if details.client_id != *client_id {
            return Err(CodeError::OfAnotherClient.into());
        }
        if request
            .redirect_uri
            .is_some_and(|uri| uri != details.redirect_uri)
        {
            return Err(CodeError::RedirectUriMismatch.into());
        }
        details.challenge.check(request.verifier)?;
        resource_indicator::check_granted(&details.resource, request.resource)?;
        Ok(details.scopes.at(resource)?.among(request.scope))
    }

    /// Uses a refresh token (OAuth 2.1 section 4.3, R-O14). `salt` is fresh, and makes the
    /// successor.
    pub fn refresh(
        mut self,
        token: &RefreshToken,
        client_id: &ClientId,
        request: &RefreshRequest<'_>,
        now: Timestamp,
        salt: &Secret,
        policy: TokenPolicy<'_>,
    ) -> Transition {
        let rotation = match self.rotation_of(token, client_id) {
            Ok(rotation) => rotation,
            Err(reason) => return Transition::refuse(reason),
        };
        let digest = token.secret.digest();
        let replayed_salt = rotation.replayed_salt(&digest, now, policy);
        if replayed_salt.is_none() && rotation.current != digest {
            let why = RevocationReason::RefreshTokenReplayed;
            return Transition::replayed(self, why, RefreshTokenError::Replayed, now);
        }
        let end = self.refresh_until(rotation, policy.refresh_token);
        if end.has_passed(now) {
            return Transition::refuse(RefreshTokenError::Expired);
        }
        let scopes = match self.details.check_refresh(request, policy.resource) {
            Ok(scopes) => scopes,
            Err(reason) => return Transition::refuse(reason),
        };
        let successor = token.successor(replayed_salt.as_ref().unwrap_or(salt));
        if let (GrantState::Active { refresh, .. }, None) = (&mut self.state, &replayed_salt) {
            *refresh = refresh
                .take()
                .map(|rotation| rotation.advance(digest, &successor, salt, now, policy));
        }
        let answer = Ok(self.details.tokens(scopes, Some(successor)));
        Transition {
            next: replayed_salt.is_none().then_some(self),
            answer,
        }
    }

    /// The refresh tokens of this grant, where the client shows one of the family.
    fn rotation_of(
        &self,
        token: &RefreshToken,
        client_id: &ClientId,
    ) -> Result<&Rotation, RefreshTokenError> {
        match &self.state {
            GrantState::Revoked { .. } => Err(RefreshTokenError::GrantRevoked),
            GrantState::Active {
                refresh: Some(rotation),
                ..
            } if rotation.family == token.family.digest() => {
                if self.details.client_id == *client_id {
                    Ok(rotation)
                } else {
                    Err(RefreshTokenError::OfAnotherClient)
                }
            }
            GrantState::CodeIssued { .. } | GrantState::Active { .. } => {
                Err(RefreshTokenError::Unknown)
            }
        }
    }

    /// Revokes the grant for a client that shows one of its tokens (RFC 7009 section 2.1): any
    /// refresh token of the family, or, when `refresh_token` is `None`, an access token that has
    /// been verified. `None` when there is nothing to revoke.
    ///
    /// # Errors
    /// [`TokenRequestError::TokenOfAnotherClient`].
    pub fn revoke(
        self,
        refresh_token: Option<&RefreshToken>,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<Self>, TokenRequestError> {
        let GrantState::Active { refresh, .. } = &self.state else {
            return Ok(None);
        };
        let is_known = |token: &RefreshToken| {
            refresh
                .as_ref()
                .is_some_and(|rotation| rotation.recognizes(token, now))
        };
        if !refresh_token.is_none_or(is_known) {
            return Ok(None);
        }
        if self.details.client_id != *client_id {
            return Err(TokenRequestError::TokenOfAnotherClient);
        }
        Ok(self.revoked(RevocationReason::Requested, now))
    }
}

impl GrantDetails {
    fn check_refresh(
        &self,
        request: &RefreshRequest<'_>,
        resource: &Resource,
    ) -> Result<Scopes, TokenRequestError> {
        resource_indicator::check_granted(&self.resource, request.resource)?;
        let granted = self.scopes.at(resource)?;
        granted.narrowed(request.scope, resource)
    }

    fn tokens(&self, scopes: Scopes, refresh_token: Option<RefreshToken>) -> IssuedTokens {
        IssuedTokens {
            resource: self.resource.clone(),
            scopes,
            refresh_token,
        }
    }
}
