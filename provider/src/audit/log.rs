//! The chain in the store: an event is one record, written where none is, so that of any number of
//! servers one adds the next.
//!
//! With write access to the store, events can be removed at the end, or all of them; an earlier
//! export shows it. Without the sealing key, none can be changed, added or reordered.

use std::{
    collections::VecDeque,
    sync::{
        Arc, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use access_token::SealingKey;
use identity::audit_chain::Retention;
use oauth::{Id, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    AuditEntry, Category, ChainHead, Event,
    entry::{CorruptEntry, EntryHeader, StoredEntry},
    folds::Folds,
};
use crate::{
    context::Context,
    records::{self, Key, keys},
    unavailable::Unavailable,
};

/// How often another server may be faster before this one stops trying.
const MOST_TRIES: usize = 256;
/// The number of events in memory while the store does not accept them.
const MOST_WAITING: usize = 16_384;
/// The number of queued events from which an operation waits for the log.
const CROWD: usize = 256;
/// The number of events that one task adds for others.
const A_BATCH: usize = 64;

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Of this kind only.
    #[serde(rename = "kind")]
    pub category: Option<Category>,
    /// The account's address, or the client's name or id, contains this text, ignoring case.
    pub who: Option<String>,
}

/// Some events, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEntry>,
    /// The cursor of older ones; absent when there are none.
    pub before: Option<u64>,
    /// When the oldest event happened that was looked at for this page.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub looked_back_to: Option<Timestamp>,
}

/// The result of a check of the whole chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// How many events were checked.
    pub events: u64,
    /// The number of the oldest kept event.
    pub first: Option<u64>,
    /// The number of the newest one.
    pub last: Option<u64>,
    /// The faults, one sentence each; empty when the log is valid.
    pub faults: Vec<String>,
}

/// The state of a server for adding events. It survives a reload of the settings.
pub(crate) struct LogState {
    key: Secret,
    /// Events to be stored, oldest first, including those that the store did not accept.
    waiting: PendingEvents,
    /// Its holder adds all queued events: the servers of a store compete, the tasks of one server
    /// do not. It contains the latest event, once known.
    chain: tokio::sync::Mutex<Option<ChainHead>>,
    /// How often the store did not take one.
    failures: AtomicU64,
    /// The events that are counted instead of written.
    folds: std::sync::Mutex<Folds>,
    /// The number of the event that was last marked.
    marked: AtomicU64,
}

type PendingEvents = std::sync::Mutex<VecDeque<(Id, Event)>>;

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
            waiting: PendingEvents::default(),
            chain: tokio::sync::Mutex::default(),
            failures: AtomicU64::default(),
            folds: std::sync::Mutex::default(),
            marked: AtomicU64::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Id, Event)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event that has waited longest.
    fn first(&self) -> Option<(Id, Event)> {
        self.waiting().front().cloned()
    }

    fn len(&self) -> usize {
        self.waiting().len()
    }

    fn holds(&self, id: Id) -> bool {
        self.waiting().iter().any(|(waiting, _)| *waiting == id)
    }

    /// Takes an event out that was added.
    fn done(&self, id: Id) {
        let mut waiting = self.waiting();
        if waiting.front().is_some_and(|(first, _)| *first == id) {
            waiting.pop_front();
        }
    }

    /// Queues an event; the oldest one is dropped when there are too many.
    fn wait(&self, id: Id, event: Event) {
        let mut waiting = self.waiting();
        if waiting.len() == MOST_WAITING {
            tracing::error!("an event is lost to the audit trail: too many wait for the store");
            waiting.pop_front();
        }
        waiting.push_back((id, event));
    }
}

impl AuditFilter {
    /// Whether an event is wanted.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let of_kind = self
            .category
            .is_none_or(|category| event.action.category() == category);
        of_kind && self.who.as_deref().is_none_or(|who| event.names(who))
    }
}

/// The audit log: appends events, and keeps the latest of each account for its user.
#[derive(Clone)]
pub struct AuditLog {
    pub(super) context: Context,
    pub(super) state: Arc<LogState>,
}

impl AuditLog {
    pub(crate) const fn new(context: Context, state: Arc<LogState>) -> Self {
        Self { context, state }
    }
}

impl AuditLog {
    /// Queues an event for the chain.
    pub(super) fn enqueue(&self, event: Event) -> Id {
        let id = self.context.entropy().id();
        self.state.wait(id, event);
        id
    }

    /// Adds all queued events to the chain. If another task is adding events, it takes these along
    /// without waiting, unless too many are queued. Events that the store does not accept stay
    /// queued for the next call, or for [`Self::add_late_events`].
    pub(super) async fn append(&self, id: Id) -> Result<(), Unavailable> {
        self.add_waiting(Some(id)).await
    }

    /// Adds queued events, finished counts, and the mark of the newest event.
    pub async fn add_late_events(&self) -> Result<(), Unavailable> {
        self.write_due_counts().await;
        self.add_waiting(None).await?;
        let Some(newest) = self.newest_added().await else {
            return Ok(());
        };
        if self
            .state
            .marked
            .fetch_max(newest.number, Ordering::Relaxed)
            < newest.number
        {
            self.note_newer(&keys::EVENT_MARK, &newest).await?;
        }
        Ok(())
    }

    /// The newest event that this server has added or followed.
    pub(crate) async fn newest_added(&self) -> Option<ChainHead> {
        self.state.chain.lock().await.clone()
    }

    /// Adds everything before the server stops: deferred work, counts, and queued events.
    pub async fn add_last_events(&self) -> Result<(), Unavailable> {
        self.context.background().finish_background_tasks().await;
        self.write_all_counts().await;
        self.add_waiting(None).await
    }

    pub(super) fn folds(&self) -> MutexGuard<'_, Folds> {
        self.state
            .folds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many events the store has not taken yet.
    pub fn late_events(&self) -> usize {
        self.state.len()
    }

    async fn add_waiting(&self, own: Option<Id>) -> Result<(), Unavailable> {
        let log = &self.state;
        if log.len() > CROWD {
            let failures = log.failures.load(Ordering::Relaxed);
            let mut latest = log.chain.lock().await;
            // The store failed for another task in between: waiting tasks must not all try again.
            if log.failures.load(Ordering::Relaxed) != failures {
                return Err(Unavailable::interrupted());
            }
            self.add_in_turn(&mut latest, own).await?;
        }
        // The holder checks the queue again after releasing the lock, since an event may have
        // arrived just then. With many queued events, the last task waits for the lock.
        while (1..=CROWD).contains(&log.len())
            && let Ok(mut latest) = log.chain.try_lock()
        {
            self.add_in_turn(&mut latest, own).await?;
        }
        Ok(())
    }

    /// Adds what waits, oldest first: everything, or in a crowd a batch with one's own event in it.
    async fn add_in_turn(
        &self,
        latest: &mut Option<ChainHead>,
        own: Option<Id>,
    ) -> Result<(), Unavailable> {
        let log = &self.state;
        let mut added = 0;
        let mut newest = None;
        let failed = |_: &Unavailable| _ = log.failures.fetch_add(1, Ordering::Relaxed);
        let others_wait =
            |added| added >= A_BATCH && log.len() > CROWD && own.is_some_and(|own| !log.holds(own));
        while !others_wait(added)
            && let Some((id, event)) = log.first()
        {
            newest = Some(self.add(latest, id, &event).await.inspect_err(failed)?);
            log.done(id);
            added += 1;
        }
        match newest {
            Some(newest) => self.note_latest(&newest).await.inspect_err(failed),
            None => Ok(()),
        }
    }

    /// Adds one event after `latest`, or after newer events of other servers. If the store fails,
    /// `latest` does not change: the event may be stored already, and is looked for the next time.
    async fn add(
        &self,
        latest: &mut Option<ChainHead>,
        id: Id,
        event: &Event,
    ) -> Result<ChainHead, Unavailable> {
        let store = self.context.plain_store();
        let key = &self.state.key;
        let lifetime = self.context.settings().lifetimes.audit;
        for _ in 0..MOST_TRIES {
            // An event after a deleted one may be deleted as well: its place is free, and the wrong
            // one.
            let before = match latest.take_if(|latest| !latest.is_over(self.retention())) {
                Some(known) => known,
                None => self.latest_event().await?,
            };
            let next =
                latest
                    .insert(before)
                    .followed_by(id, event.clone(), event.at.after(lifetime), key);
            let name = keys::event(next.number);
            if records::insert(store, &name, &next, records::ttl(lifetime)).await? {
                return Ok(latest.insert(ChainHead::of(&next)).clone());
            }
            let there = store
                .get(name.as_str())
                .await?
                .ok_or_else(Unavailable::contended)?;
            let there = serde_json::from_slice(&there)
                .ok()
                .filter(|there: &EntryHeader| there.number == next.number);
            if there.as_ref().is_some_and(|there| there.hash == next.hash) {
                // It was added before, and the answer was lost.
                return Ok(latest.insert(ChainHead::of(&next)).clone());
            }
            // Another server was faster: its event is the one to follow.
            let there =
                there.map_or_else(|| latest.take().unwrap_or_default().past(), ChainHead::from);
            let noted = self.latest_event().await?;
            *latest = Some(if noted.number > there.number {
                noted
            } else {
                self.last_after(there).await?
            });
        }
        Err(Unavailable::contended())
    }

    /// The newest recorded event, or the marked one if that record is missing. Other servers may
    /// have added newer ones.
    pub(crate) async fn latest_event(&self) -> Result<ChainHead, Unavailable> {
        let latest: Option<ChainHead> =
            records::read(self.context.store(), &keys::LATEST_EVENT).await?;
        match latest {
            Some(latest) => Ok(latest),
            None => Ok(records::read(self.context.store(), &keys::EVENT_MARK)
                .await?
                .unwrap_or_default()),
        }
    }

    /// The last of consecutive events after one: servers may be about to record it, or its record
    /// is missing.
    async fn last_after(&self, mut latest: ChainHead) -> Result<ChainHead, Unavailable> {
        loop {
            let number = latest.number + 1;
            let bytes = self
                .context
                .store()
                .get(keys::event(number).as_str())
                .await?;
            let next = bytes
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .filter(|next: &EntryHeader| next.number == number);
            match next {
                Some(next) => latest = next.into(),
                None => return Ok(latest),
            }
        }
    }

    /// How long events are kept.
    pub(crate) fn retention(&self) -> Retention {
        Retention {
            span: self.context.settings().lifetimes.audit,
            now: self.context.now(),
        }
    }

    async fn note_latest(&self, latest: &ChainHead) -> Result<(), Unavailable> {
        self.note_newer(&keys::LATEST_EVENT, latest).await
    }

    /// Notes an event under a key, unless a newer one is noted there.
    async fn note_newer(
        &self,
        key: &Key<ChainHead>,
        latest: &ChainHead,
    ) -> Result<(), Unavailable> {
        let newer = |there: Option<ChainHead>| {
            let newest = there
                .filter(|there| there.number > latest.number)
                .unwrap_or_else(|| latest.clone());
            (newest, store::Ttl::Forever)
        };
        records::put(self.context.plain_store(), key, newer).await?;
        Ok(())
    }

    /// The record in the place of an event, while it is kept.
    pub(crate) async fn entry(
        &self,
        number: u64,
    ) -> Result<Option<Result<StoredEntry, CorruptEntry>>, Unavailable> {
        let Some(bytes) = self
            .context
            .store()
            .get(keys::event(number).as_str())
            .await?
        else {
            return Ok(None);
        };
        let stored = StoredEntry::read(number, &bytes, &self.state.key);
        let over = |entry: &AuditEntry| {
            self.retention()
                .is_over(Some(entry.event.at), entry.expires_at)
        };
        Ok(Some(stored)
            .filter(|stored| stored.as_ref().map_or(true, |stored| !over(&stored.entry))))
    }

    /// The fault of an event, given the one before it.
    pub(crate) fn fault_of(
        &self,
        stored: &StoredEntry,
        previous: Option<&AuditEntry>,
    ) -> Option<String> {
        stored.fault(previous, self.retention())
    }
}
