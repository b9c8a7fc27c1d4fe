//! Opening the store and the provider over it, the same way for the server and for a command.

use std::time::Duration;

use provider::{Environment, Provider};
use store::Store;
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::sealing;

/// Why a provider could not be opened, as a sentence for the terminal.
#[derive(Debug)]
pub enum Failure {
    /// Another process holds the store's file, perhaps for a moment only.
    Locked(String),
    /// Anything else.
    Fault(String),
}

impl Failure {
    /// The sentence.
    pub fn into_sentence(self) -> String {
        match self {
            Self::Locked(sentence) | Self::Fault(sentence) => sentence,
        }
    }
}

/// A provider, and the store below it.
pub struct Opened {
    /// The provider.
    pub provider: Provider,
    /// The store.
    pub store: Store,
}

/// Opens both, once.
pub async fn open(config: &Config) -> Result<Opened, Failure> {
    let store = Store::open(&config.store).await.map_err(|error| explain(config, &error))?;
    // Only now: whoever holds the store is the only one to make its sealing key.
    let sealing_key = sealing::load(config).map_err(Failure::Fault)?;
    let provider = Provider::open(config.settings(), store.clone(), sealing_key, Environment::system())
        .await
        .map_err(|error| Failure::Fault(format!("The store {} cannot be used: {error}.", config.store)))?;
    Ok(Opened { provider, store })
}

/// Opens both, waiting for `patience` while another process holds the store.
pub async fn open_patiently(config: &Config, patience: Duration) -> Result<Opened, Failure> {
    let deadline = Instant::now() + patience;
    loop {
        match open(config).await {
            Err(Failure::Locked(_)) if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
            result => return result,
        }
    }
}

fn explain(config: &Config, error: &store::Error) -> Failure {
    match error {
        store::Error::Locked(path) => Failure::Locked(format!(
            "The store {} is held by another process, probably a running vestibule; stop that one first, or choose another with --store.",
            path.display()
        )),
        other => Failure::Fault(format!("The store {} cannot be opened: {other}.", config.store)),
    }
}
