//! Writing a record of the log, and in the same round trip what follows it: the note of the newest
//! event and the activity of the accounts, as far as this server knows what is stored there.

use oauth::Id;
use store::Ttl;
use tokio::sync::MutexGuard;

use super::{
    ChainHead, Event,
    activity::{by_account, is_refusal, is_removal},
    log::AuditLog,
    waiting::FollowUp,
};
use crate::{
    records::{self, Batch, BatchResults, Key, SwapTicket, Swapped, Versioned, keys},
    state::audit::{Activity, AuditRecord},
    unavailable::Unavailable,
};

/// The maximum number of events that are followed in the same round trip. More of them would make
/// others wait for a large batch.
const MOST_FOLLOWED: usize = 8;

/// What follows a record in its batch.
struct Following<'a> {
    /// The note of the newest event. Its lock is held until the batch is done.
    noted: MutexGuard<'a, Option<Versioned<ChainHead>>>,
    newest: Option<Follow<ChainHead>>,
    activities: Vec<(Id, Vec<Event>, Follow<Activity>)>,
    /// The events of accounts whose activity is not known.
    others: Vec<Event>,
}

/// The events of an account whose activity is known, as it was before them.
struct KnownActivity {
    account: Id,
    events: Vec<Event>,
    before: Versioned<Activity>,
}

/// A record that follows: as it was, and its change.
struct Follow<T> {
    before: Versioned<T>,
    change: SwapTicket<T>,
}

impl AuditLog {
    /// Writes a record where none is, and does `also`, which is taken then; returns what is left to
    /// do. `None` when there is another record.
    ///
    /// # Errors
    /// When the store does not answer. Any of it may have been done.
    pub(super) async fn write(
        &self,
        record: &AuditRecord,
        mut follow_up: FollowUp,
        also: &mut Option<Batch>,
    ) -> Result<Option<FollowUp>, Unavailable> {
        let mut batch = Batch::default();
        if let Some(also) = also {
            batch.copy(also);
        }
        let ttl = records::ttl(self.context.settings().lifetimes.audit);
        let written = batch.insert(&keys::event(record.first()), record, ttl);
        let following = self.follow(&mut batch, &mut follow_up);
        let mut results = batch.run(self.context.plain_store()).await?;
        *also = None;
        let is_written = results.changed(&written)?;
        if let Some(following) = following {
            self.followed(following, is_written, &mut results, &mut follow_up);
        }
        Ok(is_written.then_some(follow_up))
    }

    /// Adds what follows to a batch, after a condition. What is noted for earlier events comes
    /// first, so nothing is added while that is left to do. Nor for a refused sign-in, which takes
    /// as many operations as one to an address without an account.
    fn follow<'a>(&'a self, batch: &mut Batch, follow_up: &mut FollowUp) -> Option<Following<'a>> {
        let events = &follow_up.events;
        if !self.context.plain_store().sends_batches_at_once()
            || events.len() > MOST_FOLLOWED
            || events.iter().any(is_refusal)
        {
            return None;
        }
        let mut noted = self.state.following.try_lock().ok()?;
        if self.state.has_follow_up() {
            return None;
        }
        let is_older = |noted: &mut Versioned<ChainHead>| {
            let newest = follow_up.newest.as_ref();
            newest.is_some_and(|newest| noted.record.number < newest.number)
        };
        let before = noted.take_if(is_older);
        let before = before.zip(follow_up.newest.clone());
        let (known, others) = self.known_activities(std::mem::take(&mut follow_up.events));
        if before.is_none() && known.is_empty() {
            follow_up.events = others;
            return None;
        }
        batch.if_changed();
        let newest = before.map(|(before, newest)| {
            let next = |_| newest;
            Follow::write(batch, &keys::LATEST_EVENT, before, next, Ttl::Forever)
        });
        let lifetime = self.context.settings().lifetimes.audit;
        let activity = |known: KnownActivity| {
            let next = |activity: Activity| activity.with(known.events.clone(), lifetime);
            let key = keys::activity(known.account);
            let ttl = records::ttl(lifetime);
            let follow = Follow::write(batch, &key, known.before, next, ttl);
            (known.account, known.events, follow)
        };
        Some(Following {
            noted,
            newest,
            activities: known.into_iter().map(activity).collect(),
            others,
        })
    }

    /// The events of accounts whose activity is known, with it, and the others.
    fn known_activities(&self, events: Vec<Event>) -> (Vec<KnownActivity>, Vec<Event>) {
        let mut known = Vec::new();
        let mut others = Vec::new();
        for (account, events) in by_account(events) {
            let is_removed = events.iter().any(is_removal);
            match self.state.take_activity(account).filter(|_| !is_removed) {
                Some(before) => known.push(KnownActivity {
                    account,
                    events,
                    before,
                }),
                None => others.extend(events),
            }
        }
        (known, others)
    }

    /// Remembers what is stored, and leaves the rest in `follow_up`.
    fn followed(
        &self,
        following: Following<'_>,
        is_written: bool,
        results: &mut BatchResults,
        follow_up: &mut FollowUp,
    ) {
        let Following {
            mut noted,
            newest,
            activities,
            others,
        } = following;
        follow_up.events = others;
        if let Some(newest) = newest {
            let (there, is_done) = newest.result(is_written, results);
            *noted = there;
            if is_done {
                follow_up.newest = None;
            }
        }
        for (account, events, activity) in activities {
            let (there, is_done) = activity.result(is_written, results);
            if let Some(there) = there {
                self.state.keep_activity(account, there);
            }
            if !is_done {
                follow_up.events.extend(events);
            }
        }
    }
}

impl<T: records::Record + Clone> Follow<T> {
    /// Replaces a record in a batch.
    fn write(
        batch: &mut Batch,
        key: &Key<T>,
        before: Versioned<T>,
        next: impl FnOnce(T) -> T,
        ttl: Ttl,
    ) -> Self {
        let (record, stored) = before.clone().apart();
        let change = batch.swap(key, stored, next(record), ttl);
        Self { before, change }
    }

    /// What is stored, if that is known, and whether the change is done. Without `is_written`
    /// nothing was tried.
    fn result(self, is_written: bool, results: &mut BatchResults) -> (Option<Versioned<T>>, bool) {
        if !is_written {
            return (Some(self.before), false);
        }
        match results.swapped(self.change) {
            Ok(Swapped::Done(next)) => (Some(next), true),
            Ok(Swapped::Changed(other)) => (other, false),
            Err(_) => (None, false),
        }
    }
}
