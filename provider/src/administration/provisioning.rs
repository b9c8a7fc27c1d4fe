//! Clients that an administrator adds and changes. Adding never changes a client that exists, so a
//! script can repeat it.

use oauth::{
    ProtocolError as _,
    client::ClientId,
    redirect::{PrivateSchemes, RedirectUri},
};
use oauth_clients::client::{
    Authentication, CLIENT_PREFIX, Client, ClientSource, KeySource, secret_digest, secret_text,
    validate_chosen_id,
};
use serde::{Deserialize, Serialize};

use super::{
    AdministrationError, ClientAdministration, Done, InvalidInput, MissingTarget, StateConflict,
};
use crate::{
    records::{self, Change, keys},
    state::audit::{AuditAction, ClientName},
};

const LONGEST_NAME: usize = 200;

/// How a client that an administrator adds proves that it is itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientProof {
    /// It cannot (a public client).
    None,
    /// By a secret, which the server generates.
    Secret,
    /// By an assertion under one of its keys (`private_key_jwt`).
    Keys(KeySource),
}

/// A client to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewClient {
    /// Its identifier; the server generates one if absent.
    pub id: Option<String>,
    /// The display name.
    pub name: String,
    /// Where answers to it may go.
    pub redirect_uris: Vec<String>,
    /// How it proves that it is itself.
    pub proof: ClientProof,
}

impl NewClient {
    /// A client whose identifier the server generates.
    fn new(name: &str, redirect_uris: &[String], proof: ClientProof) -> Self {
        Self {
            id: None,
            name: name.to_owned(),
            redirect_uris: redirect_uris.to_vec(),
            proof,
        }
    }
}

/// The changes of a client. Absent members stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientChanges {
    /// The display name.
    pub name: Option<String>,
    /// Where answers to it may go, all of them.
    pub redirect_uris: Option<Vec<String>>,
    /// How it proves that it is itself.
    pub proof: Option<ClientProof>,
}

/// A client that was added, or was there already. It has no Debug: the secret is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedClient {
    /// Its identifier.
    pub client_id: String,
    /// Its secret, if one was generated.
    pub client_secret: Option<String>,
    /// Whether the same client was there already. Its secret is not shown again.
    #[serde(default)]
    pub unchanged: bool,
}

/// The result of a change. It has no Debug: the secret is shown only once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedClient {
    /// The client's identifier.
    pub client_id: String,
    /// The changed members: `name`, `redirect_uris`, `authentication`. Empty if nothing changed.
    pub changed: Vec<String>,
    /// The secret, if one was generated.
    pub client_secret: Option<String>,
}

/// The validated values of an administrator for a client.
#[derive(Default)]
struct ValidatedClient {
    name: Option<String>,
    redirect_uris: Option<Vec<RedirectUri>>,
    proof: Option<ClientProof>,
}

impl ClientAdministration<'_> {
    /// Registers a client under a generated identifier. A confidential one gets a secret, which is
    /// shown once.
    pub async fn add_client(
        &self,
        name: &str,
        redirect_uris: &[String],
        confidential: bool,
    ) -> Done<AddedClient> {
        let proof = if confidential {
            ClientProof::Secret
        } else {
            ClientProof::None
        };
        self.create_client(NewClient::new(name, redirect_uris, proof))
            .await
    }

    /// Registers a client that proves itself by its own keys (`private_key_jwt`).
    pub async fn add_keyed_client(
        &self,
        name: &str,
        redirect_uris: &[String],
        keys: KeySource,
    ) -> Done<AddedClient> {
        let proof = ClientProof::Keys(keys);
        self.create_client(NewClient::new(name, redirect_uris, proof))
            .await
    }

    /// Registers a client, or finds that the same client is there already. One of the same
    /// identifier that differs is an error and stays as it is.
    pub async fn create_client(&self, new: NewClient) -> Done<AddedClient> {
        let NewClient {
            id,
            name,
            redirect_uris,
            proof,
        } = new;
        let wanted = self.check(Some(&name), Some(&redirect_uris), Some(proof))?;
        let Some(id) = id else {
            return self
                .store_new_client(
                    self.services().clients.registry.new_client_id().into(),
                    &wanted,
                )
                .await;
        };
        validate_chosen_id(&id).map_err(|why| InvalidInput::ClientId {
            client_id: id.clone(),
            fault: why.to_string(),
        })?;
        match records::read::<Client>(self.services().context.store(), &keys::client(&id)).await? {
            Some(existing) => self.repeat(&existing, &wanted).await,
            None if id.starts_with(CLIENT_PREFIX) => Err(InvalidInput::ReservedClientId {
                client_id: id,
                prefix: CLIENT_PREFIX.to_owned(),
            }
            .into()),
            None => self.store_new_client(id, &wanted).await,
        }
    }

    /// Changes a client that an administrator added. A client that becomes confidential gets a
    /// secret; one that has a secret keeps it.
    pub async fn change_client(
        &self,
        client_id: &str,
        wanted: ClientChanges,
    ) -> Done<ChangedClient> {
        let ClientChanges {
            name,
            redirect_uris,
            proof,
        } = wanted;
        if name.is_none() && redirect_uris.is_none() && proof.is_none() {
            return Err(InvalidInput::NoChange.into());
        }
        let checked = self.check(name.as_deref(), redirect_uris.as_deref(), proof)?;
        let secret = secret_text(&self.services().context.entropy().secret());
        let changed = self
            .change_added(client_id, |client| checked.apply(client, &secret))
            .await?;
        let client = changed.client;
        let changed = changed.outcome;
        let made = changed.contains(&AUTHENTICATION)
            && matches!(client.authentication, Authentication::Secret(_));
        if !changed.is_empty() {
            self.record_client(
                AuditAction::ClientChanged,
                client.named(),
                Some(changed.join(", ")),
            )
            .await;
        }
        let changed = changed.into_iter().map(str::to_owned).collect();
        Ok(ChangedClient {
            client_id: client.id.into(),
            changed,
            client_secret: made.then_some(secret),
        })
    }

    /// Creates a new secret for a confidential client that an administrator added, which is shown
    /// once. The old one ends now.
    pub async fn renew_client_secret(&self, client_id: &str) -> Done<AddedClient> {
        let secret = secret_text(&self.services().context.entropy().secret());
        let renew = |client: &mut Client| match client.authentication {
            Authentication::Secret(_) => {
                client.authentication = Authentication::Secret(secret_digest(&secret));
                Ok(())
            }
            Authentication::None => Err(StateConflict::ClientIsPublic(client_id.to_owned())),
            Authentication::Keys(_) | Authentication::KeysOrNone(_) => {
                Err(StateConflict::ClientUsesKeys(client_id.to_owned()))
            }
        };
        let changed = self.change_added(client_id, renew).await?;
        changed.outcome?;
        self.record_client(AuditAction::ClientSecretMade, changed.client.named(), None)
            .await;
        Ok(AddedClient {
            client_id: changed.client.id.into(),
            client_secret: Some(secret),
            unchanged: false,
        })
    }

    /// Changes the record of a client that was added; it is written only where it differs.
    async fn change_added<A>(
        &self,
        client_id: &str,
        mut change: impl FnMut(&mut Client) -> A,
    ) -> Done<Changed<A>> {
        let services = self.services();
        let decide = |client: Option<Client>| {
            let before = match client.ok_or_else(|| unknown(client_id)).and_then(added) {
                Ok(client) => client,
                Err(error) => return Change::refuse(error),
            };
            let mut client = before.clone();
            let outcome = change(&mut client);
            let next = (client != before)
                .then(|| services.clients.registry.client_with_ttl(client.clone()));
            Change {
                next,
                answer: Ok(Changed { client, outcome }),
            }
        };
        if validate_chosen_id(client_id).is_err() {
            return Err(
                match records::read::<Client>(services.context.store(), &keys::client(client_id))
                    .await?
                    .map(added)
                {
                    Some(Err(error)) => error,
                    _ => unknown(client_id),
                },
            );
        }
        services
            .clients
            .registry
            .change_client(client_id, decide)
            .await?
    }

    async fn store_new_client(&self, id: String, wanted: &ValidatedClient) -> Done<AddedClient> {
        let services = self.services();
        let secret = matches!(wanted.proof, Some(ClientProof::Secret))
            .then(|| secret_text(&services.context.entropy().secret()));
        let mut client = Client {
            id: ClientId::of(&*id),
            name: None,
            redirect_uris: Vec::new(),
            authentication: Authentication::None,
            may_refresh: true,
            source: ClientSource::Added,
            created_at: services.context.now(),
            used_at: None,
        };
        wanted.apply(&mut client, secret.as_deref().unwrap_or_default());
        let named = client.named();
        if services.clients.registry.keep_client(client).await? {
            self.record_client(AuditAction::ClientAdded, named, None)
                .await;
            return Ok(AddedClient {
                client_id: id,
                client_secret: secret,
                unchanged: false,
            });
        }
        // Another writer was faster.
        let existing: Option<Client> =
            records::read(services.context.store(), &keys::client(&id)).await?;
        self.repeat(&existing.ok_or(AdministrationError::Unavailable)?, wanted)
            .await
    }

    /// Adding a client that exists: fine when it is the same.
    async fn repeat(&self, existing: &Client, wanted: &ValidatedClient) -> Done<AddedClient> {
        let added = added(existing.clone())?;
        if !wanted.apply(&mut added.clone(), "").is_empty() {
            return Err(StateConflict::ClientDiffers(existing.id.to_string()).into());
        }
        // In case that an earlier attempt ended before the client was listed.
        self.services()
            .clients
            .registry
            .list_again(existing)
            .await?;
        Ok(AddedClient {
            client_id: existing.id.to_string(),
            client_secret: None,
            unchanged: true,
        })
    }

    fn check(
        &self,
        name: Option<&str>,
        redirect_uris: Option<&[String]>,
        proof: Option<ClientProof>,
    ) -> Done<ValidatedClient> {
        let schemes = &self.services().context.settings().private_schemes;
        let redirect_uris = redirect_uris
            .map(|uris| client_redirect_uris(uris, schemes))
            .transpose()?;
        Ok(ValidatedClient {
            name: name.map(client_name).transpose()?,
            redirect_uris,
            proof,
        })
    }
}

const AUTHENTICATION: &str = "authentication";

impl ValidatedClient {
    /// Changes a client to the given values; returns the changed members. A client that has a
    /// secret keeps it.
    fn apply(&self, client: &mut Client, secret: &str) -> Vec<&'static str> {
        let mut changed = Vec::new();
        let name = self.name.as_ref();
        if let Some(name) = name.filter(|_| client.name.as_ref() != name) {
            client.name = Some(name.clone());
            changed.push("name");
        }
        let uris = self.redirect_uris.as_ref();
        if let Some(uris) = other(uris, |uris| are_the_same(uris, &client.redirect_uris)) {
            client.redirect_uris.clone_from(uris);
            changed.push("redirect_uris");
        }
        let proof = self.proof.as_ref();
        if let Some(proof) = other(proof, |proof| proof.is(&client.authentication)) {
            client.authentication = proof.authentication(secret);
            changed.push(AUTHENTICATION);
        }
        changed
    }
}

impl ClientProof {
    fn is(&self, authentication: &Authentication) -> bool {
        match (self, authentication) {
            (Self::None, Authentication::None) | (Self::Secret, Authentication::Secret(_)) => true,
            (Self::Keys(keys), Authentication::Keys(known)) => keys == known,
            _ => false,
        }
    }

    fn authentication(&self, secret: &str) -> Authentication {
        match self {
            Self::None => Authentication::None,
            Self::Secret => Authentication::Secret(secret_digest(secret)),
            Self::Keys(keys) => Authentication::Keys(keys.clone()),
        }
    }
}

/// A client after a change, and what the change led to.
struct Changed<A> {
    client: Client,
    outcome: A,
}

trait Named {
    /// How the audit log names it.
    fn named(&self) -> ClientName;
}

impl Named for Client {
    fn named(&self) -> ClientName {
        ClientName {
            id: self.id.to_string(),
            name: self.name.clone().unwrap_or_else(|| self.id.to_string()),
        }
    }
}

/// A client that an administrator added. All others describe themselves, and would change it back.
fn added(client: Client) -> Done<Client> {
    match client.source {
        ClientSource::Added => Ok(client),
        ClientSource::Registered(_) => {
            Err(StateConflict::ClientRegisteredItself(client.id.into()).into())
        }
        ClientSource::Document { .. } => {
            Err(StateConflict::ClientHasDocument(client.id.into()).into())
        }
    }
}

fn unknown(client_id: &str) -> AdministrationError {
    MissingTarget::Client(client_id.to_owned()).into()
}

/// Their order does not matter.
fn are_the_same(some: &[RedirectUri], others: &[RedirectUri]) -> bool {
    some.len() == others.len() && some.iter().all(|uri| others.contains(uri))
}

fn client_name(name: &str) -> Done<String> {
    let name = name.trim();
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control);
    let fault = InvalidInput::ClientName {
        maximum: LONGEST_NAME,
    };
    Ok(fits.then(|| name.to_owned()).ok_or(fault)?)
}

/// Each once, in the order in which they were given.
pub(super) fn client_redirect_uris(
    uris: &[String],
    schemes: &PrivateSchemes,
) -> Done<Vec<RedirectUri>> {
    if uris.is_empty() {
        return Err(InvalidInput::NoRedirectUri.into());
    }
    let fault = |uri: &String, reason: &oauth::error::RedirectUriError| InvalidInput::RedirectUri {
        redirect_uri: uri.clone(),
        fault: reason.description(),
    };
    let mut accepted: Vec<RedirectUri> = Vec::with_capacity(uris.len());
    for uri in uris {
        let uri = RedirectUri::register(uri, schemes).map_err(|reason| fault(uri, &reason))?;
        if !accepted.contains(&uri) {
            accepted.push(uri);
        }
    }
    Ok(accepted)
}

/// A given value, if it is not so already.
fn other<T>(given: Option<&T>, is_so: impl FnOnce(&T) -> bool) -> Option<&T> {
    given.filter(|given| !is_so(given))
}
