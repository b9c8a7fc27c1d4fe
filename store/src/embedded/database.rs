//! The redb database: opening it, reading, committing, and opening it anew after a failed write.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use redb::{
    DatabaseError, ReadTransaction, ReadableDatabase,
    backends::{FileBackend, InMemoryBackend},
};

use super::tables::Tables;
use crate::{Error, Result, clock, files};

/// redb's own default is 1 GiB; the server is to stay below 50 MB.
const CACHE_BYTES: usize = 16 << 20;

/// The file in the data folder.
const FILE: &str = "store.redb";

/// Where a database lives.
pub(super) enum Home {
    Memory,
    Folder(PathBuf),
}

/// Whether a folder has a store file, or anything else under its name.
pub(super) fn is_in(folder: &Path) -> io::Result<bool> {
    is_taken(&folder.join(FILE))
}

/// An open database. It is absent only for the moment after a failure, while it is opened anew.
pub(super) struct Database {
    home: Home,
    redb: RwLock<Option<redb::Database>>,
}

impl Database {
    /// Opens it, or creates it with all its tables.
    pub(super) fn open(home: Home) -> Result<Self> {
        let redb = match &home {
            Home::Memory => memory()?,
            Home::Folder(folder) => {
                prepare(folder).map_err(|fault| unavailable(&folder.join(FILE), &fault))?;
                file(folder)?
            }
        };
        Ok(Self { home, redb: RwLock::new(Some(redb)) })
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// Opens what is there, and creates nothing.
    pub(super) fn open_existing(folder: PathBuf) -> Result<Self> {
        let redb = file(&folder)?;
        Ok(Self { home: Home::Folder(folder), redb: RwLock::new(Some(redb)) })
    }

    /// Reads one snapshot: what was committed before this call.
    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T> {
        let redb = self.redb.read().unwrap_or_else(PoisonError::into_inner);
        let redb = redb.as_ref().ok_or_else(closed)?;
        Ok(redb.begin_read().map_err(redb::Error::from).and_then(|snapshot| read(&snapshot))?)
    }

    /// One snapshot to read for long: writers go on meanwhile. It ends with an error when the file has to be opened again.
    pub(super) fn snapshot(&self) -> Result<ReadTransaction> {
        let redb = self.redb.read().unwrap_or_else(PoisonError::into_inner);
        Ok(redb.as_ref().ok_or_else(closed)?.begin_read().map_err(redb::Error::from)?)
    }

    /// Applies `change` and returns once it is on disk. A change that changed nothing costs no sync.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>) -> Result<T> {
        let transaction = {
            let redb = self.redb.read().unwrap_or_else(PoisonError::into_inner);
            redb.as_ref().ok_or_else(closed)?.begin_write().map_err(redb::Error::from)?
        };
        let mut tables = Tables::open(&transaction, clock::now())?;
        let outcome = change(&mut tables)?;
        let changed = tables.changed();
        drop(tables);
        if changed {
            transaction.commit().map_err(redb::Error::from)?;
        } else {
            transaction.abort().map_err(redb::Error::from)?;
        }
        Ok(outcome)
    }

    /// Closes the file and opens it again: after a failed write or sync redb refuses all further work, though the cause
    /// (a full disk, say) may pass. Readers are told that the store is unavailable meanwhile. A file that has vanished is
    /// not created anew: a store without its records would be worse than none.
    pub(super) fn reopen(&self) -> Result<()> {
        let Home::Folder(folder) = &self.home else {
            return Ok(());
        };
        let broken = self.redb.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(broken);
        let fresh = file(folder)?;
        *self.redb.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(())
    }
}

fn memory() -> Result<redb::Database> {
    let redb = builder().create_with_backend(InMemoryBackend::new()).map_err(redb::Error::from)?;
    make_tables(&redb)?;
    Ok(redb)
}

/// Opens the file, which must be there.
fn file(folder: &Path) -> Result<redb::Database> {
    let path = folder.join(FILE);
    builder().open(&path).map_err(|fault| match fault {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::Locked(path),
        fault => unavailable(&path, &fault),
    })
}

/// Makes folder and file, unless they are there, such that only their owner can read them.
///
/// A file that redb has only begun to make is none, and would stay in the way for ever. So it is made under another name,
/// and gets its own when it is complete; whoever is killed in between leaves something to be made again.
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
    // By the open file, not by its name: nobody can put a link in its place meanwhile.
    let redb = builder().create_with_backend(FileBackend::new(files::replace_private(&unfinished)?)?)?;
    make_tables(&redb)?;
    redb.close()?;
    fs::rename(unfinished, path)?;
    // Only now does the name survive a power failure.
    Ok(entries.sync_all()?)
}

/// Whether anything has this name. A symbolic link does, wherever it leads: a store that is out of reach for the moment, on
/// a disk that is not mounted, say, must not be replaced by an empty one.
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

/// Readers rely on the tables.
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
    Error::Unavailable("the store file is being opened again after a failed write".to_owned())
}
