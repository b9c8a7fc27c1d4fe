//! Authorization requests: pending, or decided.

use oauth::{Digest, Id, Timestamp, authorize::AuthorizationRequest};
use serde::{Deserialize, Serialize};

/// A pending request, bound to its browser.
#[derive(Debug)]
pub(crate) struct PendingAuthorization {
    pub(crate) request: AuthorizationRequest,
    pub(crate) browser: Digest,
    pub(crate) expires_at: Timestamp,
    /// Set when the client required a new sign-in.
    pub(crate) sign_in_after: Option<ReauthRequirement>,
}

/// The requirement of a new sign-in: only another session satisfies it, begun since then, and
/// within the last five minutes.
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
    /// Whether its response is complete: everything it depends on is stored.
    pub(crate) answered: bool,
}

/// The record under the key of a request.
pub(crate) enum StoredRequest {
    Decided { decided: Box<Decided> },
    Pending(Box<PendingAuthorization>),
}

/// The user's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The client gets a code.
    Allow,
    /// Access is denied.
    Deny,
}
