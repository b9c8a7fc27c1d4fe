//! The memory of Vestibule: bytes under keys, how long to keep them, and a few atomic verbs.
//!
//! This crate knows nothing of OAuth. What it promises stands in the table at [`Engine`]; two
//! engines keep the promise, and one contract suite (`tests/contract`) holds both to it:
//!
//! - an embedded file ([`Location::File`]; [`Location::Memory`] is the same engine without a file),
//!   for one server;
//! - Redis 6.2 or newer, or a server that speaks as it does ([`Location::Redis`]), for any number
//!   of servers.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> store::Result<()> {
//! use std::time::Duration;
//! use store::{Ttl, Location, Store};
//!
//! let store = Store::open(&Location::Memory).await?;
//! assert!(store.insert("code:1", b"waiting", Ttl::For(Duration::from_secs(60))).await?);
//! assert_eq!(store.take("code:1").await?.as_deref(), Some(&b"waiting"[..]));
//! assert_eq!(store.take("code:1").await?, None);
//! # Ok(()) }
//! ```

mod clock;
mod embedded;
mod engine;
mod export;
pub mod files;
mod location;
mod redis;
mod resolving;

use std::{fmt, io, ops::Deref, sync::Arc};

pub use embedded::FILE;
pub use engine::{CasResult, Engine, Error, Result, Ttl};
pub use export::{Entry, Export};
pub use location::Location;

/// A handle on one engine: cheap to clone, and with all the verbs of [`Engine`] as methods.
#[derive(Clone)]
pub struct Store(Arc<dyn Engine>);

impl Store {
    /// Wraps an engine of the caller's own (a test's, say).
    pub fn new(engine: impl Engine) -> Self {
        Self(Arc::new(engine))
    }

    /// The same store, which finds out what became of a write whose answer was lost, as far as that
    /// can be known: it looks again, for a few seconds at the most, and repeats what did not
    /// happen.
    ///
    /// | verb | after a lost answer |
    /// |---|---|
    /// | `insert`, `compare_and_swap` | *done* if the value that is there is the one to be written; so a caller to whom it matters who wrote it puts something unique in it |
    /// | `remove`, `set_add`, `set_remove` | *changed* if that is how it is now, though it may have been so before; else repeated |
    /// | `count` | repeated: it may count twice |
    /// | `take` | repeated if the value is there; [`Error::Unavailable`] if it is gone, since another may have taken it |
    #[must_use]
    pub fn resolving(self) -> Self {
        Self::new(resolving::Resolving::new(self))
    }

    /// Opens the store at `location`: creates the file and its folder, or connects to Redis.
    ///
    /// Errors: [`Error::Locked`] if another process has the file open, [`Error::Unavailable`] if it
    /// cannot be opened or Redis does not answer within a few seconds.
    pub async fn open(location: &Location) -> Result<Self> {
        Ok(match location {
            Location::Memory => Self::new(embedded::Embedded::in_memory().await?),
            Location::File(folder) => Self::new(embedded::Embedded::in_folder(folder).await?),
            Location::Redis(url) => Self::new(redis::RedisEngine::connect(url).await?),
        })
    }

    /// Opens the store at `location` as [`open`](Self::open) does, but creates nothing. `None` when
    /// there is no file; a Redis server is there, whatever it holds.
    pub async fn open_existing(location: &Location) -> Result<Option<Self>> {
        match location {
            Location::File(folder) if Self::is_in(folder)? => {
                Ok(Some(Self::new(embedded::Embedded::existing(folder).await?)))
            }
            Location::File(_) => Ok(None),
            Location::Memory | Location::Redis(_) => Self::open(location).await.map(Some),
        }
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
