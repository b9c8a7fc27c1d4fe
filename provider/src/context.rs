//! What every service needs: settings, store, clock and randomness.

use std::sync::Arc;

use oauth::Timestamp;
use store::Store;

use crate::{
    environment::{Entropy, Environment},
    settings::Settings,
};

/// What every service needs. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub(crate) struct Context(Arc<Parts>);

struct Parts {
    settings: Settings,
    /// Finds out what became of a write whose answer was lost.
    store: Store,
    /// The same without that: for writes that nobody waits for.
    plain_store: Store,
    environment: Environment,
}

impl Context {
    /// Over a store, whose plain form and resolving form are both kept.
    pub(crate) fn new(settings: Settings, store: Store, environment: Environment) -> Self {
        Self(Arc::new(Parts {
            settings,
            store: store.clone().resolving(),
            plain_store: store,
            environment,
        }))
    }

    /// The same with other settings.
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self(Arc::new(Parts {
            settings,
            store: self.0.store.clone(),
            plain_store: self.0.plain_store.clone(),
            environment: self.0.environment.clone(),
        }))
    }

    /// The settings of the server.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The store. A write whose answer is lost is looked up again.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// The store, without looking up writes whose answer is lost.
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

    /// Clock, random source and the world outside.
    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }
}
