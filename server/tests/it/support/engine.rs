//! The engines under the server.

use store::{Location, Store};
use testkit::RedisServer;

/// The engine a test runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    /// The embedded engine without a file.
    Memory,
    /// A Redis server of the test's own.
    Redis,
}

impl Engine {
    /// Opens an empty store, and what must live as long.
    pub(crate) async fn open(self) -> (Store, Option<RedisServer>) {
        match self {
            Self::Memory => (open(&Location::Memory).await, None),
            Self::Redis => {
                let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
                (open(&Location::Redis(redis.url())).await, Some(redis))
            }
        }
    }
}

async fn open(location: &Location) -> Store {
    Store::open(location).await.expect("the store opens")
}
