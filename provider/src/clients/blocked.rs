//! Blocked hosts: no client may have a document or a redirect URI there (R-C11, T-E39).
//!
//! One record, read again every few seconds and for every authorization request, and cached
//! otherwise, so that the token endpoint needs no read.

use std::sync::{Arc, PoisonError, RwLock};

use oauth_clients::client::Client;
use store::Ttl;

use crate::{
    context::Context,
    records::{self, Batch, BatchResults, ReadTicket, keys},
    state::{Blocked, BlockedHost},
    unavailable::Unavailable,
};

/// The cached hosts, and the number of changes by this server.
#[derive(Default)]
pub(crate) struct BlockedCache(RwLock<(Arc<Blocked>, u64)>);

impl BlockedCache {
    fn current(&self) -> Arc<Blocked> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn changes(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// The value that this server wrote.
    fn set(&self, blocked: Blocked) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *cached = (Arc::new(blocked), cached.1 + 1);
    }

    /// The value that was read, unless this server changed it in between: then it may be outdated.
    fn refresh(&self, blocked: Blocked, changes: u64) {
        let mut cached = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cached.1 == changes {
            cached.0 = Arc::new(blocked);
        }
    }
}

/// A read of the blocked hosts, and the number of changes by this server before it.
pub(super) struct BlockedRead {
    ticket: ReadTicket<Blocked>,
    changes: u64,
}

/// The blocked hosts.
#[derive(Clone)]
pub struct BlockedHosts {
    pub(super) context: Context,
    pub(super) cache: Arc<BlockedCache>,
}

impl BlockedHosts {
    /// Reads the blocked hosts again, for changes of other servers.
    pub async fn refresh_blocked(&self) -> Result<(), Unavailable> {
        let mut batch = Batch::default();
        let read = self.read(&mut batch);
        self.refresh(&read, &mut batch.run(self.context.store()).await?)
    }

    /// Reads the blocked hosts in a batch, for [`Self::refresh`].
    pub(super) fn read(&self, batch: &mut Batch) -> BlockedRead {
        BlockedRead {
            changes: self.cache.changes(),
            ticket: batch.read(keys::BLOCKED_HOSTS.clone()),
        }
    }

    /// Uses the blocked hosts that were read.
    pub(super) fn refresh(
        &self,
        read: &BlockedRead,
        results: &mut BatchResults,
    ) -> Result<(), Unavailable> {
        let blocked = results.record(&read.ticket)?;
        self.cache
            .refresh(blocked.unwrap_or_default(), read.changes);
        Ok(())
    }

    /// Whether a host of the client is blocked.
    pub(crate) fn blocks(&self, client: &Client) -> bool {
        let blocked = self.cache.current();
        !blocked.0.is_empty() && client.hosts().iter().any(|host| blocked.holds(host))
    }

    /// Whether a host is blocked.
    pub(crate) fn blocks_host(&self, host: &str) -> bool {
        self.cache.current().holds(host)
    }

    /// Whether any host is blocked.
    pub(crate) fn blocks_any(&self) -> bool {
        !self.cache.current().0.is_empty()
    }

    pub(crate) fn blocked_hosts(&self) -> Vec<BlockedHost> {
        let blocked = self.cache.current();
        blocked
            .0
            .iter()
            .map(|(host, since)| BlockedHost {
                host: host.clone(),
                since: *since,
            })
            .collect()
    }

    /// Changes the blocked hosts by compare-and-swap; returns whether anything changed.
    pub(crate) async fn change_blocked(
        &self,
        change: impl Fn(&mut Blocked) -> bool,
    ) -> Result<bool, Unavailable> {
        let mut changed = false;
        let next = records::put(
            self.context.store(),
            &keys::BLOCKED_HOSTS,
            |blocked: Option<Blocked>| {
                let mut blocked = blocked.unwrap_or_default();
                changed = change(&mut blocked);
                (blocked, Ttl::Forever)
            },
        );
        let next = next.await?;
        self.cache.set(next);
        Ok(changed)
    }
}
