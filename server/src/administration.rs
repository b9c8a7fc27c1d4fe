//! What the command line can ask of a provider, whether it runs in this process or behind the control socket.

use oauth::Timestamp;
use oauth::client::KeySource;
use provider::{AccountSummary, AddedAccount, AddedClient, AdministrationError, ClientSummary, KeySummary, Provider};
use serde::{Deserialize, Serialize};

/// A request of the command line. It has no Debug: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Adds an account: with a password, or with a link to enrol.
    AddAccount {
        /// Its e-mail address.
        email: String,
        /// Its password.
        password: Option<String>,
    },
    /// Lists the accounts.
    Accounts,
    /// Keeps an account from signing in and ends what it allowed.
    DisableAccount {
        /// Its e-mail address.
        email: String,
    },
    /// Lets a disabled account sign in again.
    EnableAccount {
        /// Its e-mail address.
        email: String,
    },
    /// Removes an account for good.
    RemoveAccount {
        /// Its e-mail address.
        email: String,
    },
    /// Registers a client.
    AddClient {
        /// What people call it.
        name: String,
        /// Where answers may go.
        redirect_uris: Vec<String>,
        /// Whether it gets a secret.
        confidential: bool,
        /// The keys by which it proves itself instead.
        #[serde(default)]
        keys: Option<KeySource>,
    },
    /// Lists the clients.
    Clients,
    /// Removes a client.
    RemoveClient {
        /// Its `client_id`.
        client_id: String,
    },
    /// Lists the signing keys.
    Keys,
    /// Makes a new signing key; the old one retires.
    RotateKeys,
}

/// What comes back. It has no Debug: it may hold a client's secret or a link.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", content = "data", rename_all = "snake_case")]
pub enum Answer {
    /// The account that was added.
    AddedAccount(AddedAccount),
    /// All accounts.
    Accounts(Vec<AccountSummary>),
    /// The client that was added, with its secret for this once.
    AddedClient(AddedClient),
    /// All clients.
    Clients(Vec<ClientSummary>),
    /// All keys.
    Keys(Vec<Key>),
    /// It is done, and there is nothing to tell.
    Done,
}

/// A signing key, as listed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Key {
    /// Its id, as in the footer of a token.
    pub kid: String,
    /// `active` or `retiring`.
    pub state: String,
    /// Since when it has signed; unknown of a retiring key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when a retiring key still verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<KeySummary> for Key {
    fn from(KeySummary { kid, state, since, until }: KeySummary) -> Self {
        Self { kid, state: state.to_owned(), since, until }
    }
}

/// Does what is asked. The error is a sentence for the terminal.
pub async fn execute(provider: &Provider, request: Request) -> Result<Answer, String> {
    answer(provider, request).await.map_err(|error| error.to_string())
}

async fn answer(provider: &Provider, request: Request) -> Result<Answer, AdministrationError> {
    Ok(match request {
        Request::AddAccount { email, password } => Answer::AddedAccount(provider.add_account(&email, password.as_deref()).await?),
        Request::Accounts => Answer::Accounts(provider.accounts().await?),
        Request::DisableAccount { email } => done(provider.disable_account(&email).await?),
        Request::EnableAccount { email } => done(provider.enable_account(&email).await?),
        Request::RemoveAccount { email } => done(provider.remove_account(&email).await?),
        Request::AddClient { name, redirect_uris, confidential, keys } => Answer::AddedClient(match keys {
            None => provider.add_client(&name, &redirect_uris, confidential).await?,
            Some(keys) => provider.add_keyed_client(&name, &redirect_uris, keys).await?,
        }),
        Request::Clients => Answer::Clients(provider.clients().await?),
        Request::RemoveClient { client_id } => done(provider.remove_client(&client_id).await?),
        Request::Keys => listed(provider.keys().await?),
        Request::RotateKeys => listed(provider.rotate_keys().await?),
    })
}

fn done((): ()) -> Answer {
    Answer::Done
}

fn listed(keys: Vec<KeySummary>) -> Answer {
    Answer::Keys(keys.into_iter().map(Key::from).collect())
}
