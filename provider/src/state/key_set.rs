//! The public keys at a client's address.

use jose::Jwks;
use oauth::Timestamp;

/// A key set, as it was last fetched.
#[derive(Clone)]
pub(crate) struct KeySet {
    pub(crate) keys: Jwks,
    pub(crate) fetched_at: Timestamp,
    pub(crate) fresh_until: Timestamp,
    /// Later than `fetched_at` when the address gave nothing the last time.
    pub(crate) asked_at: Timestamp,
}
