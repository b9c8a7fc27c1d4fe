//! Everything in a store, as a stream that holds little in memory.

use tokio::sync::mpsc;

use crate::{Error, Keep, Result};

/// How many entries wait for whoever reads them.
const WAITING: usize = 256;

/// One thing that a store keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A record, or a counter.
    Record {
        /// Its key.
        key: String,
        /// Its value.
        value: Vec<u8>,
        /// The time that was left to it when it was read.
        keep: Keep,
    },
    /// A name in a list.
    Member {
        /// The list.
        list: String,
        /// The name.
        member: String,
    },
}

/// The entries of a store, one after the other; see [`Engine::export`](crate::Engine::export).
#[derive(Debug)]
pub struct Export(mpsc::Receiver<Result<Entry>>);

/// Where an engine hands entries over. It fails when nobody reads them any more.
pub(crate) struct Entries(mpsc::Sender<Result<Entry>>);

/// Nobody reads the export any more.
pub(crate) struct Abandoned;

impl Export {
    /// The next entry; `None` at the end. After an error there is no more.
    pub async fn next(&mut self) -> Option<Result<Entry>> {
        self.0.recv().await
    }

    /// An export that is read on a thread that may wait for the disk.
    pub(crate) fn blocking(read: impl FnOnce(&Entries) -> Result<(), Fault> + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let entries = Entries(sender);
            if let Err(Fault::Store(error)) = read(&entries) {
                // Nobody may be left to be told.
                let _ = entries.0.blocking_send(Err(error));
            }
        });
        Self(receiver)
    }

    /// An export that is read by an asynchronous task.
    pub(crate) fn running<F>(read: impl FnOnce(Entries) -> F) -> Self
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING);
        let reading = read(Entries(sender.clone()));
        tokio::spawn(async move {
            if let Err(Fault::Store(error)) = reading.await {
                let _ = sender.send(Err(error)).await;
            }
        });
        Self(receiver)
    }
}

impl Entries {
    /// Hands an entry over, from a thread that may wait.
    pub(crate) fn give_blocking(&self, entry: Entry) -> Result<(), Abandoned> {
        self.0.blocking_send(Ok(entry)).map_err(|_| Abandoned)
    }

    /// Hands an entry over.
    pub(crate) async fn give(&self, entry: Entry) -> Result<(), Abandoned> {
        self.0.send(Ok(entry)).await.map_err(|_| Abandoned)
    }
}

/// Why an export ends before its end.
pub(crate) enum Fault {
    /// Nobody reads it any more.
    Abandoned,
    /// The store failed.
    Store(Error),
}

impl From<Abandoned> for Fault {
    fn from(_: Abandoned) -> Self {
        Self::Abandoned
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        Self::Store(error.into())
    }
}
