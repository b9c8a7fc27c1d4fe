//! Requests of clients that failed.

mod kind;
mod notes;
mod requested;

use oauth::Timestamp;
use oauth_clients::client::{Client, ClientSource};
use serde::{Deserialize, Serialize};

pub use kind::FailureKind;
pub use requested::{RequestedParameters, RequestedText};

use super::Maybe;

/// The failures of a day and standing; entries that this version cannot read are kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FailureList(pub(crate) Vec<Maybe<FailedRequest>>);

/// The same failure of the same client, on one day or another of the last days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRequest {
    /// The sent client id; may be any text.
    pub client_id: String,
    /// The name of the client, if known.
    pub client_name: Option<String>,
    /// Its subject.
    pub step: FailedStep,
    /// The kind of the failure.
    pub kind: FailureKind,
    /// The RFC's error code.
    pub code: String,
    /// The description, for developers.
    pub description: String,
    /// How many times.
    pub times: u64,
    /// When first.
    #[serde(with = "crate::values")]
    pub first_at: Timestamp,
    /// When last.
    #[serde(with = "crate::values")]
    pub last_at: Timestamp,
    /// From which address in the network last.
    pub last_from: String,
    /// The standing of the client at that time.
    #[serde(default)]
    pub standing: Standing,
    /// The requested values, each with its requests.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// One set of requested values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What.
    pub asked: RequestedParameters,
    /// The numbers of the latest requests, as error page and log have them; the latest is the last.
    pub requests: Vec<String>,
    /// How many times.
    pub times: u64,
    /// When last.
    #[serde(with = "crate::values")]
    pub last_at: Timestamp,
}

/// The standing of a client. Each has separate records, so that invented clients cannot displace
/// clients in use.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An administrator added it.
    Added,
    /// A user has allowed it something.
    Used,
    /// It registered itself, or has a document, and no user has allowed it anything.
    Known,
    /// It is unknown, or did not identify itself.
    #[default]
    Stranger,
}

impl Standing {
    pub(crate) const ALL: [Self; 4] = [Self::Added, Self::Used, Self::Known, Self::Stranger];

    pub(crate) fn of(client: Option<&Client>) -> Self {
        let Some(client) = client else {
            return Self::Stranger;
        };
        match &client.source {
            ClientSource::Added => Self::Added,
            ClientSource::Registered(_) if client.used_at.is_some() => Self::Used,
            ClientSource::Document { allowed: true, .. } => Self::Used,
            ClientSource::Registered(_) | ClientSource::Document { .. } => Self::Known,
        }
    }

    /// Its name in a key.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Used => "used",
            Self::Known => "known",
            Self::Stranger => "stranger",
        }
    }
}

/// Where a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedStep {
    /// At the registration endpoint.
    Register,
    /// At the authorization endpoint.
    Authorize,
    /// On a page for the user.
    Page,
    /// At the token endpoint.
    Token,
    /// At the revocation endpoint.
    Revoke,
    /// At the introspection endpoint.
    Introspect,
    /// A step that a newer version of this server noted.
    #[serde(other)]
    Other,
}
