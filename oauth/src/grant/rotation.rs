//! Which refresh token of a grant is live, and which were rotated so lately that they still give
//! their successor (O14).

use serde::{Deserialize, Serialize};

use super::{RefreshToken, Rules};
use crate::{
    secret::{Digest, Secret},
    time::Timestamp,
};

/// Rotations inside one replay window that are remembered; a client needs one, a storm of racing
/// ones a few.
pub(super) const MOST_RETIRED: usize = 64;

/// The refresh tokens of a grant: one is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    pub(super) family: Digest,
    pub(super) current: Digest,
    /// When the live token expires, by the lifetime that was set when it was issued.
    pub expires_at: Timestamp,
    /// When it was issued; unknown of records that earlier releases wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
    pub(super) retired: Vec<Retired>,
}

/// A token that was rotated within the replay window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Retired {
    pub(super) token: Digest,
    /// Base64url, public on its own: see [`RefreshToken::successor`].
    salt: String,
    at: Timestamp,
}

impl Rotation {
    pub(super) fn start(token: &RefreshToken, now: Timestamp, rules: Rules<'_>) -> Self {
        Self {
            family: token.family.digest(),
            current: token.secret.digest(),
            expires_at: now.after(rules.refresh_token),
            issued_at: Some(now),
            retired: Vec::new(),
        }
    }

    /// Whether a token is of this family, which lives.
    pub(super) fn knows(&self, token: &RefreshToken, now: Timestamp) -> bool {
        self.family == token.family.digest() && !self.expires_at.has_passed(now)
    }

    /// The salt of a token that was rotated inside the window.
    pub(super) fn again(&self, token: &Digest, now: Timestamp, rules: Rules<'_>) -> Option<Secret> {
        let retired = self
            .retired
            .iter()
            .find(|retired| retired.token == *token)?;
        let open = now.since(retired.at) < rules.replay_window;
        open.then(|| Secret::decode(&retired.salt)).flatten()
    }

    pub(super) fn advance(
        self,
        used: Digest,
        successor: &RefreshToken,
        salt: &Secret,
        now: Timestamp,
        rules: Rules<'_>,
    ) -> Self {
        let mut retired = self.retired;
        retired.retain(|retired| now.since(retired.at) < rules.replay_window);
        if retired.len() == MOST_RETIRED {
            retired.remove(0);
        }
        retired.push(Retired {
            token: used,
            salt: salt.encode(),
            at: now,
        });
        Self {
            family: self.family,
            current: successor.secret.digest(),
            expires_at: now.after(rules.refresh_token),
            issued_at: Some(now),
            retired,
        }
    }
}
