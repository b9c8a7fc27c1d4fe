//! The servers that speak stdio, over reloads of the configuration: the sessions of one that did not
//! change go on.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::Router;

use super::client::Upstream;

/// The services of the servers that speak stdio, each with its sessions. Clones are the same.
#[derive(Clone, Default)]
pub struct StdioServers(Arc<Mutex<Vec<StdioServer>>>);

struct StdioServer {
    upstream: Upstream,
    service: Router,
}

impl StdioServers {
    /// The service of a server: the one that it has, or a new one.
    pub(super) fn service(&self, upstream: &Upstream, new: impl FnOnce() -> Router) -> Router {
        let mut servers = self.lock();
        let known = servers.iter().find(|server| server.upstream == *upstream);
        if let Some(known) = known {
            return known.service.clone();
        }
        let service = new();
        servers.push(StdioServer {
            upstream: upstream.clone(),
            service: service.clone(),
        });
        service
    }

    /// Forgets the services of all other servers. Their sessions end.
    pub(super) fn keep(&self, upstreams: &[Upstream]) {
        self.lock()
            .retain(|server| upstreams.contains(&server.upstream));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StdioServer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StdioServers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("StdioServers")
            .finish_non_exhaustive()
    }
}
