//! Lists that sort records, by an address or a time, so that a page of them is one range and one
//! read of its records, however many there are.
//!
//! A member of such a list begins with what it is sorted by and ends with the name of its record.
//! It is listed after its record is written, and before the record gets what it is sorted by; the
//! record alone decides, so a member that no longer fits its record is skipped, and then replaced
//! by the right one. A store of an earlier release gets the list by [`build`].

use std::{cmp::max, collections::BTreeSet};

use oauth::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Store, Ttl};

use super::{
    batch::Batch,
    encoding::Record,
    key::List,
    keys,
    steps::{self, Found},
};
use crate::unavailable::Unavailable;

/// How many members are read at once, with their records.
const CHUNK: usize = 256;
/// How many records are read from their bytes before other work of the thread gets a turn.
const TURN: usize = 32;
/// How many chunks of a page may consist of members that no longer fit.
const SPARE_CHUNKS: usize = 8;
/// The greatest number of rows of a page.
const MOST_ROWS: usize = 1_000;

/// A way to sort the records of a list.
pub(crate) trait Sorting: Send + Sync + 'static {
    /// The records.
    type Record: Record + Send;
    /// The name of the list that sorts them.
    const NAME: &'static str;

    /// The list of all records by their names.
    fn records() -> List<Self::Record>;

    /// The list that sorts them.
    fn sorted() -> List<Self::Record>;

    /// The member of a record.
    fn member(record: &Self::Record) -> String;

    /// The member of a record that this version cannot read, by its name.
    fn unreadable(name: &str) -> String;

    /// Whether a record is just about to have another member.
    fn is_expected(record: &Self::Record, member: &str, now: Timestamp) -> bool;
}

/// How far a list has been built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Whether it contains every record.
    pub(crate) is_complete: bool,
    /// The last name up to which it contains every record.
    pub(crate) after: Option<String>,
}

/// Which rows of a sorted list are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Those that begin with this; all, when it is empty.
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
            prefix: String::new(),
            after: None,
            limit: MOST_ROWS,
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

/// Members that do not fit their records.
pub(crate) struct Misfits(Vec<Misfit>);

struct Misfit {
    member: String,
    /// The one that fits; none without a record.
    right: Option<String>,
}

impl Misfits {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Collects a page, member by member.
struct Collecting<S: Sorting> {
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

    fn add(&mut self, member: String, found: Found<S::Record>) {
        match found {
            Found::Unreadable => {
                self.unreadable.insert(S::sorted().key(&member).to_string());
            }
            Found::Nothing => self.misfits.push(Misfit {
                member: member.clone(),
                right: None,
            }),
            Found::Record(record) => {
                let right = S::member(&record);
                if right == member {
                    self.page.rows.push(record);
                } else if !S::is_expected(&record, &member, self.now) {
                    self.misfits.push(Misfit {
                        member: member.clone(),
                        right: Some(right),
                    });
                }
            }
        }
        self.last = Some(member);
    }
}

/// Reads a page, and which members do not fit: see [`tidy`].
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn page<S: Sorting>(
    store: &Store,
    request: &PageRequest,
    now: Timestamp,
) -> Result<(SortedPage<S::Record>, Misfits), Unavailable> {
    let mut collecting = Collecting::<S>::new(request, now);
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
    Ok((page, Misfits(collecting.misfits)))
}

/// Reads another chunk. Whether there is more after it.
async fn more<S: Sorting>(
    store: &Store,
    prefix: &str,
    collecting: &mut Collecting<S>,
) -> Result<bool, Unavailable> {
    let list = S::sorted();
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

/// Replaces members that do not fit. A record may change meanwhile, so it is read again afterwards,
/// and a member that fits by then is listed again.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn tidy<S: Sorting>(
    store: &Store,
    Misfits(misfits): Misfits,
) -> Result<(), Unavailable> {
    let list = S::sorted();
    let mut added = Batch::default();
    for right in misfits.iter().filter_map(|misfit| misfit.right.as_deref()) {
        added.list_name(&list, right);
    }
    added.run(store).await?;
    let mut dropped = Batch::default();
    for misfit in &misfits {
        dropped.unlist_name(&list, &misfit.member);
    }
    dropped.run(store).await?;
    let mut reads = Batch::default();
    let tickets: Vec<_> = misfits
        .iter()
        .map(|misfit| reads.read(list.key(&misfit.member)))
        .collect();
    let mut records = reads.run(store).await?;
    let mut again = Batch::default();
    for ticket in &tickets {
        if let Found::Record(record) = records.found(ticket)? {
            again.list_name(&list, &S::member(&record));
        }
    }
    again.run(store).await.map(drop)
}

/// Builds a list from the records that earlier releases have written, in at most so many chunks.
/// Whether it is complete. Several servers may do so at once, and each continues where the furthest
/// was.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn build<S: Sorting>(store: &Store, chunks: usize) -> Result<bool, Unavailable> {
    let key = keys::sorting(S::NAME);
    let mut progress = steps::read(store, &key).await?.unwrap_or_default();
    for _ in 0..chunks {
        if progress.is_complete {
            break;
        }
        let reached = build_chunk::<S>(store, progress.after).await?;
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
            Found::Nothing => continue,
            Found::Unreadable => S::unreadable(name),
            Found::Record(record) => S::member(&record),
        };
        writes.list_name(&S::sorted(), &member);
    }
    writes.run(store).await?;
    Ok(Progress {
        is_complete: names.len() < CHUNK,
        after: names.last().cloned().or(after),
    })
}

/// Lets other work of the thread go on, after every few records.
async fn give_turn(place: usize) {
    if place % TURN == TURN - 1 {
        tokio::task::yield_now().await;
    }
}

impl Progress {
    /// As far as either of two servers has come.
    fn and(self, other: Self) -> Self {
        Self {
            is_complete: self.is_complete || other.is_complete,
            after: max(self.after, other.after),
        }
    }
}
