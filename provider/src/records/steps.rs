//! The steps on records: each reads one, or changes one atomically.

use store::{CasResult, Store, Ttl};

use super::{
    encoding::{Record, decode, encode, parse},
    key::Key,
    versioned::{Swapped, Versioned},
};
use crate::unavailable::Unavailable;

/// How often a change is tried again when others change the same record first. Each try means that
/// another one succeeded.
pub(crate) const MOST_TRIES: usize = 64;

/// Reads a record.
///
/// # Errors
/// [`Unavailable`] when the store does not answer, or this release cannot read what lies there.
pub(crate) async fn read<T: Record>(store: &Store, key: &Key<T>) -> Result<Option<T>, Unavailable> {
    store
        .get(key.as_str())
        .await?
        .map(|bytes| decode(key, &bytes))
        .transpose()
}

/// Whether there is a record, also an unreadable one.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn exists<T>(store: &Store, key: &Key<T>) -> Result<bool, Unavailable> {
    Ok(store.get(key.as_str()).await?.is_some())
}

/// The record under a key.
pub(crate) enum Found<T> {
    /// No record.
    Nothing,
    /// Something that this version cannot read; it is in the log.
    Unreadable,
    /// A record.
    Record(T),
}

impl<T> Found<T> {
    /// The record; an unreadable one counts as none.
    pub(crate) fn record(self) -> Option<T> {
        match self {
            Self::Record(record) => Some(record),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// Reads bytes as far as this release can.
pub(crate) fn found<T: Record>(key: &Key<T>, bytes: Option<&[u8]>) -> Found<T> {
    match bytes.map(parse) {
        None => Found::Nothing,
        Some(Ok(record)) => Found::Record(record),
        Some(Err(error)) => {
            tracing::warn!(%key, %error, "a record cannot be read and is skipped");
            Found::Unreadable
        }
    }
}

/// Reads a record that may be one of a newer version.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn find<T: Record>(store: &Store, key: &Key<T>) -> Result<Found<T>, Unavailable> {
    Ok(found(key, store.get(key.as_str()).await?.as_deref()))
}

/// Reads a record and removes it, in one step.
///
/// # Errors
/// As [`read`].
pub(crate) async fn take<T: Record>(store: &Store, key: &Key<T>) -> Result<Option<T>, Unavailable> {
    store
        .take(key.as_str())
        .await?
        .map(|bytes| decode(key, &bytes))
        .transpose()
}

/// Removes a record, also an unreadable one. `false` when there was none.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn remove<T>(store: &Store, key: &Key<T>) -> Result<bool, Unavailable> {
    Ok(store.remove(key.as_str()).await?)
}

/// Writes a record where none is. `false` when there is one.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn insert<T: Record>(
    store: &Store,
    key: &Key<T>,
    record: &T,
    ttl: Ttl,
) -> Result<bool, Unavailable> {
    Ok(store.insert(key.as_str(), &encode(record), ttl).await?)
}

/// What a change leads to: the record to store, if any, for how long, and the answer.
pub(crate) struct Change<T, A> {
    pub(crate) next: Option<(T, Ttl)>,
    pub(crate) answer: A,
}

impl<T, A, E> Change<T, Result<A, E>> {
    /// Nothing changes, and the answer is no.
    pub(crate) const fn refuse(reason: E) -> Self {
        Self {
            next: None,
            answer: Err(reason),
        }
    }
}

/// Changes a record by compare-and-swap, starting from the read value; `decide` is called again
/// when another writer was faster.
///
/// # Errors
/// As [`read`], and when others are faster all the time.
pub(crate) async fn change_from<T: Record, A>(
    store: &Store,
    key: &Key<T>,
    mut current: Option<Versioned<T>>,
    mut decide: impl FnMut(Option<T>) -> Change<T, A>,
) -> Result<A, Unavailable> {
    for _ in 0..MOST_TRIES {
        let Some(there) = current else {
            return Ok(decide(None).answer);
        };
        let (record, stored) = there.apart();
        let change = decide(Some(record));
        let Some((next, ttl)) = change.next else {
            return Ok(change.answer);
        };
        match stored.swap(store, key, next, ttl).await? {
            Swapped::Done(_) => return Ok(change.answer),
            Swapped::Changed(other) => current = other,
        }
    }
    Err(Unavailable::contended())
}

/// Changes a record by compare-and-swap. A missing record is not created.
///
/// # Errors
/// As [`change_from`].
pub(crate) async fn change<T: Record, A>(
    store: &Store,
    key: &Key<T>,
    decide: impl FnMut(Option<T>) -> Change<T, A>,
) -> Result<A, Unavailable> {
    let current = Versioned::read(store, key).await?;
    change_from(store, key, current, decide).await
}

/// Writes a record by compare-and-swap, or by insert if there is none: `decide` returns the new
/// value, and is called again when another writer was faster.
///
/// # Errors
/// As [`change_from`].
pub(crate) async fn put<T: Record>(
    store: &Store,
    key: &Key<T>,
    decide: impl FnMut(Option<T>) -> (T, Ttl),
) -> Result<T, Unavailable> {
    let current = Versioned::read(store, key).await?;
    Ok(put_from(store, key, current, decide).await?.record)
}

/// The same, starting from what was read or written before; returns what is stored then.
///
/// # Errors
/// As [`change_from`].
pub(crate) async fn put_from<T: Record>(
    store: &Store,
    key: &Key<T>,
    mut current: Option<Versioned<T>>,
    mut decide: impl FnMut(Option<T>) -> (T, Ttl),
) -> Result<Versioned<T>, Unavailable> {
    for _ in 0..MOST_TRIES {
        let Some(there) = current else {
            let (next, ttl) = decide(None);
            if insert(store, key, &next, ttl).await? {
                return Ok(Versioned::supposed(next));
            }
            current = Versioned::read(store, key).await?;
            continue;
        };
        let (record, stored) = there.apart();
        let (next, ttl) = decide(Some(record));
        match stored.swap(store, key, next, ttl).await? {
            Swapped::Done(next) => return Ok(next),
            Swapped::Changed(other) => current = other,
        }
    }
    Err(Unavailable::contended())
}

/// Replaces bytes, to change a record that this release cannot read as a whole. `false` when
/// another writer was faster.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn swap_bytes<T>(
    store: &Store,
    key: &Key<T>,
    expected: &[u8],
    next: &[u8],
    ttl: Ttl,
) -> Result<bool, Unavailable> {
    let swap = store
        .compare_and_swap(key.as_str(), expected, next, ttl)
        .await?;
    Ok(swap == CasResult::Done)
}
