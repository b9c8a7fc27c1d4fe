//! A grant: what a person allowed a client, from the code to the last refresh. The unit of rotation
//! and of revocation.
//!
//! ```text
//!              redeem                  refresh
//!   Offered ───────────▶ Active ◀────────────────┐
//!      │                  │  │                   │
//!      ▼                  │  └───────────────────┘
//!   (expires)             │  replayed code, replayed refresh token, end
//!                         ▼
//!                       Ended
//! ```
//!
//! A transition returns the next state *and* the answer, since a replay changes both. Whoever
//! stores the next state does so by compare-and-swap against the state the transition started from,
//! and decides anew when another was faster.

mod rotation;
mod tokens;

use std::time::Duration;

pub use rotation::{RotatedToken, Rotation};
pub use tokens::{AuthorizationCode, GrantKey, RefreshToken};

use crate::{
    client::ClientId,
    epoch::Epoch,
    error::TokenRequestError,
    id::Id,
    pkce::Challenge,
    resource::{self, Resource, ResourceIdentifier},
    scope::Scopes,
    secret::{Digest, Secret},
    time::Timestamp,
    token::{CodeRequest, RefreshRequest},
};

/// How long a grant that a replay ended is remembered, for its person to see.
pub const REPLAY_REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// What a person allowed, and to whom; fixed for the life of the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantDetails {
    /// The client.
    pub client_id: ClientId,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// What the verifier has to answer.
    pub challenge: Challenge,
    /// What the tokens are for.
    pub resource: ResourceIdentifier,
    /// What they allow.
    pub scopes: Scopes,
    /// Whether the client may hold refresh tokens.
    pub may_refresh: bool,
    /// When the person said yes.
    pub allowed_at: Timestamp,
    /// The client's epoch at that time: a later one ends the grant.
    pub epoch: Epoch,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What was allowed.
    pub details: GrantDetails,
    /// How far it has come.
    pub state: GrantState,
    /// When its client last got a token.
    pub last_use: Option<LastUse>,
}

/// When a client last got a token, for its person to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From which address in the network.
    pub from: String,
    /// Tells this use from every other one: a server whose write got no answer recognises it as its
    /// own.
    pub id: Option<Id>,
}

/// How far a grant has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// A code is on its way to the client.
    CodeIssued {
        /// The code's digest.
        code: Digest,
        /// When the code stops being good.
        expires_at: Timestamp,
    },
    /// The code was redeemed.
    Active {
        /// The redeemed code's digest: a second valid use is told from noise by it.
        code: Digest,
        /// When it was redeemed.
        redeemed_at: Timestamp,
        /// The refresh tokens, when the client may hold any.
        refresh: Option<Rotation>,
    },
    /// Over. Nothing leads out of here.
    Revoked {
        /// Why.
        reason: RevocationReason,
        /// When.
        at: Timestamp,
    },
}

/// Why a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// Its code was used twice (R-O9).
    CodeReplayed,
    /// A rotated refresh token came back (R-O14).
    RefreshTokenReplayed,
    /// The person, the client or an administrator revoked it.
    Requested,
}

impl RevocationReason {
    /// Whether somebody came with a copy of what had been used before, which its person should know
    /// of.
    pub const fn is_replay(self) -> bool {
        matches!(self, Self::CodeReplayed | Self::RefreshTokenReplayed)
    }
}

/// What the settings of today say. What was stored under other ones is judged by these.
#[derive(Clone, Copy, Debug)]
pub struct TokenPolicy<'a> {
    /// How long a code is good, from the person's yes.
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
    const fn refuse(reason: TokenRequestError) -> Self {
        Self {
            next: None,
            answer: Err(reason),
        }
    }
}

impl Grant {
    /// A new grant, and the code that redeems it.
    pub fn issue_code(
        details: GrantDetails,
        key: GrantKey,
        secret: Secret,
        expires_at: Timestamp,
    ) -> (Self, AuthorizationCode) {
        let state = GrantState::CodeIssued {
            code: secret.digest(),
            expires_at,
        };
        (
            Self {
                details,
                state,
                last_use: None,
            },
            AuthorizationCode { key, secret },
        )
    }

    /// Redeems a code (OAuth 2.1 section 4.1.3, R-O4, R-O9, R-O10). `fresh` makes the first refresh
    /// token: family, then secret.
    pub fn redeem(
        self,
        code: &AuthorizationCode,
        client_id: &ClientId,
        request: &CodeRequest<'_>,
        now: Timestamp,
        fresh: [Secret; 2],
        policy: TokenPolicy<'_>,
    ) -> Transition {
        let (GrantState::CodeIssued { code: digest, .. } | GrantState::Active { code: digest, .. }) =
            &self.state
        else {
            return Transition::refuse(TokenRequestError::UnknownCode);
        };
        if *digest != code.secret.digest() {
            return Transition::refuse(TokenRequestError::UnknownCode);
        }
        let scopes = match self
            .details
            .check_redemption(client_id, request, policy.resource)
        {
            Ok(scopes) => scopes,
            Err(reason) => return Transition::refuse(reason),
        };
        match &self.state {
            GrantState::CodeIssued { expires_at, .. }
                if self
                    .details
                    .allowed_at
                    .after(policy.code)
                    .min(*expires_at)
                    .has_passed(now) =>
            {
                Transition::refuse(TokenRequestError::ExpiredCode)
            }
            GrantState::CodeIssued { code: digest, .. } => {
                let digest = digest.clone();
                let [family, secret] = fresh;
                let token = self.details.may_refresh.then_some(RefreshToken {
                    key: code.key,
                    family,
                    secret,
                });
                let refresh = token
                    .as_ref()
                    .map(|token| Rotation::start(token, now, policy));
                let answer = Ok(IssuedTokens {
                    resource: self.details.resource.clone(),
                    scopes,
                    refresh_token: token,
                });
                let state = GrantState::Active {
                    code: digest,
                    redeemed_at: now,
                    refresh,
                };
                let next = Self {
                    details: self.details,
                    state,
                    last_use: self.last_use,
                };
                Transition {
                    next: Some(next),
                    answer,
                }
            }
            _ => self.ended_by_replay(RevocationReason::CodeReplayed, now),
        }
    }

    /// Uses a refresh token (OAuth 2.1 section 4.3, R-O14). `salt` is fresh, and makes the successor.
    pub fn refresh(
        self,
        token: &RefreshToken,
        client_id: &ClientId,
        request: &RefreshRequest<'_>,
        now: Timestamp,
        salt: &Secret,
        policy: TokenPolicy<'_>,
    ) -> Transition {
        let rotation = match &self.state {
            GrantState::Active {
                refresh: Some(rotation),
                ..
            } => rotation,
            GrantState::Revoked { .. } => return Transition::refuse(TokenRequestError::EndedGrant),
            _ => return Transition::refuse(TokenRequestError::UnknownRefreshToken),
        };
        if rotation.family != token.family.digest() {
            return Transition::refuse(TokenRequestError::UnknownRefreshToken);
        }
        if self.details.client_id != *client_id {
            return Transition::refuse(TokenRequestError::RefreshTokenOfAnotherClient);
        }
        let digest = token.secret.digest();
        let replayed_salt = rotation.replayed_salt(&digest, now, policy);
        if replayed_salt.is_none() && rotation.current != digest {
            return self.ended_by_replay(RevocationReason::RefreshTokenReplayed, now);
        }
        if self
            .refresh_until(rotation, policy.refresh_token)
            .has_passed(now)
        {
            return Transition::refuse(TokenRequestError::ExpiredRefreshToken);
        }
        let scopes = match self.details.check_refresh(request, policy.resource) {
            Ok(scopes) => scopes,
            Err(reason) => return Transition::refuse(reason),
        };
        let successor = token.successor(replayed_salt.as_ref().unwrap_or(salt));
        let answer = Ok(IssuedTokens {
            resource: self.details.resource.clone(),
            scopes,
            refresh_token: Some(successor.clone()),
        });
        Transition {
            next: replayed_salt
                .is_none()
                .then(|| self.rotated(digest, &successor, salt, now, policy)),
            answer,
        }
    }

    /// Ends the grant for a client that shows one of its tokens (RFC 7009 section 2.1): any refresh
    /// token of the family, or, when `refresh_token` is `None`, an access token that has been
    /// verified. `None` when there is nothing to end.
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
        Ok(self.end(RevocationReason::Requested, now))
    }

    /// Ends the grant; `None` when it has ended already.
    pub fn end(self, reason: RevocationReason, at: Timestamp) -> Option<Self> {
        match self.state {
            GrantState::Revoked { .. } => None,
            _ => Some(Self {
                state: GrantState::Revoked { reason, at },
                ..self
            }),
        }
    }

    /// Whether tokens of this grant are good.
    pub const fn is_live(&self) -> bool {
        matches!(self.state, GrantState::Active { .. })
    }

    /// Whether its client holds a token that is good, or will be given one, by the lifetimes of
    /// today.
    pub fn is_connected(
        &self,
        access_token: Duration,
        refresh_token: Duration,
        now: Timestamp,
    ) -> bool {
        let GrantState::Active { refresh, .. } = &self.state else {
            return false;
        };
        let refresh_ends = refresh.as_ref().map(|rotation| {
            self.refresh_until(rotation, refresh_token)
                .after(access_token)
        });
        let end = self.expires_at(access_token);
        !refresh_ends
            .map_or(end, |refresh_ends| refresh_ends.min(end))
            .has_passed(now)
    }

    /// When the live refresh token expires: at the time that was set when it was issued, or after
    /// the lifetime of today. Records of earlier releases do not say when that was; then the last
    /// use does, which is the same moment.
    fn refresh_until(&self, rotation: &Rotation, lifetime: Duration) -> Timestamp {
        let issued_at = rotation
            .issued_at
            .or(self.last_use.as_ref().map(|last_use| last_use.at));
        issued_at.map_or(rotation.expires_at, |issued_at| {
            issued_at.after(lifetime).min(rotation.expires_at)
        })
    }

    /// When a replay ended it, for as long as its person should see that.
    pub fn replayed_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            GrantState::Revoked { reason, at }
                if reason.is_replay() && !at.after(REPLAY_REMEMBERED).has_passed(now) =>
            {
                Some(at)
            }
            _ => None,
        }
    }

    /// When the record stops being of use; access tokens live for `access_token` at most.
    pub fn expires_at(&self, access_token: Duration) -> Timestamp {
        match &self.state {
            GrantState::CodeIssued { expires_at, .. } => *expires_at,
            GrantState::Active {
                redeemed_at,
                refresh,
                ..
            } => {
                let tokens_end = redeemed_at.after(access_token);
                refresh.as_ref().map_or(tokens_end, |rotation| {
                    rotation.expires_at.after(access_token)
                })
            }
            GrantState::Revoked { reason, at } if reason.is_replay() => {
                at.after(access_token.max(REPLAY_REMEMBERED))
            }
            GrantState::Revoked { at, .. } => at.after(access_token),
        }
    }

    fn ended_by_replay(self, why: RevocationReason, now: Timestamp) -> Transition {
        let reason = if why == RevocationReason::CodeReplayed {
            TokenRequestError::ReplayedCode
        } else {
            TokenRequestError::ReplayedRefreshToken
        };
        Transition {
            next: self.end(why, now),
            answer: Err(reason),
        }
    }

    fn rotated(
        self,
        used: Digest,
        successor: &RefreshToken,
        salt: &Secret,
        now: Timestamp,
        policy: TokenPolicy<'_>,
    ) -> Self {
        let GrantState::Active {
            code,
            redeemed_at,
            refresh: Some(rotation),
        } = self.state
        else {
            return self;
        };
        let refresh = Some(rotation.advance(used, successor, salt, now, policy));
        Self {
            details: self.details,
            state: GrantState::Active {
                code,
                redeemed_at,
                refresh,
            },
            last_use: self.last_use,
        }
    }
}

impl GrantDetails {
    fn check_redemption(
        &self,
        client_id: &ClientId,
        request: &CodeRequest<'_>,
        resource: &Resource,
    ) -> Result<Scopes, TokenRequestError> {
        if self.client_id != *client_id {
            return Err(TokenRequestError::CodeOfAnotherClient);
        }
        if request
            .redirect_uri
            .is_some_and(|uri| uri != self.redirect_uri)
        {
            return Err(TokenRequestError::RedirectUriMismatch);
        }
        self.challenge.check(request.verifier)?;
        resource::check_granted(&self.resource, request.resource)?;
        Ok(self.scopes.at(resource)?.among(request.scope))
    }

    fn check_refresh(
        &self,
        request: &RefreshRequest<'_>,
        resource: &Resource,
    ) -> Result<Scopes, TokenRequestError> {
        resource::check_granted(&self.resource, request.resource)?;
        let granted = self.scopes.at(resource)?;
        granted.narrowed(request.scope, resource)
    }
}

#[cfg(test)]
mod tests;
