//! Records that a list names: added, read by pages, and swept.
//!
//! A record is written before it is listed, so a listed name without a record means that the record
//! has expired. Lists do not expire: some additions also check other names, after the response, and
//! drop those without a record.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};
use store::Store;

use super::{
    batch::Batch,
    encoding::Record,
    key::{Key, List},
    steps::{self, Found},
};
use crate::unavailable::Unavailable;

/// How many names are read at once, and how many records.
const PAGE: usize = 256;
/// One of so many additions sweeps the list, and how many names it looks at.
const SWEEPS: usize = 8;
pub(super) const SWEPT: usize = 64;

/// What a list leads to, as far as this version can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// What can be read.
    pub rows: Vec<T>,
    /// How many entries cannot: a newer version may have written them, or they are damaged. The log
    /// names them.
    pub unreadable: usize,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            unreadable: 0,
        }
    }
}

impl<T> Deref for Listing<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.rows
    }
}

impl<T> DerefMut for Listing<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.rows
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// The records of a list, in a store.
pub(crate) struct Collection<'a, T> {
    store: &'a Store,
    list: List<T>,
}

impl<'a, T> Collection<'a, T> {
    /// The records of a list.
    pub(crate) const fn new(store: &'a Store, list: List<T>) -> Self {
        Self { store, list }
    }

    /// The key of the record with a name.
    pub(crate) fn key(&self, name: &str) -> Key<T> {
        self.list.key(name)
    }

    /// Takes a name out of the list, and leaves the record. `false` when it was not listed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn unlist_name(&self, name: &str) -> Result<bool, Unavailable> {
        Ok(self.store.set_remove(self.list.as_str(), name).await?)
    }

    /// Looks at some names after this one, and drops those without a record, since names outlive
    /// their records. Names are random: one in a few does something, so that the list stays about
    /// as long as the number of records. To be run after the response.
    pub(crate) fn sweep_sometimes(&self, name: &str) -> impl Future<Output = ()> + Send + 'static
    where
        T: 'static,
    {
        let store = self.store.clone();
        let list = self.list.clone();
        let name = name.to_owned();
        async move {
            if is_swept_after(&name)
                && let Err(error) = sweep(&store, &list, &name).await
            {
                tracing::warn!(list = list.as_str(), %error, "a list could not be cleaned up");
            }
        }
    }

    /// Removes a record and its name. `false` when there was no record.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn remove(&self, name: &str) -> Result<bool, Unavailable> {
        let removed = steps::remove(self.store, &self.key(name)).await?;
        self.unlist_name(name).await?;
        Ok(removed)
    }

    /// The first names of the list.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn first_names(&self, most: usize) -> Result<Vec<String>, Unavailable> {
        Ok(self.store.set_range(self.list.as_str(), None, most).await?)
    }

    /// All names of the list.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn names(&self) -> Result<Vec<String>, Unavailable> {
        let mut names = Vec::new();
        while let Some(page) = self.page(names.last().map(String::as_str)).await? {
            let is_last = page.len() < PAGE;
            names.extend(page);
            if is_last {
                break;
            }
        }
        Ok(names)
    }

    /// Reads the listed records, and creates a row for each wanted one. Unreadable ones are counted
    /// and skipped.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn rows<R>(
        &self,
        mut row: impl FnMut(String, T) -> Option<R>,
    ) -> Result<Listing<R>, Unavailable>
    where
        T: Record,
    {
        let mut listing = Listing::default();
        let mut after: Option<String> = None;
        while let Some(names) = self.page(after.as_deref()).await? {
            let mut batch = Batch::default();
            let tickets: Vec<_> = names
                .iter()
                .map(|name| batch.read(self.key(name)))
                .collect();
            let mut records = batch.run(self.store).await?;
            after = names.last().cloned().filter(|_| names.len() == PAGE);
            for (name, ticket) in names.into_iter().zip(tickets) {
                match records.found(&ticket)? {
                    Found::Nothing => {}
                    Found::Unreadable => listing.unreadable += 1,
                    Found::Record(record) => listing.rows.extend(row(name, record)),
                }
            }
            if after.is_none() {
                break;
            }
        }
        Ok(listing)
    }

    /// A page of names; `None` for an empty one.
    async fn page(&self, after: Option<&str>) -> Result<Option<Vec<String>>, Unavailable> {
        let names = self
            .store
            .set_range(self.list.as_str(), after, PAGE)
            .await?;
        Ok((!names.is_empty()).then_some(names))
    }
}

/// Whether the addition of a name sweeps its list.
pub(super) fn is_swept_after(name: &str) -> bool {
    let sum: usize = name.bytes().map(usize::from).sum();
    sum.is_multiple_of(SWEEPS)
}

/// Drops names without a record: one range, one read of the records, one write.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn sweep<T>(store: &Store, list: &List<T>, from: &str) -> Result<(), Unavailable> {
    let names = store.set_range(list.as_str(), Some(from), SWEPT).await?;
    let mut reads = Batch::default();
    let tickets: Vec<_> = names
        .iter()
        .map(|name| reads.read(list.key(name)))
        .collect();
    let mut there = reads.run(store).await?;
    let mut dropped = Batch::default();
    for (name, ticket) in names.iter().zip(&tickets) {
        if !there.exists(ticket)? {
            dropped.unlist_name(list, name);
        }
    }
    dropped.run(store).await.map(drop)
}
