//! The issuer that a store belongs to.

use oauth::Timestamp;
use serde::{Deserialize, Serialize};

/// The issuer that a store belongs to, as recorded at its first start or when a change was
/// accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreIdentity {
    /// The issuer.
    pub issuer: String,
    /// The domain that passkeys are bound to (the relying party id of WebAuthn); none when the host
    /// is an IP address.
    #[serde(default)]
    pub rp_id: Option<String>,
    /// Since when.
    #[serde(with = "crate::values")]
    pub since: Timestamp,
}
