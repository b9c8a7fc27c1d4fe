//! The members of a record, one in the list of each order.

use std::marker::PhantomData;

use oauth::Timestamp;

use super::{
    SortOrder, Sorting,
    upkeep::{Misfit, Misfits},
};
use crate::records::{batch::Batch, keys::backwards};

/// The member of a record in the list of an order; none when the lists leave it out.
pub(super) fn member<S: Sorting>(order: SortOrder, record: &S::Record) -> Option<String> {
    S::is_listed(record).then(|| fitting::<S>(order, record))
}

fn fitting<S: Sorting>(order: SortOrder, record: &S::Record) -> String {
    let created = || backwards(S::created_at(record));
    let sorted_by = match order {
        SortOrder::Name => S::called(record),
        SortOrder::Newest => created(),
        SortOrder::Used => {
            let used = S::last_use(record).unwrap_or(Timestamp::from_seconds(0));
            backwards(used) + &created()
        }
    };
    S::listed(&sorted_by, &S::name(record))
}

/// The members of a record.
pub(crate) struct Members<S> {
    members: [String; SortOrder::ALL.len()],
    sorting: PhantomData<fn() -> S>,
}

impl<S: Sorting> Members<S> {
    /// Those that a record has, or has when the lists have it.
    pub(crate) fn of(record: &S::Record) -> Self {
        Self {
            members: SortOrder::ALL.map(|order| fitting::<S>(order, record)),
            sorting: PhantomData,
        }
    }

    /// Those of a record that the lists have.
    pub(super) fn of_listed(record: &S::Record) -> Option<Self> {
        S::is_listed(record).then(|| Self::of(record))
    }

    /// Lists them, in a batch, after the record.
    pub(crate) fn list(&self, batch: &mut Batch) {
        for (order, member) in self.each() {
            batch.list_name(&S::sorted(order), member);
        }
    }

    /// The reverse.
    pub(crate) fn unlist(&self, batch: &mut Batch) {
        for (order, member) in self.each() {
            batch.unlist_name(&S::sorted(order), member);
        }
    }

    /// Moves a record that has changed, in a batch, after it.
    pub(crate) fn replace_by(self, next: Self, batch: &mut Batch) {
        Misfits(self.moved_to(next)).replace::<S>(batch);
    }

    /// The members that a record leaves for others.
    pub(super) fn moved_to(self, next: Self) -> Vec<Misfit> {
        let pairs = self.members.into_iter().zip(next.members);
        SortOrder::ALL
            .into_iter()
            .zip(pairs)
            .filter(|(_, (member, right))| member != right)
            .map(|(order, (member, right))| Misfit {
                order,
                member,
                right: Some(right),
            })
            .collect()
    }

    /// Each with its order.
    pub(super) fn each(&self) -> impl Iterator<Item = (SortOrder, &String)> {
        SortOrder::ALL.into_iter().zip(&self.members)
    }
}
