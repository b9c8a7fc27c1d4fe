//! Building a list from the records that earlier releases have written.

use std::cmp::max;

use store::{Store, Ttl};

use super::{CHUNK, SortOrder, Sorting, give_turn, member};
use crate::{
    records::{
        batch::Batch,
        keys,
        steps::{self, Found},
    },
    unavailable::Unavailable,
};

/// How many chunks of a list are built at the start, and before a page is shown: in a small store
/// they are all.
const BUILT_AT_ONCE: usize = 4;

/// How far a list has been built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Whether it contains every record.
    pub(crate) is_complete: bool,
    /// The last name up to which it contains every record.
    pub(crate) after: Option<String>,
}

/// Builds a part of the list of an order, or all of it for a few records. Whether it is complete.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn build_some<S: Sorting>(
    store: &Store,
    order: SortOrder,
) -> Result<bool, Unavailable> {
    build_chunks::<S>(store, order, BUILT_AT_ONCE).await
}

/// Builds the list of an order, unless it is complete. Several servers may do so at once, and each
/// continues where the furthest was.
///
/// # Errors
/// When the store does not answer; the next call continues there.
pub(crate) async fn build<S: Sorting>(store: &Store, order: SortOrder) -> Result<(), Unavailable> {
    build_chunks::<S>(store, order, usize::MAX).await.map(drop)
}

async fn build_chunks<S: Sorting>(
    store: &Store,
    order: SortOrder,
    chunks: usize,
) -> Result<bool, Unavailable> {
    let key = keys::sorting(S::sorted(order).as_str());
    let mut progress = steps::read(store, &key).await?.unwrap_or_default();
    for _ in 0..chunks {
        if progress.is_complete {
            break;
        }
        let reached = build_chunk::<S>(store, order, progress.after).await?;
        let advance = |there: Option<Progress>| {
            let next = there.unwrap_or_default().and(reached.clone());
            (next, Ttl::Forever)
        };
        progress = steps::put(store, &key, advance).await?;
    }
    Ok(progress.is_complete)
}

async fn build_chunk<S: Sorting>(
    store: &Store,
    order: SortOrder,
    after: Option<String>,
) -> Result<Progress, Unavailable> {
    let records = S::records();
    let names = store
        .set_range(records.as_str(), after.as_deref(), CHUNK)
        .await?;
    let mut reads = Batch::default();
    let tickets: Vec<_> = names
        .iter()
        .map(|name| reads.read(records.key(name)))
        .collect();
    let mut found = reads.run(store).await?;
    let mut writes = Batch::default();
    for (place, (name, ticket)) in names.iter().zip(&tickets).enumerate() {
        give_turn(place).await;
        let member = match found.found(ticket)? {
            Found::Nothing => None,
            Found::Unreadable => Some(S::listed("", name)),
            Found::Record(record) => member::<S>(order, &record),
        };
        if let Some(member) = member {
            writes.list_name(&S::sorted(order), &member);
        }
    }
    writes.run(store).await?;
    Ok(Progress {
        is_complete: names.len() < CHUNK,
        after: names.last().cloned().or(after),
    })
}

impl Progress {
    /// As far as either of two servers has come.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            is_complete: self.is_complete || other.is_complete,
            after: max(self.after, other.after),
        }
    }
}
