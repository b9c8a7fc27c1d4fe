//! What a running server can be given again: the provider and the router over it, once the
//! configuration was read again.

use std::sync::{Arc, PoisonError, RwLock};

use provider::Provider;

/// Something that is replaced as a whole. Clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Current<T>(Arc<RwLock<T>>);

impl<T: Clone> Current<T> {
    /// Begins with this.
    pub(crate) fn new(first: T) -> Self {
        Self(Arc::new(RwLock::new(first)))
    }

    /// What it is now.
    pub(crate) fn get(&self) -> T {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the value. Holders of the previous one keep it.
    pub(crate) fn set(&self, next: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

impl From<Provider> for Current<Provider> {
    fn from(provider: Provider) -> Self {
        Self::new(provider)
    }
}
