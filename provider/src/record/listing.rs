//! Records by the names in a list, read many at a time.

use std::ops::{Deref, DerefMut};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Found, found};
use crate::{Provider, problem::Unavailable};

/// How many records are read at once.
const A_PAGE: usize = 256;

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

impl Provider {
    /// Reads the records that a list names, and makes a row of each that is wanted. What cannot be
    /// read is counted and passed over.
    pub(crate) async fn list<T: DeserializeOwned, R>(
        &self,
        list: &str,
        key: impl Fn(&str) -> String,
        mut row: impl FnMut(String, T) -> Option<R>,
    ) -> Result<Listing<R>, Unavailable> {
        let (mut listing, mut after) = (Listing::default(), None);
        loop {
            let names = self
                .store()
                .set_range(list, after.as_deref(), A_PAGE)
                .await?;
            let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
            let records = try_join_all(keys.iter().map(|key| self.store().get(key))).await?;
            after = names.last().cloned().filter(|_| names.len() == A_PAGE);
            for ((name, key), bytes) in names.into_iter().zip(keys).zip(records) {
                match found(&key, bytes) {
                    Found::Nothing => {}
                    Found::Unreadable => listing.unreadable += 1,
                    Found::Record(record) => listing.rows.extend(row(name, record)),
                }
            }
            if after.is_none() {
                return Ok(listing);
            }
        }
    }
}
