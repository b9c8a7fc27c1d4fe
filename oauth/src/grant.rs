//! A grant: what a user allowed a client, from the code to the last refresh. The unit of rotation
//! and of revocation.
//!
//! ```text
//!              redeem                  refresh
//!   CodeIssued ────────▶ Active ◀────────────────┐
//!      │                  │  │                   │
//!      ▼                  │  └───────────────────┘
//!   (expires)             │  replayed code, replayed refresh token, request
//!                         ▼
//!                      Revoked
//! ```
//!
//! A transition returns the next state *and* the answer, since a replay changes both. The next
//! state is stored by compare-and-swap against the state that the transition started from; when
//! another request was faster, the transition is decided again.

mod rotation;
mod tokens;
mod transitions;

use std::time::Duration;

pub use rotation::{RotatedToken, Rotation};
pub use tokens::{AuthorizationCode, GrantKey, RefreshToken};
pub use transitions::{IssuedTokens, TokenPolicy, Transition};

use primitives::{Digest, Id, Secret, Timestamp};

use crate::{
    client::ClientId, epoch::Epoch, pkce::CodeChallenge, resource::ResourceIdentifier,
    scope::Scopes,
};

/// How long a grant that a replay ended is remembered, so that its user sees it.
pub const REPLAY_REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// What a user allowed, and the client that got it; fixed for the life of the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantDetails {
    /// The client.
    pub client_id: ClientId,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// What the verifier has to answer.
    pub challenge: CodeChallenge,
    /// What the tokens are for.
    pub resource: ResourceIdentifier,
    /// What they allow.
    pub scopes: Scopes,
    /// Whether the client may hold refresh tokens.
    pub may_refresh: bool,
    /// When the user allowed it.
    pub allowed_at: Timestamp,
    /// The client's epoch at that time: a later one ends the grant.
    pub epoch: Epoch,
    /// The newest withdrawal of the account at that time: a later one may end the grant.
    pub withdrawal: Epoch,
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

/// When a client last got a token, as the user sees it.
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
    /// The user, the client or an administrator revoked it.
    Requested,
}

impl RevocationReason {
    /// Whether a code or refresh token was used a second time, which its user should know.
    pub const fn is_replay(self) -> bool {
        matches!(self, Self::CodeReplayed | Self::RefreshTokenReplayed)
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
        let last_use = None;
        let grant = Self {
            details,
            state,
            last_use,
        };
        (grant, AuthorizationCode { key, secret })
    }

    /// The grant as it is revoked; `None` when it is revoked already.
    pub fn revoked(self, reason: RevocationReason, at: Timestamp) -> Option<Self> {
        let is_new = !matches!(self.state, GrantState::Revoked { .. });
        let state = GrantState::Revoked { reason, at };
        is_new.then_some(Self { state, ..self })
    }

    /// Whether it is over.
    pub const fn is_revoked(&self) -> bool {
        matches!(self.state, GrantState::Revoked { .. })
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
        let end = self.expires_at(access_token);
        let refresh_end = refresh.as_ref().map_or(end, |rotation| {
            self.refresh_until(rotation, refresh_token)
                .after(access_token)
        });
        !end.min(refresh_end).has_passed(now)
    }

    /// When the live refresh token expires: at the time that was set when it was issued, or after
    /// the lifetime of today. Records of earlier releases do not say when that was; then the last
    /// use does, which is the same time.
    fn refresh_until(&self, rotation: &Rotation, lifetime: Duration) -> Timestamp {
        let issued_at = rotation
            .issued_at
            .or(self.last_use.as_ref().map(|last_use| last_use.at));
        issued_at.map_or(rotation.expires_at, |issued_at| {
            issued_at.after(lifetime).min(rotation.expires_at)
        })
    }

    /// When a replay ended it, for as long as its user should see that.
    pub fn replayed_at(&self, now: Timestamp) -> Option<Timestamp> {
        let GrantState::Revoked { reason, at } = self.state else {
            return None;
        };
        (reason.is_replay() && !at.after(REPLAY_REMEMBERED).has_passed(now)).then_some(at)
    }

    /// When the record stops being of use; access tokens live for `access_token` at most.
    pub fn expires_at(&self, access_token: Duration) -> Timestamp {
        match &self.state {
            GrantState::CodeIssued { expires_at, .. } => *expires_at,
            GrantState::Active {
                redeemed_at,
                refresh,
                ..
            } => refresh
                .as_ref()
                .map_or(*redeemed_at, |rotation| rotation.expires_at)
                .after(access_token),
            GrantState::Revoked { reason, at } if reason.is_replay() => {
                at.after(access_token.max(REPLAY_REMEMBERED))
            }
            GrantState::Revoked { at, .. } => at.after(access_token),
        }
    }
}

#[cfg(test)]
mod tests;
