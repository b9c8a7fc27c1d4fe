//! Clients by hand.

use oauth::{
    Timestamp,
    client::{Authentication, Client, KeySource, Origin, secret_digest, secret_text},
    redirect::{PrivateSchemes, RedirectUri},
};
use serde::{Deserialize, Serialize};

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
    /// Whether it has to prove itself, by a secret or by keys.
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
        let digest = secret.as_deref().map(secret_digest);
        let authentication = digest.map_or(Authentication::None, Authentication::Secret);
        let client_id = self.keep_added_client(name, redirect_uris, authentication).await?;
        Ok(AddedClient { client_id, client_secret: secret })
    }

    /// Registers a client that proves itself by its own keys (`private_key_jwt`).
    pub async fn add_keyed_client(&self, name: &str, redirect_uris: &[String], keys: KeySource) -> Done<AddedClient> {
        let client_id = self.keep_added_client(name, redirect_uris, Authentication::Keys(keys)).await?;
        Ok(AddedClient { client_id, client_secret: None })
    }

    async fn keep_added_client(&self, name: &str, redirect_uris: &[String], authentication: Authentication) -> Done<String> {
        let client = Client {
            id: self.new_client_id(),
            name: Some(client_name(name)?),
            redirect_uris: client_redirect_uris(redirect_uris, &self.settings().private_schemes)?,
            authentication,
            refreshes: true,
            origin: Origin::Added,
            created_at: self.now(),
        };
        let client_id = client.id.clone();
        self.keep_client(client).await?;
        Ok(client_id)
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

    /// Removes a client. Its tokens are worth nothing at the token endpoint from now on. One with a metadata document is only
    /// forgotten: the next request asks for the document again. The settings can keep it out.
    pub async fn remove_client(&self, client_id: &str) -> Done {
        let found = self.forget_client(client_id).await?;
        if found { Ok(()) } else { Err(AdministrationError::NotFound(format!("there is no client {client_id:?}"))) }
    }
}

impl ClientSummary {
    fn of(client: Client) -> Self {
        Self {
            client_id: client.id,
            name: client.name.unwrap_or_default(),
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            confidential: matches!(client.authentication, Authentication::Secret(_) | Authentication::Keys(_)),
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

fn client_redirect_uris(uris: &[String], schemes: &PrivateSchemes) -> Done<Vec<RedirectUri>> {
    if uris.is_empty() {
        return Err(AdministrationError::Invalid("a client needs at least one redirect URI".to_owned()));
    }
    let fault = |uri, reason: &oauth::Reason| AdministrationError::Invalid(format!("{uri:?}: {}", reason.description()));
    uris.iter().map(|uri| RedirectUri::register(uri, schemes).map_err(|reason| fault(uri, &reason))).collect()
}
