//! What every service needs: settings, store, clock and randomness.

use std::sync::Arc;

use oauth::Timestamp;
use store::Store;

use crate::{
    background::BackgroundTasks,
    environment::{Entropy, Environment},
    settings::Settings,
};

/// What every service needs. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub(crate) struct Context(Arc<Parts>);

struct Parts {
    settings: Settings,
    /// The store that resolves writes with a lost answer.
    store: Store,
    /// The plain store, for background writes.
    plain_store: Store,
    environment: Environment,
    background: Arc<BackgroundTasks>,
}

impl Context {
    /// A context over a store, with its plain and its resolving form.
    pub(crate) fn new(settings: Settings, store: Store, environment: Environment) -> Self {
        Self(Arc::new(Parts {
            settings,
            store: store.clone().resolving(),
            plain_store: store,
            environment,
            background: Arc::default(),
        }))
    }

    /// The same with other settings.
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self(Arc::new(Parts {
            settings,
            store: self.0.store.clone(),
            plain_store: self.0.plain_store.clone(),
            environment: self.0.environment.clone(),
            background: Arc::clone(&self.0.background),
        }))
    }

    /// The settings of the server.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The store. A write with a lost answer is resolved.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// The store without resolving lost answers.
    pub(crate) fn plain_store(&self) -> &Store {
        &self.0.plain_store
    }

    /// The time by the server's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.environment.clock.now()
    }

    /// The random source.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.environment.entropy
    }

    /// Work after the response.
    pub(crate) fn background(&self) -> &BackgroundTasks {
        &self.0.background
    }

    /// Clock, random source and the world outside.
    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }
}
