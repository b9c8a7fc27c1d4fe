//! The three set-ups of Redis, and which server has a key.

use std::sync::{Arc, Weak};

use redis::RedisError;

use super::{
    RedisOptions,
    cluster::Cluster,
    dialer::{Address, Dialer},
    node::{Node, Place},
    sentinels::{LOOK_EVERY, Sentinels},
    slots,
};
use crate::{
    Result,
    location::{Form, RedisUrl},
};

/// Where the data is.
pub(super) enum Link {
    /// One address. Behind it may be another server after a failover.
    Single(Arc<Node>),
    /// The primary that sentinels name.
    Sentinels(Arc<Node>),
    /// The primaries of a cluster.
    Cluster(Box<Cluster>),
}

impl Link {
    /// Prepares the connections, and makes one, so that faults are told at the start.
    pub(super) async fn open(url: &RedisUrl, options: &RedisOptions) -> Result<Self> {
        let dialer = Dialer::new(url, options)?;
        let wait = options.wait_for_replica;
        let addresses = url.hosts.iter();
        let addresses: Vec<_> = addresses
            .map(|(host, port)| Address::new(host, *port))
            .collect();
        let link = match &url.form {
            Form::Single => {
                let address = addresses.into_iter().next();
                let address = address.unwrap_or_else(|| Address::new("localhost", 6379));
                let node = Node::new(Place::Fixed(address), &dialer, wait);
                Self::Single(Arc::new(node))
            }
            Form::Sentinel(name) => {
                let asking = dialer.for_sentinels(options)?;
                let sentinels = Arc::new(Sentinels::new(name, addresses, asking));
                let place = Place::Primary(Arc::clone(&sentinels));
                let node = Arc::new(Node::new(place, &dialer, wait));
                tokio::spawn(watch(Arc::downgrade(&node), sentinels));
                Self::Sentinels(node)
            }
            Form::Cluster => Self::Cluster(Box::new(Cluster::new(addresses, &dialer, wait))),
        };
        link.begin().await.map_err(super::explained)?;
        Ok(link)
    }

    async fn begin(&self) -> Result<(), RedisError> {
        match self {
            Self::Single(node) | Self::Sentinels(node) => node.connection().await.map(|_| ()),
            Self::Cluster(cluster) => {
                cluster.learn().await?;
                let primary = cluster.primary(0).await?;
                primary.connection().await.map(|_| ())
            }
        }
    }

    /// The server that has a key.
    pub(super) async fn node(&self, key: &[u8]) -> Result<Arc<Node>, RedisError> {
        match self {
            Self::Single(node) | Self::Sentinels(node) => Ok(Arc::clone(node)),
            Self::Cluster(cluster) => cluster.primary(slots::slot(key)).await,
        }
    }

    /// The server to which another one redirects. Only clusters do that.
    pub(super) fn at(&self, address: &str) -> Option<Arc<Node>> {
        match self {
            Self::Single(_) | Self::Sentinels(_) => None,
            Self::Cluster(cluster) => Some(cluster.node(&Address::parse(address)?)),
        }
    }

    /// Looks again where the data is, after a server did not answer or refused. Single servers and
    /// sentinels are looked up for every new connection.
    pub(super) async fn look_again(&self) {
        if let Self::Cluster(cluster) = self
            && let Err(fault) = cluster.learn().await
        {
            tracing::warn!(%fault, "the Redis Cluster does not report its slots");
        }
    }

    /// Every server that has data.
    pub(super) async fn primaries(&self) -> Result<Vec<Arc<Node>>, RedisError> {
        match self {
            Self::Single(node) | Self::Sentinels(node) => Ok(vec![Arc::clone(node)]),
            Self::Cluster(cluster) => {
                cluster.learn().await?;
                let primaries = cluster.map().primaries();
                Ok(primaries
                    .iter()
                    .map(|address| cluster.node(address))
                    .collect())
            }
        }
    }

    /// What changes when keys move from one server to another; `None` where they never do.
    pub(super) fn placement(&self) -> Option<Arc<slots::SlotMap>> {
        match self {
            Self::Single(_) | Self::Sentinels(_) => None,
            Self::Cluster(cluster) => Some(cluster.map()),
        }
    }
}

/// Leaves a former primary, also while it answers, until the store is dropped.
async fn watch(node: Weak<Node>, sentinels: Arc<Sentinels>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(node) = node.upgrade() else { return };
        let number = node.number();
        if sentinels.has_changed().await {
            node.lost(number);
        }
    }
}
