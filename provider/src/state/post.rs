//! Forms that were sent.

use oauth::Timestamp;

/// A post, and its answer.
pub(crate) struct Post {
    /// Its expiry.
    pub(crate) until: Timestamp,
    /// Base64url.
    pub(crate) salt: String,
    /// The sealed [`Remembered`], once there is one.
    pub(crate) answer: Option<String>,
}
