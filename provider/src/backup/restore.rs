//! Restoring a backup into an empty store.

use std::{collections::HashMap, io::BufRead};

use futures_util::future::try_join_all;
use oauth::Timestamp;
use store::{CasResult, Entry, Store, Ttl};

use super::{BackupFault, Reader, Stored};
use crate::{records, records::keys, unavailable::Unavailable};

/// How many entries are written at once.
const BATCH: usize = 256;
/// How often a write is repeated when another writer changes the record.
const MOST_TRIES: usize = 8;

/// Whether one-time links and pending requests of the backup are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outstanding {
    /// They end: some may have been used since the backup, and must not work twice.
    End,
    /// They stay, for a store that only moves: nothing was used since.
    Keep,
}

/// What becomes of what an earlier restore that did not finish has left in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// It is removed first. Only if no other restore is running.
    Discard,
    /// It is an error.
    Refuse,
}

/// The result of a restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Records and members of lists that were written.
    pub written: u64,
    /// Records that have expired since the backup.
    pub expired: u64,
    /// One-time links and requests that ended with the restore.
    pub ended: u64,
}

/// Why nothing was restored. The commands have the words.
#[derive(Debug)]
pub enum RestoreError {
    /// The store is not empty.
    NotEmpty,
    /// Another restore is running, or was interrupted.
    Unfinished,
    /// The backup is of no use. The store is as empty as before.
    Backup(BackupFault),
    /// The store failed.
    Unavailable(Unavailable),
}

impl From<BackupFault> for RestoreError {
    fn from(fault: BackupFault) -> Self {
        Self::Backup(fault)
    }
}

impl From<Unavailable> for RestoreError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<store::Error> for RestoreError {
    fn from(error: store::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Writes a backup into an empty store. Verify it first with [`Reader::verify`]: faults are found
/// here too, but only after some entries were written, which are removed again. A mark in the store
/// prevents servers from starting until the restore is complete.
///
/// # Errors
/// [`RestoreError`]; then the store is empty, or holds the mark of a restore that did not finish.
pub async fn restore<R: BufRead>(
    store: &Store,
    backup: Reader<R>,
    now: Timestamp,
    outstanding: Outstanding,
    unfinished: Unfinished,
) -> Result<Restored, RestoreError> {
    if unfinished == Unfinished::Discard && records::exists(store, &keys::RESTORE).await? {
        clear(store).await?;
        records::remove(store, &keys::RESTORE).await?;
    }
    mark(store, now).await?;
    match write(store, backup, now, outstanding).await {
        Err(error) => {
            // When this fails too, the mark stays.
            clear(store).await?;
            records::remove(store, &keys::RESTORE).await?;
            Err(error)
        }
        Ok(restored) => {
            finish(store).await?;
            Ok(restored)
        }
    }
}

/// Removes the mark. After a lost answer, the record is read again.
async fn finish(store: &Store) -> Result<(), Unavailable> {
    match records::remove(store, &keys::RESTORE).await {
        Err(_) if !records::exists(store, &keys::RESTORE).await? => Ok(()),
        removed => Ok(removed.map(drop)?),
    }
}

/// Marks an empty store. The mark is set before the check that the store is empty, so that of two
/// restores one continues.
async fn mark(store: &Store, now: Timestamp) -> Result<(), RestoreError> {
    if !records::insert(store, &keys::RESTORE, &now, Ttl::Forever).await? {
        return Err(RestoreError::Unfinished);
    }
    let mut export = store.export().await?;
    while let Some(entry) = export.next().await {
        if !matches!(entry?, Entry::Record { key, .. } if key == keys::RESTORE.as_str()) {
            records::remove(store, &keys::RESTORE).await?;
            return Err(RestoreError::NotEmpty);
        }
    }
    Ok(())
}

async fn write<R: BufRead>(
    store: &Store,
    mut backup: Reader<R>,
    now: Timestamp,
    outstanding: Outstanding,
) -> Result<Restored, RestoreError> {
    let mut restored = Restored::default();
    // If a record occurs twice, the later one applies.
    let mut records = HashMap::new();
    let mut members = Vec::new();
    while let Some(stored) = backup.next_entry()? {
        match stored {
            Stored::Member { list, member } => members.push((list, member)),
            Stored::Record { record, .. }
                if outstanding == Outstanding::End && keys::is_one_time(&record) =>
            {
                restored.ended += 1;
            }
            Stored::Record { until, .. } if until.is_some_and(|until| until.has_passed(now)) => {
                restored.expired += 1;
            }
            Stored::Record {
                record,
                value,
                bytes,
                until,
            } => {
                let value = value.map(String::into_bytes).or(bytes).unwrap_or_default();
                let ttl = until.map_or(Ttl::Forever, |until| Ttl::For(now.until(until)));
                records.insert(record, (value, ttl));
            }
        }
        if records.len() + members.len() == BATCH {
            restored.written += flush(store, &mut records, &mut members).await?;
        }
    }
    restored.written += flush(store, &mut records, &mut members).await?;
    Ok(restored)
}

type Records = HashMap<String, (Vec<u8>, Ttl)>;

async fn flush(
    store: &Store,
    records: &mut Records,
    members: &mut Vec<(String, String)>,
) -> Result<u64, Unavailable> {
    let count = records.len() + members.len();
    try_join_all(
        records
            .iter()
            .map(|(key, (value, ttl))| put(store, key, value, *ttl)),
    )
    .await?;
    try_join_all(
        members
            .iter()
            .map(|(list, member)| store.set_add(list, member)),
    )
    .await?;
    records.clear();
    members.clear();
    Ok(count.try_into().unwrap_or(u64::MAX))
}

/// Writes a record, replacing an earlier value of it.
async fn put(store: &Store, key: &str, value: &[u8], ttl: Ttl) -> Result<(), Unavailable> {
    for _ in 0..MOST_TRIES {
        if store.insert(key, value, ttl).await? {
            return Ok(());
        }
        if let Some(there) = store.get(key).await?
            && store.compare_and_swap(key, &there, value, ttl).await? == CasResult::Done
        {
            return Ok(());
        }
    }
    Err(Unavailable::contended())
}

/// Removes everything but the mark.
async fn clear(store: &Store) -> Result<(), Unavailable> {
    let mut export = store.export().await?;
    while let Some(entry) = export.next().await {
        match entry? {
            Entry::Record { key, .. } if key == keys::RESTORE.as_str() => {}
            Entry::Record { key, .. } => {
                store.remove(&key).await?;
            }
            Entry::Member { list, member } => {
                store.set_remove(&list, &member).await?;
            }
        }
    }
    Ok(())
}
