//! Redis in its other forms and versions, for the contract suite.

use std::{any::Any, time::Duration};

use store::{RedisOptions, Store, StoreLocation};
use testkit::{RedisCluster, RedisSentinels, RedisServer};

/// Without persistence: these tests stop no server.
const VOLATILE: [&str; 4] = ["--save", "", "--appendonly", "no"];

/// Servers that several cases use one after the other.
pub(crate) struct Setup {
    url: String,
    wait_for_replica: Option<Duration>,
    _servers: Box<dyn Any + Send + Sync>,
}

impl Setup {
    fn of(url: String, servers: impl Any + Send + Sync) -> Self {
        Self {
            url,
            wait_for_replica: None,
            _servers: Box::new(servers),
        }
    }

    /// An empty store: each case has its own prefix.
    pub(crate) async fn store(&self, case: &str) -> Store {
        let options = RedisOptions {
            prefix: format!("{case}:"),
            wait_for_replica: self.wait_for_replica,
            ..RedisOptions::default()
        };
        let location = StoreLocation::Redis(self.url.clone());
        Store::open_with(&location, &options)
            .await
            .expect("the store opens")
    }
}

/// A primary that a sentinel names.
pub(crate) fn one_sentinel() -> Setup {
    let servers = RedisSentinels::start(1, 1, &VOLATILE);
    Setup::of(servers.url(), servers)
}

/// A cluster.
pub(crate) fn three_nodes() -> Setup {
    let servers = RedisCluster::start(3, false, &VOLATILE);
    Setup::of(servers.url(), servers)
}

/// A primary and a replica, for which every write of a record waits.
pub(crate) fn with_replica() -> Setup {
    let servers = RedisSentinels::start(2, 1, &VOLATILE);
    Setup {
        wait_for_replica: Some(Duration::from_secs(5)),
        ..Setup::of(servers.url(), servers)
    }
}

/// Valkey, which has `SET … IFEQ`.
pub(crate) fn valkey() -> Setup {
    let server = RedisServer::start_program("valkey-server", &VOLATILE);
    Setup::of(server.url(), server)
}

/// Valkey that runs no scripts.
pub(crate) fn without_scripts() -> Setup {
    let off = [
        "--rename-command",
        "EVAL",
        "",
        "--rename-command",
        "EVALSHA",
        "",
    ];
    let server = RedisServer::start_program("valkey-server", &[&VOLATILE[..], &off].concat());
    Setup::of(server.url(), server)
}

/// The oldest version that works.
pub(crate) fn redis_6() -> Setup {
    let server = RedisServer::start_program("redis-server-6.2", &VOLATILE);
    Setup::of(server.url(), server)
}
