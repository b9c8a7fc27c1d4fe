//! Opening the store and the provider over it, the same way for the server and for a command.

use std::time::Duration;

use access_token::SealingKey;
use provider::{Environment, OpenError, Provider};
use store::{Store, StoreLocation};
use tokio::time::{Instant, sleep};

use crate::{config::Config, files, sealing};

/// Why a provider could not be opened, as a sentence for the command line.
#[derive(Debug)]
pub(crate) enum StoreOpenError {
    /// Another process holds the store's file, perhaps for a moment only.
    Locked(String),
    /// Anything else.
    Fault(String),
}

impl StoreOpenError {
    /// The sentence.
    pub(crate) fn into_sentence(self) -> String {
        match self {
            Self::Locked(sentence) | Self::Fault(sentence) => sentence,
        }
    }
}

/// Whether a store may be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// The server, and commands that prepare one, create the store that is missing.
    Allowed,
    /// Other commands have nothing to work on without one.
    Refused,
}

/// A provider, and the store below it.
pub(crate) struct Opened {
    /// The provider.
    pub provider: Provider,
    /// The store.
    pub store: Store,
    /// Whether the store is new.
    pub created: bool,
}

/// The error for a store that opened but does not work.
pub(crate) fn unusable(config: &Config, error: impl std::fmt::Display) -> StoreOpenError {
    StoreOpenError::Fault(format!("Cannot use the store {}: {error}.", config.store))
}

impl Opened {
    /// Writes what a command left for after its answer, before its process ends.
    pub(crate) async fn finish(&self) {
        if let Err(error) = self.provider.audit().add_last_events().await {
            tracing::error!(%error, "events could not be written to the audit log");
        }
    }
}

/// Opens the store that is there, and creates nothing.
pub(crate) async fn open_existing(config: &Config) -> Result<Store, StoreOpenError> {
    let opened = Store::open_existing_with(&config.store, &config.redis())
        .await
        .map_err(|error| explain(config, &error))?;
    let store = opened.ok_or_else(|| StoreOpenError::Fault(no_store(&config.store)))?;
    match provider::is_in_use(&store).await {
        Ok(true) => Ok(store),
        Ok(false) => Err(StoreOpenError::Fault(no_store(&config.store))),
        Err(error) => Err(unusable(config, error)),
    }
}

/// Opens both, once.
pub(crate) async fn open(config: &Config, creation: Creation) -> Result<Opened, StoreOpenError> {
    let store = open_store(config, creation).await?;
    let created = !provider::is_in_use(&store).await.unwrap_or(true);
    let sealing_key = sealing_key(config, created).map_err(StoreOpenError::Fault)?;
    let provider = Provider::open(
        config.settings(),
        store.clone(),
        sealing_key,
        Environment::system(),
    )
    .await
    .map_err(|error| unusable(config, explained(&error)))?;
    Ok(Opened {
        provider,
        store,
        created,
    })
}

async fn open_store(config: &Config, creation: Creation) -> Result<Store, StoreOpenError> {
    match creation {
        Creation::Refused => open_existing(config).await,
        Creation::Allowed => Store::open_with(&config.store, &config.redis())
            .await
            .map_err(|error| explain(config, &error)),
    }
}

fn explained(error: &OpenError) -> String {
    match error {
        OpenError::Restoring => {
            "a restore into it is running or was interrupted; run \"vestibule restore\" again to finish it"
                .to_owned()
        }
        OpenError::Unavailable(_) | OpenError::Sealed(_) | OpenError::Key(_) => error.to_string(),
    }
}

/// Called once the store is held: only its holder makes the sealing key. Keys that are sealed need
/// the key they are sealed under: a new one would open nothing.
fn sealing_key(config: &Config, created: bool) -> Result<SealingKey, String> {
    if created {
        sealing::load(config)
    } else {
        sealing::existing(config)
    }
}

/// Opens both, waiting for `patience` while another process holds the store.
pub(crate) async fn open_patiently(
    config: &Config,
    patience: Duration,
) -> Result<Opened, StoreOpenError> {
    let deadline = Instant::now() + patience;
    loop {
        match open(config, Creation::Allowed).await {
            Err(StoreOpenError::Locked(_)) if Instant::now() < deadline => {
                sleep(Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
}

/// The error for a store that did not open.
pub(crate) fn explain(config: &Config, error: &store::Error) -> StoreOpenError {
    match error {
        store::Error::Locked(path) => StoreOpenError::Locked(format!(
            "The store {} is in use by another process, probably a running Vestibule. Stop it first, or choose another \
             store with --store.",
            path.display()
        )),
        other => {
            StoreOpenError::Fault(match config.data_folder().and_then(files::explain_folder) {
                Some(whose) => format!("Cannot open the store: {whose}."),
                None => format!("Cannot open the store {}: {other}.", config.store),
            })
        }
    }
}

/// For commands that would have to create one.
pub(crate) fn no_store(location: &StoreLocation) -> String {
    match location {
        StoreLocation::File(folder) => {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            format!(
                "No store at {}. Give --store or --config.",
                folder.display()
            )
        }
        other => {
            format!("No store at {other}: it contains no Vestibule data. Give --store or --config.")
        }
    }
}
