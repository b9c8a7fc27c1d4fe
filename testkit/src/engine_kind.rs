//! The store engines of tests.

use store::{Store, StoreLocation};

use crate::RedisServer;

/// The store engine of a test.
#[derive(Clone, Copy, Debug)]
pub enum EngineKind {
    /// The embedded engine in memory.
    Memory,
    /// A Redis server for this test.
    Redis,
}

impl EngineKind {
    /// Opens an empty store, with the Redis server to keep alive.
    pub async fn open(self) -> (Store, Option<RedisServer>) {
        match self {
            Self::Memory => (open(&StoreLocation::Memory).await, None),
            Self::Redis => {
                let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
                (open(&StoreLocation::Redis(redis.url())).await, Some(redis))
            }
        }
    }
}

async fn open(location: &StoreLocation) -> Store {
    Store::open(location).await.expect("the store opens")
}

/// Declares one test on each engine from each case, a function of an [`EngineKind`]:
/// `code::expires::on_redis`.
#[macro_export]
macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => { $(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_memory() {
                super::$case($crate::EngineKind::Memory).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_redis() {
                super::$case($crate::EngineKind::Redis).await;
            }
        }
    )+ };
}
