//! Events that wait for the store, and what is left to do for those that it has taken.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use access_token::SealingKey;
use oauth::{Id, Secret};

use super::{ChainHead, Event, folds::Folds};
use crate::{records::Versioned, state::audit::Activity};

/// The number of events in memory while the store does not accept them.
const MOST_WAITING: usize = 16_384;
/// The number of queued events from which an operation waits for the log.
const CROWD: usize = 256;
/// The number of accounts whose activity is in memory, of some kilobytes each.
const MOST_ACTIVITIES: usize = 256;
/// The maximum number of events of one record.
pub(super) const MOST_TOGETHER: usize = 64;

/// The state of a server for adding events. It survives a reload of the settings.
pub(crate) struct LogState {
    pub(super) key: Secret,
    /// Events to be stored, oldest first, including those that the store did not accept.
    waiting: Mutex<VecDeque<(Id, Event)>>,
    /// Its holder adds all queued events: the servers of a store compete, the tasks of one server
    /// do not.
    pub(super) chain: tokio::sync::Mutex<Chain>,
    /// How often the store did not take one.
    failures: AtomicU64,
    /// The events that are counted instead of written.
    folds: Mutex<Folds>,
    /// The number of the event that was last marked.
    marked: AtomicU64,
    /// Whether a task will add what waits.
    is_scheduled: AtomicBool,
    follow_up: Mutex<FollowUp>,
    /// The activity of accounts, as this server last wrote it: the next event needs no read, unless
    /// another server has written since.
    activities: Mutex<HashMap<Id, Versioned<Activity>>>,
    /// Its holder does what is left; it contains the note of the newest event as last written.
    pub(super) following: tokio::sync::Mutex<Option<Versioned<ChainHead>>>,
}

/// The end of the chain, as this server knows it.
#[derive(Default)]
pub(super) struct Chain {
    /// The latest event, once known.
    pub(super) latest: Option<ChainHead>,
    /// The events of a batch that may be stored: its answer was lost. The same batch is tried
    /// again, so that none of them is stored twice.
    pub(super) attempt: Vec<Id>,
}

/// Events to be added as one record.
#[derive(Clone)]
pub(super) struct WaitingBatch {
    pub(super) first: (Id, Event),
    pub(super) others: Vec<(Id, Event)>,
}

/// What is left to do for events that are stored: the note of the newest, and the activity of their
/// accounts.
#[derive(Default)]
pub(super) struct FollowUp {
    pub(super) newest: Option<ChainHead>,
    pub(super) events: Vec<Event>,
    /// Whether some of the events may be among the activity already.
    pub(super) may_be_noted: bool,
}

impl FollowUp {
    pub(super) const fn is_empty(&self) -> bool {
        self.newest.is_none() && self.events.is_empty()
    }
}

impl WaitingBatch {
    /// The events, in their order.
    pub(super) fn events(&self) -> Vec<Event> {
        let others = self.others.iter().map(|(_, event)| event);
        std::iter::once(&self.first.1)
            .chain(others)
            .cloned()
            .collect()
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        std::iter::once(self.first.0)
            .chain(self.others.iter().map(|(id, _)| *id))
            .collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogState {
    /// Under a key that follows from the sealing key.
    pub(crate) fn new(sealing_key: &SealingKey) -> Self {
        let paserk = sealing_key.expose();
        let secret = paserk.rsplit('.').next().and_then(Secret::decode);
        #[expect(
            clippy::expect_used,
            reason = "the body of a PASERK k4.local is 32 bytes in base64url, as a secret is"
        )]
        let key = secret
            .expect("a sealing key is a secret")
            .derive("audit trail", b"");
        Self {
            key,
            waiting: Mutex::default(),
            chain: tokio::sync::Mutex::default(),
            failures: AtomicU64::default(),
            folds: Mutex::default(),
            marked: AtomicU64::default(),
            is_scheduled: AtomicBool::default(),
            follow_up: Mutex::default(),
            activities: Mutex::default(),
            following: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn folds(&self) -> MutexGuard<'_, Folds> {
        locked(&self.folds)
    }

    pub(super) fn len(&self) -> usize {
        locked(&self.waiting).len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.len() > CROWD
    }

    pub(super) fn holds(&self, id: Id) -> bool {
        locked(&self.waiting)
            .iter()
            .any(|(waiting, _)| *waiting == id)
    }

    /// Queues an event; the oldest one is dropped when there are too many.
    pub(super) fn wait(&self, id: Id, event: Event) {
        let mut waiting = locked(&self.waiting);
        if waiting.len() == MOST_WAITING {
            tracing::error!("an audit event was lost: too many are waiting for the store");
            waiting.pop_front();
        }
        waiting.push_back((id, event));
    }

    /// The events that have waited longest: those that were tried before, or as many as fit.
    pub(super) fn next_batch(&self, chain: &Chain) -> Option<WaitingBatch> {
        let waiting = locked(&self.waiting);
        let mut ids = waiting.iter().map(|(id, _)| id);
        let tried =
            !chain.attempt.is_empty() && chain.attempt.iter().all(|id| ids.next() == Some(id));
        let many = if tried {
            chain.attempt.len()
        } else {
            MOST_TOGETHER
        };
        let mut events = waiting.iter().take(many).cloned();
        Some(WaitingBatch {
            first: events.next()?,
            others: events.collect(),
        })
    }

    /// Takes events out that were added, and leaves the rest of the work to whoever follows up.
    pub(super) fn done(&self, ids: Vec<Id>, undone: FollowUp) {
        let mut waiting = locked(&self.waiting);
        for id in ids {
            if waiting.front().is_some_and(|(first, _)| *first == id) {
                waiting.pop_front();
            }
        }
        let mut follow_up = locked(&self.follow_up);
        follow_up.events.extend(undone.events);
        follow_up.newest = undone.newest.or_else(|| follow_up.newest.take());
        follow_up.may_be_noted |= undone.may_be_noted;
    }

    /// Whether something is left to do.
    pub(super) fn has_follow_up(&self) -> bool {
        !locked(&self.follow_up).is_empty()
    }

    /// What is left to do; it is done by the caller.
    pub(super) fn take_follow_up(&self) -> FollowUp {
        std::mem::take(&mut locked(&self.follow_up))
    }

    /// Gives back what could not be done.
    pub(super) fn give_back(&self, undone: FollowUp) {
        let mut follow_up = locked(&self.follow_up);
        let newer = std::mem::replace(&mut follow_up.events, undone.events);
        follow_up.events.extend(newer);
        let is_older = |newest: &ChainHead| {
            undone
                .newest
                .as_ref()
                .is_some_and(|undone| undone.number > newest.number)
        };
        if follow_up.newest.as_ref().is_none_or(is_older) {
            follow_up.newest = undone.newest;
        }
        // Of an outage as long as this, the audit log has the events; pages show the later ones.
        follow_up.may_be_noted |= undone.may_be_noted;
        let surplus = follow_up.events.len().saturating_sub(MOST_WAITING);
        follow_up.events.drain(..surplus);
    }

    /// The activity of an account, as this server last wrote it.
    pub(super) fn take_activity(&self, account: Id) -> Option<Versioned<Activity>> {
        locked(&self.activities).remove(&account)
    }

    /// Remembers the activity of an account, of a limited number of them.
    pub(super) fn keep_activity(&self, account: Id, activity: Versioned<Activity>) {
        let mut activities = locked(&self.activities);
        if activities.len() >= MOST_ACTIVITIES {
            activities.clear();
        }
        activities.insert(account, activity);
    }

    /// The number of failures so far.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the caller is to schedule a task, since none is scheduled.
    pub(super) fn may_schedule(&self) -> bool {
        !self.is_scheduled.swap(true, Ordering::AcqRel)
    }

    /// The scheduled task begins: events from now on need another one.
    pub(super) fn begin_scheduled(&self) {
        self.is_scheduled.store(false, Ordering::Release);
    }

    /// Whether this is newer than what was marked; it counts as marked from now on.
    pub(super) fn marks(&self, number: u64) -> bool {
        self.marked.fetch_max(number, Ordering::Relaxed) < number
    }
}
