//! Lists that sort records, by a name or a time, so that a page of them is one range and one read
//! of its records, however many there are. Records of a kind are in one list for each order.
//!
//! A member of such a list begins with what it is sorted by and ends with the name of its record.
//! It is listed after its record is written. The record alone decides, so a member that no longer
//! fits its record is skipped, and then replaced by the right one. A store of an earlier release
//! gets the lists by [`build`].

mod building;
mod members;
mod order;
mod upkeep;

use std::{cmp::max, collections::BTreeSet};

use oauth::Timestamp;
use serde::{Deserialize, Serialize};
use store::Store;

pub use self::order::SortOrder;
pub(crate) use self::{
    building::{Progress, build, build_some},
    members::Members,
    upkeep::{SweepPlaces, change_sorted, change_sorted_from, put_sorted, sweep_sorted_sometimes},
};
use self::{
    members::member,
    upkeep::{Misfit, Misfits, tidying},
};
use super::{batch::Batch, collection::Listing, encoding::Record, key::List, steps::Found};
use crate::{context::Context, unavailable::Unavailable};

/// How many members are read at once, with their records.
const CHUNK: usize = 256;
/// How many records are read from their bytes before other work of the thread gets a turn.
const TURN: usize = 32;
/// How many chunks of a page may consist of members that no longer fit.
const SPARE_CHUNKS: usize = 8;
/// The greatest number of rows of a page.
const MOST_ROWS: usize = 1_000;

/// What the records of a kind are sorted by.
pub(crate) trait Sorting: Send + Sync + 'static {
    /// The records.
    type Record: Record + Send;

    /// The list of all records by their names.
    fn records() -> List<Self::Record>;

    /// The list that sorts them in an order.
    fn sorted(order: SortOrder) -> List<Self::Record>;

    /// A member of such a list: what it is sorted by, and the name of its record.
    fn listed(sorted_by: &str, name: &str) -> String;

    /// The name of a record in the list of all.
    fn name(record: &Self::Record) -> String;

    /// What a record is called, in the form in which that is compared.
    fn called(record: &Self::Record) -> String;

    /// When a record was made.
    fn created_at(record: &Self::Record) -> Timestamp;

    /// When it was last used, if ever.
    fn last_use(record: &Self::Record) -> Option<Timestamp>;

    /// Whether the sorted lists have it.
    fn is_listed(_record: &Self::Record) -> bool {
        true
    }

    /// Whether a record is just about to have another member by name, which is listed before.
    fn is_expected(_record: &Self::Record, _member: &str, _now: Timestamp) -> bool {
        false
    }
}

/// Which rows of a sorted list are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// In which order.
    #[serde(default)]
    pub order: SortOrder,
    /// Those whose name begins with this, by name in any order; all, when it is empty.
    #[serde(default)]
    pub prefix: String,
    /// Those after this, which is the `next` of another page.
    #[serde(default)]
    pub after: Option<String>,
    /// How many at the most; more than a thousand are never read at once.
    pub limit: usize,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            order: SortOrder::default(),
            prefix: String::new(),
            after: None,
            limit: MOST_ROWS,
        }
    }
}

impl PageRequest {
    /// The order in which they come: a name is found in the list by name alone.
    pub(crate) fn list_order(&self) -> SortOrder {
        if self.prefix.is_empty() {
            self.order
        } else {
            SortOrder::Name
        }
    }
}

/// A page of a sorted list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortedPage<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// How many entries cannot be read: a newer version may have written them, or they are damaged.
    /// The log names them.
    pub unreadable: usize,
    /// Where the next page begins, if there may be one.
    pub next: Option<String>,
    /// Whether the list is still being built, so that rows may be missing.
    pub is_being_built: bool,
}

impl<T> SortedPage<T> {
    /// The same page with other rows.
    pub(crate) fn map<R>(self, row: impl FnMut(T) -> R) -> SortedPage<R> {
        SortedPage {
            rows: self.rows.into_iter().map(row).collect(),
            unreadable: self.unreadable,
            next: self.next,
            is_being_built: self.is_being_built,
        }
    }
}

impl<T> Listing<T> {
    /// All rows of a list that is read page by page.
    pub(crate) async fn of_pages<E>(
        page: impl AsyncFn(&PageRequest) -> Result<SortedPage<T>, E>,
    ) -> Result<Self, E> {
        let mut all = Self::default();
        let mut wanted = PageRequest::default();
        loop {
            let page = page(&wanted).await?;
            all.rows.extend(page.rows);
            all.unreadable += page.unreadable;
            wanted.after = page.next;
            if wanted.after.is_none() {
                return Ok(all);
            }
        }
    }
}

/// Collects a page, member by member.
struct Collecting<S: Sorting> {
    order: SortOrder,
    page: SortedPage<S::Record>,
    misfits: Vec<Misfit>,
    /// The keys of those that cannot be read, since the list may have such a record twice.
    unreadable: BTreeSet<String>,
    wanted: usize,
    last: Option<String>,
    now: Timestamp,
}

impl<S: Sorting> Collecting<S> {
    fn new(request: &PageRequest, now: Timestamp) -> Self {
        let prefix = Some(&request.prefix).filter(|prefix| !prefix.is_empty());
        Self {
            order: request.list_order(),
            page: SortedPage {
                rows: Vec::new(),
                unreadable: 0,
                next: None,
                is_being_built: false,
            },
            misfits: Vec::new(),
            unreadable: BTreeSet::new(),
            wanted: request.limit.clamp(1, MOST_ROWS),
            // No member is as short as what it is sorted by.
            last: max(request.after.as_ref(), prefix).cloned(),
            now,
        }
    }

    fn missing(&self) -> usize {
        self.wanted
            .saturating_sub(self.page.rows.len() + self.unreadable.len())
    }

    fn add(&mut self, listed: String, found: Found<S::Record>) {
        let order = self.order;
        let misfit = |right: Option<String>| Misfit {
            order,
            member: listed.clone(),
            right,
        };
        match found {
            Found::Unreadable => {
                let key = S::sorted(order).key(&listed);
                self.unreadable.insert(key.to_string());
            }
            Found::Nothing => self.misfits.push(misfit(None)),
            Found::Record(record) => {
                let right = member::<S>(order, &record);
                if right.as_deref() == Some(&*listed) {
                    self.page.rows.push(record);
                } else if order != SortOrder::Name || !S::is_expected(&record, &listed, self.now) {
                    self.misfits.push(misfit(right));
                }
            }
        }
        self.last = Some(listed);
    }
}

/// Reads a page. Members that do not fit are put right after the response. A small list of an earlier
/// release is built before.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn page<S: Sorting>(
    context: &Context,
    request: &PageRequest,
) -> Result<SortedPage<S::Record>, Unavailable> {
    let store = context.store();
    let is_complete = build_some::<S>(store, request.list_order()).await?;
    let mut collecting = Collecting::<S>::new(request, context.now());
    let mut goes_on = true;
    for _ in 0..collecting.wanted.div_ceil(CHUNK) + SPARE_CHUNKS {
        goes_on = more(store, &request.prefix, &mut collecting).await?;
        if !goes_on || collecting.missing() == 0 {
            break;
        }
    }
    let mut page = collecting.page;
    page.unreadable = collecting.unreadable.len();
    page.next = collecting.last.filter(|_| goes_on);
    page.is_being_built = !is_complete;
    let misfits = Misfits(collecting.misfits);
    if !misfits.is_empty() {
        let tidying = tidying::<S>(store, misfits);
        context.background().spawn(tidying).await;
    }
    Ok(page)
}

/// Reads another chunk. Whether there is more after it.
async fn more<S: Sorting>(
    store: &Store,
    prefix: &str,
    collecting: &mut Collecting<S>,
) -> Result<bool, Unavailable> {
    let list = S::sorted(collecting.order);
    let wanted = collecting.missing().min(CHUNK);
    let asked = wanted + 1;
    let mut members = store
        .set_range(list.as_str(), collecting.last.as_deref(), asked)
        .await?;
    let fitting = members
        .iter()
        .take_while(|member| member.starts_with(prefix))
        .count();
    let goes_on = fitting == asked;
    members.truncate(fitting.min(wanted));
    let mut batch = Batch::default();
    let tickets: Vec<_> = members
        .iter()
        .map(|member| batch.read(list.key(member)))
        .collect();
    let mut records = batch.run(store).await?;
    for (place, (member, ticket)) in members.into_iter().zip(&tickets).enumerate() {
        collecting.add(member, records.found(ticket)?);
        give_turn(place).await;
    }
    Ok(goes_on)
}

/// Lets other work of the thread go on, after every few records.
async fn give_turn(place: usize) {
    if place % TURN == TURN - 1 {
        tokio::task::yield_now().await;
    }
}
