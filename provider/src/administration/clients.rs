//! Clients by hand.

use oauth::{
    Timestamp,
    client::{Authentication, Client, Origin, secret_digest, secret_text},
    redirect::RedirectUri,
};
use serde::{Deserialize, Serialize};
use store::Keep;

use super::{AdministrationError, Done};
use crate::{Provider, keys, record};

const LONGEST_NAME: usize = 200;

/// A client, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSummary {
    /// Its identifier.
    pub client_id: String,
    /// Its name; empty when it gave none.
    pub name: String,
    /// Where answers to it may go.
    pub redirect_uris: Vec<String>,
    /// Whether it has a secret.
    pub confidential: bool,
    /// When it was registered, in seconds since 1970.
    pub created_at: Timestamp,
}

/// A client that was added. It has no Debug: the secret is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedClient {
    /// Its identifier.
    pub client_id: String,
    /// Its secret, if it is confidential.
    pub client_secret: Option<String>,
}

impl Provider {
    /// Registers a client. A confidential one gets a secret, which nobody sees again.
    pub async fn add_client(&self, name: &str, redirect_uris: &[String], confidential: bool) -> Done<AddedClient> {
        let secret = confidential.then(|| secret_text(&self.entropy().secret()));
        let client = Client {
            id: self.new_client_id(),
            name: Some(client_name(name)?),
            redirect_uris: client_redirect_uris(redirect_uris)?,
            authentication: secret.as_deref().map_or(Authentication::None, |secret| Authentication::Secret(secret_digest(secret))),
            refreshes: true,
            origin: Origin::Added,
            created_at: self.now(),
        };
        self.keep_client(&client, Keep::Forever).await?;
        Ok(AddedClient { client_id: client.id, client_secret: secret })
    }

    /// All clients, oldest first.
    pub async fn clients(&self) -> Done<Vec<ClientSummary>> {
        let mut clients = Vec::new();
        for id in self.all(keys::CLIENTS).await? {
            let client: Option<Client> = record::read(self.store(), &keys::client(&id)).await?;
            clients.extend(client.map(ClientSummary::of));
        }
        clients.sort_by_key(|client| client.created_at);
        Ok(clients)
    }

    /// Removes a client. Its tokens are worth nothing at the token endpoint from now on.
    pub async fn remove_client(&self, client_id: &str) -> Done {
        let removed = self.store().remove(&keys::client(client_id)).await?;
        let listed = self.store().delist(keys::CLIENTS, client_id).await?;
        if removed || listed { Ok(()) } else { Err(AdministrationError::NotFound(format!("there is no client {client_id:?}"))) }
    }
}

impl ClientSummary {
    fn of(client: Client) -> Self {
        Self {
            client_id: client.id,
            name: client.name.unwrap_or_default(),
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            confidential: matches!(client.authentication, Authentication::Secret(_)),
            created_at: client.created_at,
        }
    }
}

fn client_name(name: &str) -> Done<String> {
    let name = name.trim();
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control);
    let fault = || AdministrationError::Invalid(format!("a client's name has 1 to {LONGEST_NAME} bytes and no control characters"));
    fits.then(|| name.to_owned()).ok_or_else(fault)
}

fn client_redirect_uris(uris: &[String]) -> Done<Vec<RedirectUri>> {
    if uris.is_empty() {
        return Err(AdministrationError::Invalid("a client needs at least one redirect URI".to_owned()));
    }
    let fault = |uri, reason: &oauth::Reason| AdministrationError::Invalid(format!("{uri:?}: {}", reason.description()));
    uris.iter().map(|uri| RedirectUri::register(uri).map_err(|reason| fault(uri, &reason))).collect()
}
