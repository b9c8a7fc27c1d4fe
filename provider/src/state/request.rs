//! Authorization requests: pending, or decided.

use oauth::{Digest, Id, Timestamp, authorize::AuthorizationRequest};
use serde::{Deserialize, Serialize};

/// A waiting request, bound to the browser it was made in.
#[derive(Debug)]
pub(crate) struct PendingAuthorization {
    pub(crate) request: AuthorizationRequest,
    pub(crate) browser: Digest,
    pub(crate) expires_at: Timestamp,
    /// Set when the client asked for a new sign-in.
    pub(crate) sign_in_after: Option<ReauthRequirement>,
}

/// How things stood when a request came that asked for a new sign-in: only another session counts,
/// begun since, and in the last five minutes.
#[derive(Debug)]
pub(crate) struct ReauthRequirement {
    pub(crate) session: Option<Digest>,
    pub(crate) at: Timestamp,
}

/// A decision about a request.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) request: AuthorizationRequest,
    pub(crate) browser: Digest,
    pub(crate) session: Option<Digest>,
    pub(crate) account: Id,
    pub(crate) decision: Decision,
    /// Of the form's token.
    pub(crate) form: Digest,
    pub(crate) until: Timestamp,
    /// Whether its answer is on the way: all that it leads to is stored.
    pub(crate) answered: bool,
}

/// What lies under the key of a request.
pub(crate) enum StoredRequest {
    Decided { decided: Box<Decided> },
    Pending(Box<PendingAuthorization>),
}

/// What the person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The client gets a code.
    Allow,
    /// The client is told no.
    Deny,
}
