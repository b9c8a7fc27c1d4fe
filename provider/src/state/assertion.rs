//! Assertions that were used.

use oauth::{Id, Timestamp};

/// That an assertion was used, as stored. Nobody reads it again but the request that wrote it, if
/// it got no answer.
pub(crate) struct UsedAssertion {
    pub(crate) expires_at: Timestamp,
    /// The request, which no other one can be taken for.
    pub(crate) by: Id,
}
