//! The redb database: opening, reading, committing, and reopening after a failed write.

use std::{
    any::Any,
    fmt,
    fs::{self, File},
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{
    DatabaseError, ReadTransaction, ReadableDatabase,
    backends::{FileBackend, InMemoryBackend},
};

use super::tables::Tables;
use crate::{Error, Result, clock, files};

/// The default of redb is 1 GiB; the server should use less than 50 MB.
const CACHE_BYTES: usize = 16 << 20;

/// The file in the data folder of [`Location::File`](crate::Location::File).
pub const FILE: &str = "store.redb";

/// Where a database is stored.
pub(super) enum Home {
    Memory,
    Folder(PathBuf),
    /// A disk that fails on request.
    #[cfg(test)]
    Test(super::faulty_disk::FaultyDisk),
}

/// Why a change failed.
pub(super) enum StoreFileError {
    /// The file is not open.
    Closed,
    Redb(redb::Error),
}

impl StoreFileError {
    /// Whether the next change may succeed after the file is reopened: the disk was full, or the
    /// file is not open. After all other failures, such as a failed sync, it is unknown what is on
    /// disk.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Closed | Self::Redb(redb::Error::PreviousIo) => true,
            Self::Redb(redb::Error::Io(fault)) => {
                matches!(
                    fault.kind(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
                )
            }
            Self::Redb(_) => false,
        }
    }
}

impl From<redb::Error> for StoreFileError {
    fn from(fault: redb::Error) -> Self {
        Self::Redb(fault)
    }
}

impl fmt::Display for StoreFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => {
                f.write_str("the store file is being opened again after a failed write")
            }
            Self::Redb(fault) => fault.fmt(f),
        }
    }
}

/// Whether a folder has a store file, or anything else with its name.
pub(super) fn is_in(folder: &Path) -> io::Result<bool> {
    is_taken(&folder.join(FILE))
}

/// An open database. `redb` is `None` only while the file is reopened after a failure.
pub(super) struct Database {
    home: Home,
    /// Device and inode of the opened file.
    identity: Option<(u64, u64)>,
    redb: RwLock<Option<redb::Database>>,
    /// Whether the last commit saved the state of the allocator.
    is_settled: AtomicBool,
}

impl Database {
    /// Opens the database, or creates it with all its tables.
    pub(super) fn open(home: Home) -> Result<Self> {
        let redb = match &home {
            Home::Memory => over(InMemoryBackend::new())?,
            #[cfg(test)]
            Home::Test(disk) => over(disk.clone())?,
            Home::Folder(folder) => {
                prepare(folder).map_err(|fault| unavailable(&folder.join(FILE), &fault))?;
                file(folder)?
            }
        };
        let identity = if let Home::Folder(folder) = &home {
            identity_of(&folder.join(FILE))
        } else {
            None
        };
        Ok(Self {
            home,
            identity,
            redb: RwLock::new(Some(redb)),
            is_settled: AtomicBool::new(false),
        })
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// Opens an existing database.
    pub(super) fn open_existing(folder: PathBuf) -> Result<Self> {
        let redb = file(&folder)?;
        let identity = identity_of(&folder.join(FILE));
        Ok(Self {
            home: Home::Folder(folder),
            identity,
            redb: RwLock::new(Some(redb)),
            is_settled: AtomicBool::new(false),
        })
    }

    /// Reads one snapshot: everything that was committed before this call. redb may panic on a
    /// damaged file; the panic becomes an error of this read only.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T> {
        let redb = self.redb.read().unwrap_or_else(PoisonError::into_inner);
        let redb = redb.as_ref().ok_or_else(closed)?;
        let reading = || {
            redb.begin_read()
                .map_err(redb::Error::from)
                .and_then(|snapshot| read(&snapshot))
        };
        match catch_unwind(AssertUnwindSafe(reading)) {
            Ok(answer) => Ok(answer?),
            Err(panic) => {
                let panic = said(&*panic);
                tracing::error!(
                    panic,
                    "the store file is damaged: something in it cannot be read"
                );
                Err(Error::Unavailable(format!(
                    "the store file is damaged: {panic}"
                )))
            }
        }
    }

    /// A snapshot for a long read, during which writers continue. Reading it fails when the file
    /// has to be reopened.
    pub(super) fn snapshot(&self) -> Result<ReadTransaction> {
        let redb = self.redb.read().unwrap_or_else(PoisonError::into_inner);
        Ok(redb
            .as_ref()
            .ok_or_else(closed)?
            .begin_read()
            .map_err(redb::Error::from)?)
    }

    /// Applies `change` and returns once it is on disk. A transaction without changes is not
    /// committed.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, StoreFileError> {
        let transaction = self.begin_write()?;
        let mut tables = Tables::open(&transaction, clock::now())?;
        let outcome = change(&mut tables)?;
        let changed = tables.changed();
        drop(tables);
        if changed {
            self.is_settled.store(false, Ordering::Release);
            transaction.commit().map_err(redb::Error::from)?;
        } else {
            transaction.abort().map_err(redb::Error::from)?;
        }
        Ok(outcome)
    }

    /// Whether a start after `kill -9` would be quick, whatever the size of the file.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }

    /// Saves the state of the allocator, which a start after `kill -9` computes from the whole file
    /// otherwise. The next change makes what was saved invalid.
    pub(super) fn settle(&self) -> Result<(), StoreFileError> {
        // Also if it fails: it is tried again after the next change only.
        self.is_settled.store(true, Ordering::Release);
        let mut transaction = self.begin_write()?;
        transaction.set_quick_repair(true);
        Ok(transaction.commit().map_err(redb::Error::from)?)
    }

    fn begin_write(&self) -> Result<redb::WriteTransaction, StoreFileError> {
        let redb = self.redb.read().unwrap_or_else(PoisonError::into_inner);
        let redb = redb.as_ref().ok_or(StoreFileError::Closed)?;
        Ok(redb.begin_write().map_err(redb::Error::from)?)
    }

    /// Whether the open file is still the one at its path. Writes to a removed or replaced file are
    /// lost.
    pub(super) fn is_in_place(&self) -> bool {
        match (&self.home, self.identity) {
            (Home::Folder(folder), Some(identity)) => {
                identity_of(&folder.join(FILE)).is_some_and(|there| there == identity)
            }
            _ => true,
        }
    }

    /// Closes the file and opens it again. After a failed write or sync redb refuses all further
    /// work, although the cause (such as a full disk) may be temporary. Readers get an error in
    /// between. A missing file is not created again: an empty store would be worse than none.
    pub(super) fn reopen(&self) -> Result<()> {
        let Home::Folder(folder) = &self.home else {
            return Ok(());
        };
        if !self.is_in_place() {
            return Err(gone());
        }
        let broken = self
            .redb
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(broken);
        let fresh = file(folder)?;
        *self.redb.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(())
    }
}

fn over(backend: impl redb::StorageBackend) -> Result<redb::Database> {
    let redb = builder()
        .create_with_backend(backend)
        .map_err(redb::Error::from)?;
    make_tables(&redb)?;
    Ok(redb)
}

/// Opens the file, which must exist.
pub(super) fn file(folder: &Path) -> Result<redb::Database> {
    let path = folder.join(FILE);
    builder().open(&path).map_err(|fault| match fault {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            Error::Locked(path)
        }
        fault => unavailable(&path, &fault),
    })
}

/// Creates folder and file if they do not exist, readable for their owner only.
///
/// redb cannot open a file whose creation was interrupted. The file is therefore created under a
/// temporary name and renamed when it is complete. After an interruption, the next start creates it
/// again.
fn prepare(folder: &Path) -> Result<(), redb::Error> {
    files::create_private_folder(folder)?;
    let path = folder.join(FILE);
    if is_taken(&path)? {
        return Ok(());
    }
    let entries = File::open(folder)?;
    // One process at a time, until `entries` is closed.
    entries.lock()?;
    if is_taken(&path)? {
        return Ok(());
    }
    let unfinished = folder.join(format!("{FILE}.new"));
    // Uses the open file, not its name, so that a link cannot replace it.
    let redb =
        builder().create_with_backend(FileBackend::new(files::replace_private(&unfinished)?)?)?;
    make_tables(&redb)?;
    redb.close()?;
    fs::rename(unfinished, path)?;
    // Makes the rename durable.
    Ok(entries.sync_all()?)
}

/// Whether anything has this name, a symbolic link included, even a dangling one. A store that is
/// temporarily unreachable, for example on an unmounted disk, must not be replaced by an empty one.
fn is_taken(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn builder() -> redb::Builder {
    let mut builder = redb::Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Creates the tables, which readers expect.
fn make_tables(redb: &redb::Database) -> Result<(), redb::Error> {
    let transaction = redb.begin_write()?;
    drop(Tables::open(&transaction, 0)?);
    Ok(transaction.commit()?)
}

fn unavailable(path: &Path, fault: &dyn std::error::Error) -> Error {
    Error::Unavailable(format!("{}: {fault}", path.display()))
}

impl From<redb::Error> for Error {
    fn from(fault: redb::Error) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

fn closed() -> Error {
    Error::Unavailable(StoreFileError::Closed.to_string())
}

/// The error for a file that was removed or replaced while it is open.
pub(super) fn gone() -> Error {
    Error::Unavailable(format!(
        "{FILE} was removed or replaced while in use, so changes are lost; stop the server, put the file back and start \
         the server"
    ))
}

/// Device and inode, which identify a file on this computer.
#[cfg(unix)]
fn identity_of(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path)
        .ok()
        .map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity_of(_: &Path) -> Option<(u64, u64)> {
    None
}

/// The message of a panic.
pub(super) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown panic")
}
