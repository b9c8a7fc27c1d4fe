//! An event of the audit log. It contains no secret: no code, token, password or link, and no input
//! of failed attempts.

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AuditAction;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    #[serde(with = "crate::values")]
    pub at: Timestamp,
    /// What.
    #[serde(rename = "deed")]
    pub action: AuditAction,
    /// Who did it.
    pub by: Actor,
    /// The account that it is about.
    #[serde(default, rename = "whose", skip_serializing_if = "Option::is_none")]
    pub subject: Option<AccountName>,
    /// From where it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RequestSource>,
    /// The client that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientName>,
    /// More information: the name of a passkey, a resource, a role, a host, the id of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Set when it counts several equal events: how many happened since the last event of its kind.
    /// `at`, `from`, `client` and `about` are those of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl Event {
    /// Whether the name of its account or client contains `text`, ignoring case.
    pub(crate) fn names(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let by = if let Actor::Administrator(by) = &self.by {
            Some(&by.email)
        } else {
            None
        };
        let client = self
            .client
            .iter()
            .flat_map(|client| [&client.id, &client.name]);
        let named = self
            .subject
            .iter()
            .map(|subject| &subject.email)
            .chain(by)
            .chain(client);
        named
            .into_iter()
            .any(|name| name.to_lowercase().contains(&text))
    }
}

/// An account, as it was called at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountName {
    /// The account.
    #[serde(with = "crate::values")]
    pub account: Id,
    /// Its email address.
    pub email: String,
}

/// Where something was done from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSource {
    /// The address in the network.
    pub address: String,
    /// The browser, as in "Chrome on Linux"; empty for a program.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
}

/// A client, as it was called at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientName {
    /// Its `client_id`.
    pub id: String,
    /// The name it gave itself, or its id.
    pub name: String,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The user of the account, or a client that claimed to be.
    #[serde(rename = "person")]
    User,
    /// An administrator, on the pages.
    Administrator(AccountName),
    /// An administrator at the terminal.
    Terminal,
    /// The client.
    Client,
    /// An actor of a newer version.
    #[serde(untagged)]
    Unknown(Value),
}
