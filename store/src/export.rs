//! Everything in a store, as a stream that holds little in memory.

use tokio::sync::mpsc;

use crate::{Error, Result, Ttl, engine::PROBE};

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
        ttl: Ttl,
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
pub struct Export {
    pieces: mpsc::Receiver<Piece>,
    /// Whether the end came.
    ended: bool,
}

/// What an engine hands over.
#[derive(Debug)]
enum Piece {
    Entry(Entry),
    Fault(Error),
    /// There is no more. Without it the export broke off: its reader panicked, say, over a damaged
    /// file.
    End,
}

/// Where an engine hands entries over. It fails when nobody reads them any more.
pub(crate) struct Entries(mpsc::Sender<Piece>);

/// Nobody reads the export any more.
pub(crate) struct Abandoned;

impl Export {
    /// The next entry; `None` at the end. After an error there is no more.
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

    /// An export that is read on a thread that may wait for the disk.
    pub(crate) fn blocking(
        read: impl FnOnce(&Entries) -> Result<(), Fault> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let entries = Entries(sender);
            // Nobody may be left to be told.
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
    /// Hands an entry over, from a thread that may wait.
    pub(crate) fn give_blocking(&self, entry: Entry) -> Result<(), Abandoned> {
        self.0
            .blocking_send(Piece::Entry(entry))
            .map_err(|_| Abandoned)
    }

    /// Hands an entry over.
    pub(crate) async fn give(&self, entry: Entry) -> Result<(), Abandoned> {
        self.0
            .send(Piece::Entry(entry))
            .await
            .map_err(|_| Abandoned)
    }
}

impl Entry {
    /// What a probe leaves behind for a while is nobody's.
    fn is_of_a_probe(&self) -> bool {
        matches!(self, Self::Record { key: name, .. } | Self::Member { list: name, .. } if name == PROBE)
    }
}

fn broken_off() -> Error {
    Error::Unavailable(
        "reading the store broke off before its end; the file may be damaged".to_owned(),
    )
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

    /// As redb does over a damaged file.
    #[tokio::test]
    async fn an_export_whose_reader_panics_is_not_taken_for_a_whole_one() {
        let blocking = Export::blocking(|entries| {
            entries.give_blocking(entry("a"))?;
            panic!("on purpose");
        });
        let running = Export::running(async |entries| {
            entries.give(entry("a")).await?;
            panic!("on purpose");
        });
        for export in [blocking, running] {
            let all = read(export).await;
            assert!(
                matches!(all.as_slice(), [Ok(_), Err(Error::Unavailable(why))] if why.contains("broke off")),
                "{all:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_a_probe_left_is_not_exported() {
        let export = Export::blocking(|entries| {
            entries.give_blocking(entry(PROBE))?;
            entries.give_blocking(Entry::Member {
                list: PROBE.to_owned(),
                member: "m".to_owned(),
            })?;
            Ok(entries.give_blocking(entry("a"))?)
        });
        let all = read(export).await;
        assert!(
            matches!(all.as_slice(), [Ok(Entry::Record { key, .. })] if key == "a"),
            "{all:?}"
        );
    }
}
