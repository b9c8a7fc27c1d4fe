//! Hosts that an administrator keeps out: no application may be vouched for by them, or answer at
//! them (R-C11, T-E39).
//!
//! One record, read again every few seconds and whenever a client asks for a person, and held in
//! memory for everything else, so that it costs the token endpoint nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use oauth::Timestamp;
use oauth_clients::client::Client;
use serde::{Deserialize, Serialize};
use store::Ttl;

use crate::{Provider, keys, problem::Unavailable, records};

/// A host that no application may come from or answer at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedHost {
    /// The host, in lower case. Names below it are blocked too.
    pub host: String,
    /// Since when.
    #[serde(with = "crate::values")]
    pub since: Timestamp,
}

/// All hosts that are kept out, as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Blocked(#[serde(with = "crate::values")] BTreeMap<String, Timestamp>);

/// What is known of them here, and how often it was changed here.
#[derive(Default)]
pub(crate) struct Known(RwLock<(Arc<Blocked>, u64)>);

impl Blocked {
    /// Adds a host; `false` when it is in already.
    pub(crate) fn add(&mut self, host: &str, now: Timestamp) -> bool {
        let new = !self.0.contains_key(host);
        self.0.entry(host.to_owned()).or_insert(now);
        new
    }

    /// Takes a host out; `false` when it was not in.
    pub(crate) fn remove(&mut self, host: &str) -> bool {
        self.0.remove(host).is_some()
    }

    /// Whether a host, or a name it is below of, is in. Compared label by label; a dot at the end
    /// names the same host.
    fn holds(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let above = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        std::iter::once(host)
            .chain(above)
            .any(|name| self.0.contains_key(name))
    }
}

impl Known {
    fn current(&self) -> Arc<Blocked> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn changes(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// What was written here.
    fn changed(&self, blocked: Blocked) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *known = (Arc::new(blocked), known.1 + 1);
    }

    /// What was read, unless it was changed here meanwhile: then it may be older than that.
    fn read(&self, blocked: Blocked, changes: u64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.1 == changes {
            known.0 = Arc::new(blocked);
        }
    }
}

impl Provider {
    /// Reads the blocked hosts again, so that what was blocked elsewhere is blocked here.
    pub async fn refresh_blocked(&self) -> Result<(), Unavailable> {
        let changes = self.0.blocked.changes();
        let blocked: Option<Blocked> = records::read(self.store(), &keys::BLOCKED_HOSTS).await?;
        self.0.blocked.read(blocked.unwrap_or_default(), changes);
        Ok(())
    }

    /// Whether a host of the client is blocked.
    pub(crate) fn blocks(&self, client: &Client) -> bool {
        let blocked = self.0.blocked.current();
        !blocked.0.is_empty() && client.hosts().iter().any(|host| blocked.holds(host))
    }

    /// Whether a host is blocked.
    pub(crate) fn blocks_host(&self, host: &str) -> bool {
        self.0.blocked.current().holds(host)
    }

    /// Whether what is stored of a client names a host that is blocked.
    pub(crate) async fn blocks_stored(&self, client_id: &str) -> Result<bool, Unavailable> {
        if self.0.blocked.current().0.is_empty() {
            return Ok(false);
        }
        let client: Option<Client> = records::read(self.store(), &keys::client(client_id)).await?;
        Ok(client.is_some_and(|client| self.blocks(&client)))
    }

    pub(crate) fn blocked_hosts(&self) -> Vec<BlockedHost> {
        let blocked = self.0.blocked.current();
        blocked
            .0
            .iter()
            .map(|(host, since)| BlockedHost {
                host: host.clone(),
                since: *since,
            })
            .collect()
    }

    /// Changes what is blocked, by compare-and-swap; the answer is whether anything changed.
    pub(crate) async fn change_blocked(
        &self,
        change: impl Fn(&mut Blocked) -> bool,
    ) -> Result<bool, Unavailable> {
        let mut changed = false;
        let next = records::put(
            self.store(),
            &keys::BLOCKED_HOSTS,
            |blocked: Option<Blocked>| {
                let mut blocked = blocked.unwrap_or_default();
                changed = change(&mut blocked);
                (blocked, Ttl::Forever)
            },
        );
        let next = next.await?;
        self.0.blocked.changed(next);
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_e39_a_blocked_host_is_compared_label_by_label() {
        let mut blocked = Blocked::default();
        assert!(blocked.add("evil.example", Timestamp::from_seconds(1)));
        assert!(!blocked.add("evil.example", Timestamp::from_seconds(2)));
        for host in [
            "evil.example",
            "evil.example.",
            "app.evil.example",
            "a.b.evil.example.",
        ] {
            assert!(blocked.holds(host), "{host}");
        }
        for host in [
            "example",
            "notevil.example",
            "evil.example.com",
            "evil-example",
            "",
        ] {
            assert!(!blocked.holds(host), "{host}");
        }
        assert!(blocked.remove("evil.example") && !blocked.remove("evil.example"));
    }
}
