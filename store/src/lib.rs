//! The memory of Vestibule: bytes under keys, how long to keep them, and a few atomic verbs.
//!
//! This crate knows nothing of OAuth. What it promises stands in the table at [`Engine`]; two engines keep the promise,
//! and one contract suite (`tests/contract`) holds both to it:
//!
//! - an embedded file ([`Location::File`]; [`Location::Memory`] is the same engine without a file), for one server;
//! - Redis 6.2 or newer, or a server that speaks as it does ([`Location::Redis`]), for any number of servers.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> store::Result<()> {
//! use std::time::Duration;
//! use store::{Keep, Location, Store};
//!
//! let store = Store::open(&Location::Memory).await?;
//! assert!(store.insert("code:1", b"waiting", Keep::For(Duration::from_secs(60))).await?);
//! assert_eq!(store.take("code:1").await?.as_deref(), Some(&b"waiting"[..]));
//! assert_eq!(store.take("code:1").await?, None);
//! # Ok(()) }
//! ```

mod clock;
mod embedded;
mod engine;
mod location;
mod redis;
#[cfg(feature = "testing")]
pub mod testing;

use std::{fmt, ops::Deref, sync::Arc};

pub use engine::{Engine, Error, Keep, Result, Swap};
pub use location::Location;

/// A handle on one engine: cheap to clone, and with all the verbs of [`Engine`] as methods.
#[derive(Clone)]
pub struct Store(Arc<dyn Engine>);

impl Store {
    /// Wraps an engine of the caller's own (a test's, say).
    pub fn new(engine: impl Engine) -> Self {
        Self(Arc::new(engine))
    }

    /// Opens the store at `location`: creates the file and its folder, or connects to Redis.
    ///
    /// Errors: [`Error::Locked`] if another process has the file open, [`Error::Unavailable`] if it cannot be opened
    /// or Redis does not answer within a few seconds.
    pub async fn open(location: &Location) -> Result<Self> {
        Ok(match location {
            Location::Memory => Self::new(embedded::Embedded::in_memory().await?),
            Location::File(folder) => Self::new(embedded::Embedded::in_folder(folder).await?),
            Location::Redis(url) => Self::new(redis::RedisEngine::connect(url).await?),
        })
    }
}

impl Deref for Store {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(..)")
    }
}
