//! Assertions that were used.

use oauth::{Id, Timestamp};

/// A used assertion, as stored. It is only read by the request that wrote it, after a lost answer.
pub(crate) struct UsedAssertion {
    pub(crate) expires_at: Timestamp,
    /// The request, which no other one can be taken for.
    pub(crate) by: Id,
}
