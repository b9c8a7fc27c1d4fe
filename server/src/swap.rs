//! What a running server can be given again: the provider and the router over it, once the
//! configuration was read again.

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use axum::{Router, extract::Request};
use provider::Provider;
use tower::Service;

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

/// A router that hands each request to the current one. Connections stay, and requests under
/// way end where they began.
pub(crate) fn router(current: Current<Router>) -> Router {
    Router::new().fallback_service(ToCurrent(current))
}

#[derive(Clone)]
struct ToCurrent(Current<Router>);

impl Service<Request> for ToCurrent {
    type Response = <Router as Service<Request>>::Response;
    type Error = Infallible;
    type Future = <Router as Service<Request>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.get().call(request)
    }
}
