//! Keeping a list with its records: after a change of what it is sorted by, and where a record is
//! gone.

use std::sync::Arc;

use oauth::Timestamp;
use store::{Store, Ttl};
use tokio::sync::Mutex;

use super::{Collecting, PageRequest, Sorting, more};
use crate::{
    records::{
        batch::Batch,
        collection::{SWEPT, is_swept_after},
        key::Key,
        steps::{self, Change, Found},
    },
    unavailable::Unavailable,
};

/// Members that do not fit their records.
pub(super) struct Misfits(pub(super) Vec<Misfit>);

pub(super) struct Misfit {
    pub(super) member: String,
    /// The one that fits; none without a record that is listed.
    pub(super) right: Option<String>,
}

impl Misfits {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where the sweeps of a list go on, in one process.
#[derive(Debug, Default)]
pub(crate) struct SweepPlace(Mutex<Option<String>>);

/// Changes a record as [`steps::change`] does, and lists it anew where it moves.
///
/// # Errors
/// As [`steps::change`].
pub(crate) async fn change_sorted<S: Sorting, A>(
    store: &Store,
    key: &Key<S::Record>,
    mut decide: impl FnMut(Option<S::Record>) -> Change<S::Record, A>,
) -> Result<A, Unavailable> {
    let mut moved = None;
    let noting = |there: Option<S::Record>| {
        let before = there.as_ref().and_then(S::member);
        let change = decide(there);
        let after = change.next.as_ref().map(|(next, _)| next);
        moved = moving::<S>(before, after);
        change
    };
    let answer = steps::change(store, key, noting).await?;
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
    let mut moved = None;
    let noting = |there: Option<S::Record>| {
        let before = there.as_ref().and_then(S::member);
        let next = decide(there);
        moved = moving::<S>(before, Some(&next.0));
        next
    };
    let record = steps::put(store, key, noting).await?;
    follow::<S>(store, moved).await;
    Ok(record)
}

/// The member that a listed record leaves by a change, with the one that it gets.
fn moving<S: Sorting>(before: Option<String>, after: Option<&S::Record>) -> Option<Misfit> {
    let member = before?;
    let right = S::member(after?)?;
    (right != member).then_some(Misfit {
        member,
        right: Some(right),
    })
}

/// Lists a changed record anew. The change is done, and whoever reads the member that it had puts it
/// right, so a failure is no error.
async fn follow<S: Sorting>(store: &Store, moved: Option<Misfit>) {
    if let Some(misfit) = moved {
        tidying::<S>(store, Misfits(vec![misfit])).await;
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
            tracing::warn!(list = S::NAME, %error, "a sorted list could not be cleaned up");
        }
    }
}

/// Replaces members that do not fit. A record may change meanwhile, so it is read again afterwards,
/// and a member that fits by then is listed again.
async fn tidy<S: Sorting>(store: &Store, Misfits(misfits): Misfits) -> Result<(), Unavailable> {
    let list = S::sorted();
    let mut replaced = Batch::default();
    for right in misfits.iter().filter_map(|misfit| misfit.right.as_deref()) {
        replaced.list_name(&list, right);
    }
    for misfit in &misfits {
        replaced.unlist_name(&list, &misfit.member);
    }
    replaced.run(store).await?;
    let mut reads = Batch::default();
    let tickets: Vec<_> = misfits
        .iter()
        .map(|misfit| reads.read(list.key(&misfit.member)))
        .collect();
    let mut records = reads.run(store).await?;
    let mut again = Batch::default();
    for ticket in &tickets {
        if let Found::Record(record) = records.found(ticket)?
            && let Some(member) = S::member(&record)
        {
            again.list_name(&list, &member);
        }
    }
    again.run(store).await.map(drop)
}

/// Looks at some members, and puts right those that do not fit: records expire, and leave theirs.
/// As many, and after as many additions, as [`Collection::sweep_sometimes`], so that the list stays
/// about as long as the number of records. Names are not spread like ids, so the sweeps of a process
/// go through the whole list in turn. `name` and `member` are those of the addition.
///
/// [`Collection::sweep_sometimes`]: crate::records::Collection::sweep_sometimes
pub(crate) fn sweep_sorted_sometimes<S: Sorting>(
    store: &Store,
    place: &Arc<SweepPlace>,
    name: &str,
    member: &str,
    now: Timestamp,
) -> impl Future<Output = ()> + Send + 'static + use<S> {
    let from = is_swept_after(name).then(|| member.to_owned());
    let (store, place) = (store.clone(), Arc::clone(place));
    async move {
        if let Some(from) = from
            && let Err(error) = sweep::<S>(&store, &place, from, now).await
        {
            tracing::warn!(list = S::NAME, %error, "a list could not be cleaned up");
        }
    }
}

/// Goes on where the last sweep ended; the first one, and one while another is under way, begins at
/// a new member.
async fn sweep<S: Sorting>(
    store: &Store,
    place: &SweepPlace,
    member: String,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let mut turn = place.0.try_lock().ok();
    let from = turn.as_deref().cloned().flatten().unwrap_or(member);
    let some = PageRequest {
        after: Some(from),
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
