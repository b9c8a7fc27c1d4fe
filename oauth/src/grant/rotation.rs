//! Which refresh token of a grant is live, and which were rotated so recently that they still give
//! their successor (R-O14).

use primitives::{Digest, Secret, Timestamp};

use super::{RefreshToken, TokenPolicy};

/// Rotations inside one replay window that are remembered. A client that lost a response needs one,
/// some that share a token a few. More would make a refresh dearer the faster a client rotates.
pub(super) const MOST_ROTATED: usize = 8;

/// The refresh tokens of a grant: one is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The digest of the secret that all tokens of the grant share.
    pub family: Digest,
    /// The digest of the live token.
    pub current: Digest,
    /// When the live token expires, by the lifetime that was set when it was issued.
    pub expires_at: Timestamp,
    /// When it was issued; unknown of records that earlier releases wrote.
    pub issued_at: Option<Timestamp>,
    /// Tokens that were rotated within the replay window.
    pub rotated: Vec<RotatedToken>,
}

/// A token that was rotated within the replay window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedToken {
    /// Its digest.
    pub token: Digest,
    /// Base64url, public on its own: see [`RefreshToken::successor`].
    pub salt: String,
    /// When it was rotated.
    pub at: Timestamp,
}

impl Rotation {
    pub(super) fn start(token: &RefreshToken, now: Timestamp, policy: TokenPolicy<'_>) -> Self {
        Self {
            family: token.family.digest(),
            current: token.secret.digest(),
            expires_at: now.after(policy.refresh_token),
            issued_at: Some(now),
            rotated: Vec::new(),
        }
    }

    /// Whether a token is of this family, which lives.
    pub(super) fn recognizes(&self, token: &RefreshToken, now: Timestamp) -> bool {
        self.family == token.family.digest() && !self.expires_at.has_passed(now)
    }

    /// The salt of a token that was rotated inside the window.
    pub(super) fn replayed_salt(
        &self,
        token: &Digest,
        now: Timestamp,
        policy: TokenPolicy<'_>,
    ) -> Option<Secret> {
        let rotated = self
            .rotated
            .iter()
            .find(|rotated| rotated.token == *token)?;
        let open = now.since(rotated.at) < policy.replay_window;
        open.then(|| Secret::decode(&rotated.salt)).flatten()
    }

    pub(super) fn advance(
        self,
        used: Digest,
        successor: &RefreshToken,
        salt: &Secret,
        now: Timestamp,
        policy: TokenPolicy<'_>,
    ) -> Self {
        let mut rotated = self.rotated;
        rotated.retain(|rotated| now.since(rotated.at) < policy.replay_window);
        // Earlier releases remembered more.
        let too_many = (rotated.len() + 1).saturating_sub(MOST_ROTATED);
        rotated.drain(..too_many);
        rotated.push(RotatedToken {
            token: used,
            salt: salt.encode(),
            at: now,
        });
        Self {
            family: self.family,
            current: successor.secret.digest(),
            expires_at: now.after(policy.refresh_token),
            issued_at: Some(now),
            rotated,
        }
    }
}
