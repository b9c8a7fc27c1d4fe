//! Requests of clients that failed.

mod asked;
mod kind;
mod notes;

use oauth::Timestamp;
use oauth_clients::client::{Client, ClientSource};
use serde::{Deserialize, Serialize};

pub use asked::{Asked, AskedText};
pub use kind::FailureKind;

use super::Maybe;

/// What failed on a day, of one standing; what this version cannot read is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FailureList(pub(crate) Vec<Maybe<Failure>>);

/// The same failure of the same client, on one day or another of the last days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the client called itself; may be any text that was sent.
    pub client_id: String,
    /// The name of the client, where it is known.
    pub client_name: Option<String>,
    /// What it was about.
    pub step: FailedStep,
    /// What went wrong, as far as people need to tell it apart.
    pub kind: FailureKind,
    /// The RFC's error code.
    pub code: String,
    /// What exactly, for developers.
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
    /// How well the client was known then.
    #[serde(default)]
    pub standing: Standing,
    /// What exactly was asked for, each with the requests that did.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What.
    pub asked: Asked,
    /// The numbers of the latest requests, as error page and log have them; the latest is the last.
    pub requests: Vec<String>,
    /// How many times.
    pub times: u64,
    /// When last.
    #[serde(with = "crate::values")]
    pub last_at: Timestamp,
}

/// How well a client is known. Each standing has records of its own, so that nobody who makes
/// clients up takes room from those that people use.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An administrator added it.
    Added,
    /// Somebody has allowed it something.
    Used,
    /// It registered itself, or has a document, and nobody has allowed it anything.
    Known,
    /// It is not known, or did not say who it is.
    #[default]
    Stranger,
}

impl Standing {
    pub(crate) const ALL: [Self; 4] = [Self::Added, Self::Used, Self::Known, Self::Stranger];

    pub(crate) fn of(client: Option<&Client>) -> Self {
        match client.map(|client| &client.source) {
            None => Self::Stranger,
            Some(ClientSource::Added) => Self::Added,
            Some(ClientSource::Registered(registration)) if registration.used_at.is_some() => {
                Self::Used
            }
            Some(ClientSource::Document { allowed: true, .. }) => Self::Used,
            Some(ClientSource::Registered(_) | ClientSource::Document { .. }) => Self::Known,
        }
    }

    /// Its name, as it stands in a key.
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
    /// On a page that a person has to answer.
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
