//! The whole store, as a stream with bounded memory.

use tokio::sync::mpsc;

use crate::{Error, Result, Ttl, engine::PROBE};

/// How many entries may wait for the reader.
const WAITING: usize = 256;

/// An entry of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A record, or a counter.
    Record {
        /// Its key.
        key: String,
        /// Its value.
        value: Vec<u8>,
        /// Its remaining lifetime when it was read.
        ttl: Ttl,
    },
    /// A member of a list.
    Member {
        /// The list.
        list: String,
        /// The member.
        member: String,
    },
}

/// The entries of a store, one by one; see [`Engine::export`](crate::Engine::export).
#[derive(Debug)]
pub struct Export {
    pieces: mpsc::Receiver<Piece>,
    /// Whether the end was received.
    ended: bool,
}

/// What an engine sends.
#[derive(Debug)]
enum Piece {
    Entry(Entry),
    Fault(Error),
    /// The end. If it is missing, the export was interrupted, for example by a panic of the reader
    /// on a damaged file.
    End,
}

/// The sender of entries. Sending fails when the export is no longer read.
pub(crate) struct Entries(mpsc::Sender<Piece>);

/// The export is no longer read.
pub(crate) struct Abandoned;

impl Export {
    /// The next entry; `None` at the end. Nothing follows an error.
    pub async fn next(&mut self) -> Option<Result<Entry>> {
        while !self.ended {
            match self.pieces.recv().await {
                Some(Piece::Entry(entry)) if entry.is_of_a_probe() => {}
                Some(Piece::Entry(entry)) => return Some(Ok(entry)),
                Some(Piece::End) => self.ended = true,
                broken => {
                    self.ended = true;
                    let fault = if let Some(Piece::Fault(error)) = broken {
                        error
                    } else {
                        broken_off()
                    };
                    return Some(Err(fault));
                }
            }
        }
        None
    }

    /// An export that is read on a blocking thread.
    pub(crate) fn blocking(
        read: impl FnOnce(&Entries) -> Result<(), Fault> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let entries = Entries(sender);
            // The receiver may be gone.
            let _ = match read(&entries) {
                Ok(()) => entries.0.blocking_send(Piece::End),
                Err(Fault::Store(error)) => entries.0.blocking_send(Piece::Fault(error)),
                Err(Fault::Abandoned) => Ok(()),
            };
        });
        Self {
            pieces: receiver,
            ended: false,
        }
    }

    /// An export that is read by an asynchronous task.
    pub(crate) fn running<F>(read: impl FnOnce(Entries) -> F) -> Self
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING);
        let reading = read(Entries(sender.clone()));
        tokio::spawn(async move {
            let _ = match reading.await {
                Ok(()) => sender.send(Piece::End).await,
                Err(Fault::Store(error)) => sender.send(Piece::Fault(error)).await,
                Err(Fault::Abandoned) => Ok(()),
            };
        });
        Self {
            pieces: receiver,
            ended: false,
        }
    }
}

impl Entries {
    /// Sends an entry from a blocking thread.
    pub(crate) fn send_blocking(&self, entry: Entry) -> Result<(), Abandoned> {
        self.0
            .blocking_send(Piece::Entry(entry))
            .map_err(|_| Abandoned)
    }

    /// Sends an entry.
    pub(crate) async fn send(&self, entry: Entry) -> Result<(), Abandoned> {
        self.0
            .send(Piece::Entry(entry))
            .await
            .map_err(|_| Abandoned)
    }
}

impl Entry {
    /// Whether a probe wrote this entry, which is not exported.
    fn is_of_a_probe(&self) -> bool {
        matches!(self, Self::Record { key: name, .. } | Self::Member { list: name, .. } if name == PROBE)
    }
}

fn broken_off() -> Error {
    Error::Unavailable("the store could not be read to the end; the file may be damaged".to_owned())
}

/// Why an export is interrupted.
pub(crate) enum Fault {
    /// It is no longer read.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> Entry {
        Entry::Record {
            key: key.to_owned(),
            value: Vec::new(),
            ttl: Ttl::Forever,
        }
    }

    async fn read(mut export: Export) -> Vec<Result<Entry>> {
        let mut all = Vec::new();
        while let Some(entry) = export.next().await {
            all.push(entry);
        }
        all
    }

    /// redb panics on a damaged file.
    #[tokio::test]
    async fn an_export_whose_reader_panics_ends_with_an_error() {
        let blocking = Export::blocking(|entries| {
            entries.send_blocking(entry("a"))?;
            panic!("on purpose");
        });
        let running = Export::running(async |entries| {
            entries.send(entry("a")).await?;
            panic!("on purpose");
        });
        for export in [blocking, running] {
            let all = read(export).await;
            assert!(
                matches!(all.as_slice(), [Ok(_), Err(Error::Unavailable(why))] if why.contains("could not be read to the \
                     end")),
                "{all:?}"
            );
        }
    }

    #[tokio::test]
    async fn entries_of_a_probe_are_not_exported() {
        let export = Export::blocking(|entries| {
            entries.send_blocking(entry(PROBE))?;
            entries.send_blocking(Entry::Member {
                list: PROBE.to_owned(),
                member: "m".to_owned(),
            })?;
            Ok(entries.send_blocking(entry("a"))?)
        });
        let all = read(export).await;
        assert!(
            matches!(all.as_slice(), [Ok(Entry::Record { key, .. })] if key == "a"),
            "{all:?}"
        );
    }
}
