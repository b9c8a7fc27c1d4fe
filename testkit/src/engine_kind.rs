//! The engines under the server.

use store::{Location, Store};

use crate::RedisServer;

/// The engine a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum EngineKind {
    /// The embedded engine without a file.
    Memory,
    /// A Redis server of the test's own.
    Redis,
}

impl EngineKind {
    /// Opens an empty store, and what must live as long.
    pub async fn open(self) -> (Store, Option<RedisServer>) {
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

/// Makes of each case, a function of an [`EngineKind`], one test on each engine:
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
