//! What is remembered of a client that registered itself.

use primitives::Digest;
use serde::{Deserialize, Serialize};

/// The metadata of a registration that no rule depends on. The other members are in [`Client`]
/// alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationDetails {
    pub(crate) token_endpoint_auth_method: Method,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application_type: Option<ApplicationType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) software_version: Option<String>,
}

/// Ways to authenticate at the token endpoint that can be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

/// Native or web (R-K10): kept and repeated, and nothing is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ApplicationType {
    Native,
    Web,
}

/// What is stored of a registration beside its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Other metadata.
    pub details: RegistrationDetails,
    /// The digest of the token by which it manages its registration (RFC 7592 section 1.2).
    pub token: Digest,
}
