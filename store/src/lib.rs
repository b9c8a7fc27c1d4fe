//! The store of Vestibule: bytes under keys, with expiry and a few atomic operations.
//!
//! This crate does not know OAuth. The table at [`Engine`] has its guarantees. Two engines
//! implement them, and one contract suite (`tests/contract`) tests both:
//!
//! - an embedded file ([`StoreLocation::File`]; [`StoreLocation::Memory`] is the same engine without a file),
//!   for one server;
//! - Redis 6.2 or newer, or a compatible server ([`StoreLocation::Redis`]), for any number of servers.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> store::Result<()> {
//! use std::time::Duration;
//! use store::{Ttl, StoreLocation, Store};
//!
//! let store = Store::open(&StoreLocation::Memory).await?;
//! assert!(store.insert("code:1", b"waiting", Ttl::For(Duration::from_secs(60))).await?);
//! assert_eq!(store.take("code:1").await?.as_deref(), Some(&b"waiting"[..]));
//! assert_eq!(store.take("code:1").await?, None);
//! # Ok(()) }
//! ```

mod batch;
mod clock;
mod embedded;
mod engine;
mod export;
pub mod files;
mod location;
mod redis;
mod resolving;

use std::{fmt, io, ops::Deref, sync::Arc};

pub use batch::{BatchStep, StepResult, one_by_one};
pub use embedded::{Compacted, FILE};
pub use engine::{CasResult, Engine, Error, Result, Ttl};
pub use export::{Entry, Export};
pub use location::StoreLocation;
pub use redis::{ConnectionPassword, RedisOptions};

/// A handle on one engine. It is cheap to clone and has the operations of [`Engine`] as methods.
#[derive(Clone)]
pub struct Store(Arc<dyn Engine>);

impl Store {
    /// Wraps an engine, for example one of a test.
    pub fn new(engine: impl Engine) -> Self {
        Self(Arc::new(engine))
    }

    /// The same store, which resolves writes with a lost answer, as far as possible: it reads the
    /// record for a few seconds at most, and repeats the write if it did not happen.
    ///
    /// | operation | after a lost answer |
    /// |---|---|
    /// | `insert`, `compare_and_swap` | *done* if the current value is the new one; a caller that must know who wrote it puts something unique into the value |
    /// | `remove`, `set_add`, `set_remove` | *changed* if the list or record has the wanted state, also if it had it before; otherwise repeated |
    /// | `count` | repeated: it may count twice |
    /// | `batch` | each step by its own rule |
    /// | `take` | repeated if the record exists; [`Error::Unavailable`] if it does not, since another caller may have taken it |
    #[must_use]
    pub fn resolving(self) -> Self {
        Self::new(resolving::Resolving::new(self))
    }

    /// Opens the store at `location`: creates the file and its folder, or connects to Redis.
    ///
    /// Errors: [`Error::Locked`] if another process has the file open, [`Error::Unavailable`] if it
    /// cannot be opened or Redis does not answer within a few seconds.
    pub async fn open(location: &StoreLocation) -> Result<Self> {
        Self::open_with(location, &RedisOptions::default()).await
    }

    /// The same with settings for Redis, which count if the store is there.
    pub async fn open_with(location: &StoreLocation, redis: &RedisOptions) -> Result<Self> {
        Ok(match location {
            StoreLocation::Memory => Self::new(embedded::Embedded::in_memory().await?),
            StoreLocation::File(folder) => Self::new(embedded::Embedded::in_folder(folder).await?),
            StoreLocation::Redis(url) => {
                Self::new(Box::pin(redis::RedisEngine::connect(url, redis)).await?)
            }
        })
    }

    /// Opens the store at `location` like [`open`](Self::open), but creates nothing. `None` when
    /// the file does not exist; a Redis server always exists.
    pub async fn open_existing(location: &StoreLocation) -> Result<Option<Self>> {
        Self::open_existing_with(location, &RedisOptions::default()).await
    }

    /// The same with settings for Redis, which count if the store is there.
    pub async fn open_existing_with(
        location: &StoreLocation,
        redis: &RedisOptions,
    ) -> Result<Option<Self>> {
        match location {
            StoreLocation::File(folder) if Self::is_in(folder)? => {
                Ok(Some(Self::new(embedded::Embedded::existing(folder).await?)))
            }
            StoreLocation::File(_) => Ok(None),
            StoreLocation::Memory | StoreLocation::Redis(_) => {
                Self::open_with(location, redis).await.map(Some)
            }
        }
    }

    /// Makes the file of the embedded store in `folder` as small as it can be: the space of removed
    /// records is used again, but not given back otherwise.
    ///
    /// Errors: [`Error::Locked`] if a process has the file open, [`Error::Unavailable`] if it does
    /// not exist or cannot be opened.
    pub async fn compact(folder: &std::path::Path) -> Result<Compacted> {
        embedded::Embedded::compact(folder).await
    }

    fn is_in(folder: &std::path::Path) -> Result<bool> {
        let unavailable =
            |fault: io::Error| Error::Unavailable(format!("{}: {fault}", folder.display()));
        embedded::Embedded::is_in(folder).map_err(unavailable)
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
