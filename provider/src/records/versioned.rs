//! A record with the bytes that it was read from.

use store::{CasResult, Store, Ttl};

use super::{
    encoding::{Record, decode, encode},
    key::Key,
    unknown::with_unknown_members,
};
use crate::unavailable::Unavailable;

/// A record, and the bytes that a swap replaces.
#[derive(Clone, Debug)]
pub(crate) struct Versioned<T> {
    /// As this release reads it.
    pub(crate) record: T,
    bytes: Vec<u8>,
}

/// The stored bytes of a record, and those that this release would write for it, without unknown
/// members.
pub(crate) struct StoredBytes {
    bytes: Vec<u8>,
    known: Vec<u8>,
}

/// The result of a swap.
pub(crate) enum Swapped<T> {
    /// The next record is stored.
    Done(Versioned<T>),
    /// Another was faster: this is there now.
    Changed(Option<Versioned<T>>),
}

impl<T: Record> Versioned<T> {
    /// Reads a record with its bytes.
    ///
    /// # Errors
    /// [`Unavailable`] when the store does not answer, or this release cannot read what lies there.
    pub(crate) async fn read(store: &Store, key: &Key<T>) -> Result<Option<Self>, Unavailable> {
        Self::of(key, store.get(key.as_str()).await?)
    }

    /// The record of bytes that were read.
    ///
    /// # Errors
    /// [`Unavailable`] when this release cannot read them.
    pub(crate) fn of(key: &Key<T>, bytes: Option<Vec<u8>>) -> Result<Option<Self>, Unavailable> {
        let Some(bytes) = bytes else { return Ok(None) };
        let record = decode(key, &bytes)?;
        Ok(Some(Self { record, bytes }))
    }

    /// A record that is assumed to be stored as this release writes it.
    pub(crate) fn supposed(record: T) -> Self {
        let bytes = encode(&record);
        Self { record, bytes }
    }

    /// The bytes of the record.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record and its stored bytes.
    pub(crate) fn apart(self) -> (T, StoredBytes) {
        let known = encode(&self.record);
        let bytes = self.bytes;
        (self.record, StoredBytes { bytes, known })
    }

    /// Replaces this record in one step.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) async fn swap(
        self,
        store: &Store,
        key: &Key<T>,
        next: T,
        ttl: Ttl,
    ) -> Result<Swapped<T>, Unavailable> {
        self.apart().1.swap(store, key, next, ttl).await
    }
}

impl StoredBytes {
    /// Replaces these bytes by a record, with the unknown members.
    ///
    /// # Errors
    /// As [`Versioned::read`].
    pub(crate) async fn swap<T: Record>(
        self,
        store: &Store,
        key: &Key<T>,
        next: T,
        ttl: Ttl,
    ) -> Result<Swapped<T>, Unavailable> {
        let (bytes, next) = self.replaced(next);
        match store
            .compare_and_swap(key.as_str(), &bytes, &next.bytes, ttl)
            .await?
        {
            CasResult::Done => Ok(Swapped::Done(next)),
            CasResult::Changed(other) => Ok(Swapped::Changed(Versioned::of(key, other)?)),
        }
    }

    /// These bytes, and a record with the unknown members that they have.
    pub(super) fn replaced<T: Record>(self, next: T) -> (Vec<u8>, Versioned<T>) {
        let Self { bytes, known } = self;
        let encoded = with_unknown_members(&bytes, &known, encode(&next));
        let next = Versioned {
            record: next,
            bytes: encoded,
        };
        (bytes, next)
    }
}
