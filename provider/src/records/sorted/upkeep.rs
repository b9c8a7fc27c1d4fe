//! Keeping a list with its records: after a change of what it is sorted by, and where a record is
//! gone.

use std::sync::Arc;

use oauth::Timestamp;
use store::{Store, Ttl};
use tokio::sync::Mutex;

use super::{Collecting, Members, PageRequest, SortOrder, Sorting, member, more};
use crate::{
    records::{
        batch::Batch,
        collection::{SWEPT, is_swept_after},
        key::Key,
        steps::{self, Change, Found},
        versioned::Versioned,
    },
    unavailable::Unavailable,
};

/// Members that do not fit their records.
pub(super) struct Misfits(pub(super) Vec<Misfit>);

pub(super) struct Misfit {
    /// The order of the list.
    pub(super) order: SortOrder,
    pub(super) member: String,
    /// The one that fits; none without a record that is listed.
    pub(super) right: Option<String>,
}

impl Misfits {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lists what fits in a batch, and then unlists what does not.
    pub(super) fn replace<S: Sorting>(&self, batch: &mut Batch) {
        for misfit in &self.0 {
            if let Some(right) = &misfit.right {
                batch.list_name(&S::sorted(misfit.order), right);
            }
        }
        for misfit in &self.0 {
            batch.unlist_name(&S::sorted(misfit.order), &misfit.member);
        }
    }
}

/// Where the sweeps of the list of each order go on, in one process.
#[derive(Debug, Default)]
pub(crate) struct SweepPlaces([SweepPlace; SortOrder::ALL.len()]);

#[derive(Debug, Default)]
struct SweepPlace(Mutex<Option<String>>);

/// Changes a record as [`steps::change`] does, and lists it anew where it moves.
///
/// # Errors
/// As [`steps::change`].
pub(crate) async fn change_sorted<S: Sorting, A>(
    store: &Store,
    key: &Key<S::Record>,
    decide: impl FnMut(Option<S::Record>) -> Change<S::Record, A>,
) -> Result<A, Unavailable> {
    let current = Versioned::read(store, key).await?;
    change_sorted_from::<S, A>(store, key, current, decide).await
}

/// The same, starting from what was read.
///
/// # Errors
/// As [`steps::change_from`].
pub(crate) async fn change_sorted_from<S: Sorting, A>(
    store: &Store,
    key: &Key<S::Record>,
    current: Option<Versioned<S::Record>>,
    mut decide: impl FnMut(Option<S::Record>) -> Change<S::Record, A>,
) -> Result<A, Unavailable> {
    let mut moved = Vec::new();
    let noting = |there: Option<S::Record>| {
        let before = there.as_ref().and_then(Members::<S>::of_listed);
        let change = decide(there);
        let after = change.next.as_ref().map(|(next, _)| next);
        moved = moving(before, after);
        change
    };
    let answer = steps::change_from(store, key, current, noting).await?;
    follow::<S>(store, moved).await;
    Ok(answer)
}

/// Writes a record as [`steps::put`] does, and lists it anew where it moves.
///
/// # Errors
/// As [`steps::put`].
pub(crate) async fn put_sorted<S: Sorting>(
    store: &Store,
    key: &Key<S::Record>,
    mut decide: impl FnMut(Option<S::Record>) -> (S::Record, Ttl),
) -> Result<S::Record, Unavailable> {
    let mut moved = Vec::new();
    let noting = |there: Option<S::Record>| {
        let before = there.as_ref().and_then(Members::<S>::of_listed);
        let next = decide(there);
        moved = moving(before, Some(&next.0));
        next
    };
    let record = steps::put(store, key, noting).await?;
    follow::<S>(store, moved).await;
    Ok(record)
}

/// The members that a listed record leaves by a change, with those that it gets.
fn moving<S: Sorting>(before: Option<Members<S>>, after: Option<&S::Record>) -> Vec<Misfit> {
    let after = after.and_then(Members::of_listed);
    before
        .zip(after)
        .map_or_else(Vec::new, |(before, after)| before.moved_to(after))
}

/// Moves a changed record in its lists. The change is done, and a reader of an outdated member repairs
/// it, so a failure is no error.
async fn follow<S: Sorting>(store: &Store, moved: Vec<Misfit>) {
    if !moved.is_empty() {
        tidying::<S>(store, Misfits(moved)).await;
    }
}

/// Puts right what does not fit. To be run after the response.
pub(super) fn tidying<S: Sorting>(
    store: &Store,
    misfits: Misfits,
) -> impl Future<Output = ()> + Send + 'static + use<S> {
    let store = store.clone();
    async move {
        if let Err(error) = tidy::<S>(&store, misfits).await {
            let records = S::records();
            tracing::warn!(list = records.as_str(), %error, "a sorted list could not be cleaned up");
        }
    }
}

/// Replaces members that do not fit. A record may change meanwhile, so it is read again afterwards,
/// and a member that fits by then is listed again.
async fn tidy<S: Sorting>(store: &Store, misfits: Misfits) -> Result<(), Unavailable> {
    let mut replaced = Batch::default();
    misfits.replace::<S>(&mut replaced);
    replaced.run(store).await?;
    let mut reads = Batch::default();
    let tickets: Vec<_> = misfits
        .0
        .iter()
        .map(|misfit| reads.read(S::sorted(misfit.order).key(&misfit.member)))
        .collect();
    let mut records = reads.run(store).await?;
    let mut again = Batch::default();
    for (misfit, ticket) in misfits.0.iter().zip(&tickets) {
        if let Found::Record(record) = records.found(ticket)?
            && let Some(member) = member::<S>(misfit.order, &record)
        {
            again.list_name(&S::sorted(misfit.order), &member);
        }
    }
    again.run(store).await.map(drop)
}

/// Looks at some members, and puts right those that do not fit: records expire, and leave theirs.
/// As many, and after as many additions, as [`Collection::sweep_sometimes`], so that the list stays
/// about as long as the number of records. Names are not spread like ids, so the sweeps of a process
/// go through the whole list in turn, in the list of each order. `added` is the addition.
///
/// [`Collection::sweep_sometimes`]: crate::records::Collection::sweep_sometimes
pub(crate) fn sweep_sorted_sometimes<S: Sorting>(
    store: &Store,
    places: &Arc<SweepPlaces>,
    added: &S::Record,
    now: Timestamp,
) -> impl Future<Output = ()> + Send + 'static + use<S> {
    let from = is_swept_after(&S::name(added)).then(|| Members::<S>::of(added));
    let store = store.clone();
    let places = Arc::clone(places);
    async move {
        let Some(from) = from else {
            return;
        };
        for ((order, member), place) in from.each().zip(&places.0) {
            if let Err(error) = sweep::<S>(&store, place, order, member, now).await {
                let list = S::sorted(order);
                tracing::warn!(list = list.as_str(), %error, "a list could not be cleaned up");
            }
        }
    }
}

/// Goes on where the last sweep ended; the first one, and one while another is under way, begins at
/// a new member.
async fn sweep<S: Sorting>(
    store: &Store,
    place: &SweepPlace,
    order: SortOrder,
    member: &str,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let mut turn = place.0.try_lock().ok();
    let from = turn.as_deref().cloned().flatten();
    let some = PageRequest {
        order,
        after: Some(from.unwrap_or_else(|| member.to_owned())),
        limit: SWEPT,
        ..PageRequest::default()
    };
    let mut collecting = Collecting::<S>::new(&some, now);
    let goes_on = more(store, "", &mut collecting).await?;
    if let Some(place) = turn.as_deref_mut() {
        // After the last member, the first one is next.
        *place = Some(collecting.last.filter(|_| goes_on).unwrap_or_default());
    }
    drop(turn);
    tidy::<S>(store, Misfits(collecting.misfits)).await
}
