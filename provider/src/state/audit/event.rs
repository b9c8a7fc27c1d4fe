//! What the audit log says. It holds no secret: no code, token, password, link, or what somebody typed
//! in vain.

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
    /// Whose account it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
    /// From where it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RequestSource>,
    /// Which application it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientName>,
    /// What else there is to say: the name of a passkey, a resource, a role, a host, the id of a
    /// key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Set when it stands for several alike: how often it happened since the last event of its kind
    /// was written. `at`, `from`, `client` and `about` are then those of the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl Event {
    /// Whether an account or an application that it names contains `text`, whatever its case.
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
            .whose
            .iter()
            .map(|whose| &whose.email)
            .chain(by)
            .chain(client);
        named
            .into_iter()
            .any(|name| name.to_lowercase().contains(&text))
    }
}

/// Whose account an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    /// The account.
    #[serde(with = "crate::values")]
    pub account: Id,
    /// Its address at that time.
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

/// An application, as it was called at that time.
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
    /// The person whose account it is about, or who claimed to be.
    Person,
    /// An administrator, on the pages.
    Administrator(Whose),
    /// Whoever runs the server, at the terminal.
    Terminal,
    /// The application.
    Client,
    /// Somebody whom this version of the server does not know: a newer one noted it.
    #[serde(untagged)]
    Unknown(Value),
}
