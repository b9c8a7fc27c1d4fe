//! A grant, in its three states.

use std::borrow::Cow;

use oauth::{
    Digest, Id, Timestamp,
    client::ClientId,
    epoch::Epoch,
    grant::{self, GrantDetails, GrantState, RevocationReason},
    pkce::CodeChallenge,
    resource::ResourceIdentifier,
    scope::Scopes,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::records::{PartOf, V1};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredGrant<'a> {
    #[serde(default)]
    v: V1,
    #[serde(rename = "terms")]
    details: StoredDetails<'a>,
    state: State<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_use: Option<StoredLastUse<'a>>,
}

/// What a grant was given for, in every state.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredOrigin<'a> {
    #[serde(default)]
    v: V1,
    #[serde(rename = "terms")]
    details: StoredDetails<'a>,
}

/// What a grant was given for, in every state.
pub(crate) struct GrantOrigin {
    pub(crate) details: GrantDetails,
}

impl PartOf<grant::Grant> for GrantOrigin {}

#[derive(Serialize, Deserialize)]
struct StoredDetails<'a> {
    client_id: Cow<'a, str>,
    redirect_uri: Cow<'a, str>,
    #[serde(with = "crate::values")]
    challenge: Cow<'a, CodeChallenge>,
    #[serde(with = "crate::values")]
    resource: Cow<'a, ResourceIdentifier>,
    #[serde(with = "crate::values")]
    scopes: Cow<'a, Scopes>,
    #[serde(rename = "refreshes")]
    may_refresh: bool,
    #[serde(with = "crate::values")]
    allowed_at: Timestamp,
    /// Absent in the first epoch of the client.
    #[serde(
        default,
        skip_serializing_if = "Epoch::is_first",
        with = "crate::values"
    )]
    epoch: Epoch,
    /// Absent before the first withdrawal of the account.
    #[serde(
        default,
        skip_serializing_if = "Epoch::is_first",
        with = "crate::values"
    )]
    withdrawal: Epoch,
}

#[derive(Serialize, Deserialize)]
struct StoredLastUse<'a> {
    #[serde(with = "crate::values")]
    at: Timestamp,
    from: Cow<'a, str>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    id: Option<Id>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State<'a> {
    #[serde(rename = "offered")]
    CodeIssued {
        #[serde(with = "crate::values")]
        code: Cow<'a, Digest>,
        #[serde(with = "crate::values")]
        expires_at: Timestamp,
    },
    Active {
        #[serde(with = "crate::values")]
        code: Cow<'a, Digest>,
        #[serde(with = "crate::values")]
        redeemed_at: Timestamp,
        refresh: Option<Rotation<'a>>,
    },
    #[serde(rename = "ended")]
    Revoked {
        #[serde(rename = "why")]
        reason: StoredReason,
        #[serde(with = "crate::values")]
        at: Timestamp,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredReason {
    CodeReplayed,
    RefreshTokenReplayed,
    #[serde(rename = "revoked")]
    Requested,
}

#[derive(Serialize, Deserialize)]
struct Rotation<'a> {
    #[serde(with = "crate::values")]
    family: Cow<'a, Digest>,
    #[serde(with = "crate::values")]
    current: Cow<'a, Digest>,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    /// Unknown of records that the first releases wrote.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    issued_at: Option<Timestamp>,
    #[serde(rename = "retired")]
    rotated: Vec<StoredRotatedToken<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredRotatedToken<'a> {
    #[serde(with = "crate::values")]
    token: Cow<'a, Digest>,
    salt: Cow<'a, str>,
    #[serde(with = "crate::values")]
    at: Timestamp,
}

/// The member `state` of a grant that was revoked on request, for a record of which nothing else
/// can be read.
pub(crate) fn revoked_state(at: Timestamp) -> Value {
    let state = State::Revoked {
        reason: StoredReason::Requested,
        at,
    };
    serde_json::to_value(state).unwrap_or_default()
}

impl<'a> From<&'a grant::Grant> for StoredGrant<'a> {
    fn from(grant: &'a grant::Grant) -> Self {
        Self {
            v: V1,
            details: (&grant.details).into(),
            state: (&grant.state).into(),
            last_use: grant.last_use.as_ref().map(Into::into),
        }
    }
}

impl From<StoredGrant<'_>> for grant::Grant {
    fn from(stored: StoredGrant<'_>) -> Self {
        Self {
            details: stored.details.into(),
            state: stored.state.into(),
            last_use: stored.last_use.map(Into::into),
        }
    }
}

impl<'a> From<&'a GrantOrigin> for StoredOrigin<'a> {
    fn from(origin: &'a GrantOrigin) -> Self {
        Self {
            v: V1,
            details: (&origin.details).into(),
        }
    }
}

impl From<StoredOrigin<'_>> for GrantOrigin {
    fn from(stored: StoredOrigin<'_>) -> Self {
        Self {
            details: stored.details.into(),
        }
    }
}

impl<'a> From<&'a GrantDetails> for StoredDetails<'a> {
    fn from(details: &'a GrantDetails) -> Self {
        Self {
            client_id: Cow::Borrowed(&details.client_id),
            redirect_uri: Cow::Borrowed(&details.redirect_uri),
            challenge: Cow::Borrowed(&details.challenge),
            resource: Cow::Borrowed(&details.resource),
            scopes: Cow::Borrowed(&details.scopes),
            may_refresh: details.may_refresh,
            allowed_at: details.allowed_at,
            epoch: details.epoch,
            withdrawal: details.withdrawal,
        }
    }
}

impl From<StoredDetails<'_>> for GrantDetails {
    fn from(stored: StoredDetails<'_>) -> Self {
        Self {
            client_id: ClientId::of(stored.client_id),
            redirect_uri: stored.redirect_uri.into_owned(),
            challenge: stored.challenge.into_owned(),
            resource: stored.resource.into_owned(),
            scopes: stored.scopes.into_owned(),
            may_refresh: stored.may_refresh,
            allowed_at: stored.allowed_at,
            epoch: stored.epoch,
            withdrawal: stored.withdrawal,
        }
    }
}

impl<'a> From<&'a grant::LastUse> for StoredLastUse<'a> {
    fn from(last: &'a grant::LastUse) -> Self {
        Self {
            at: last.at,
            from: Cow::Borrowed(&last.from),
            id: last.id,
        }
    }
}

impl From<StoredLastUse<'_>> for grant::LastUse {
    fn from(stored: StoredLastUse<'_>) -> Self {
        Self {
            at: stored.at,
            from: stored.from.into_owned(),
            id: stored.id,
        }
    }
}

impl<'a> From<&'a GrantState> for State<'a> {
    fn from(state: &'a GrantState) -> Self {
        match state {
            GrantState::CodeIssued { code, expires_at } => Self::CodeIssued {
                code: Cow::Borrowed(code),
                expires_at: *expires_at,
            },
            GrantState::Active {
                code,
                redeemed_at,
                refresh,
            } => Self::Active {
                code: Cow::Borrowed(code),
                redeemed_at: *redeemed_at,
                refresh: refresh.as_ref().map(Into::into),
            },
            GrantState::Revoked { reason, at } => Self::Revoked {
                reason: (*reason).into(),
                at: *at,
            },
        }
    }
}

impl From<State<'_>> for GrantState {
    fn from(state: State<'_>) -> Self {
        match state {
            State::CodeIssued { code, expires_at } => Self::CodeIssued {
                code: code.into_owned(),
                expires_at,
            },
            State::Active {
                code,
                redeemed_at,
                refresh,
            } => Self::Active {
                code: code.into_owned(),
                redeemed_at,
                refresh: refresh.map(Into::into),
            },
            State::Revoked { reason, at } => Self::Revoked {
                reason: reason.into(),
                at,
            },
        }
    }
}

impl From<RevocationReason> for StoredReason {
    fn from(reason: RevocationReason) -> Self {
        match reason {
            RevocationReason::CodeReplayed => Self::CodeReplayed,
            RevocationReason::RefreshTokenReplayed => Self::RefreshTokenReplayed,
            RevocationReason::Requested => Self::Requested,
        }
    }
}

impl From<StoredReason> for RevocationReason {
    fn from(reason: StoredReason) -> Self {
        match reason {
            StoredReason::CodeReplayed => Self::CodeReplayed,
            StoredReason::RefreshTokenReplayed => Self::RefreshTokenReplayed,
            StoredReason::Requested => Self::Requested,
        }
    }
}

impl<'a> From<&'a grant::Rotation> for Rotation<'a> {
    fn from(rotation: &'a grant::Rotation) -> Self {
        let rotated = rotation.rotated.iter().map(|rotated| StoredRotatedToken {
            token: Cow::Borrowed(&rotated.token),
            salt: Cow::Borrowed(&rotated.salt),
            at: rotated.at,
        });
        Self {
            family: Cow::Borrowed(&rotation.family),
            current: Cow::Borrowed(&rotation.current),
            expires_at: rotation.expires_at,
            issued_at: rotation.issued_at,
            rotated: rotated.collect(),
        }
    }
}

impl From<Rotation<'_>> for grant::Rotation {
    fn from(stored: Rotation<'_>) -> Self {
        let rotated = stored
            .rotated
            .into_iter()
            .map(|rotated| grant::RotatedToken {
                token: rotated.token.into_owned(),
                salt: rotated.salt.into_owned(),
                at: rotated.at,
            });
        Self {
            family: stored.family.into_owned(),
            current: stored.current.into_owned(),
            expires_at: stored.expires_at,
            issued_at: stored.issued_at,
            rotated: rotated.collect(),
        }
    }
}
