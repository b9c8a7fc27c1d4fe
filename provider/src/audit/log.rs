//! The chain in the store: the events that wait are one record, written where none is, so that of
//! any number of servers one adds the next.
//!
//! With write access to the store, events can be removed at the end, or all of them; an earlier
//! export shows it. Without the sealing key, none can be changed, added or reordered.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use identity::audit_chain::Retention;
use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use store::Ttl;
use tokio::time::{sleep, timeout};

use super::{
    AuditEntry, Category, ChainHead, Event,
    entry::RecordHeader,
    folds::Folds,
    waiting::{Chain, FollowUp, LogState, WaitingBatch},
};
use crate::{
    context::Context,
    records::{self, Batch, Key, Swapped, Versioned, keys},
    unavailable::Unavailable,
};

/// How long an operation waits for the events of others.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon events are added that no response waits for.
const SOON: Duration = Duration::from_millis(200);
/// How often another server may be faster before this one stops trying.
const MOST_TRIES: usize = 256;

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Of this kind only.
    #[serde(rename = "kind")]
    pub category: Option<Category>,
    /// The account's address, or the client's name or id, contains this text, ignoring case.
    pub who: Option<String>,
    /// Not before this time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub until: Option<Timestamp>,
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

impl AuditFilter {
    /// Whether an event is wanted.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let of_kind = self
            .category
            .is_none_or(|category| event.action.category() == category);
        let in_time = self.since.is_none_or(|since| since <= event.at)
            && self.until.is_none_or(|until| event.at < until);
        of_kind && in_time && self.who.as_deref().is_none_or(|who| event.names(who))
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

    /// Adds all queued events to the chain, and returns once this one is in it: another task may
    /// take it along. It does not wait long for another task. Events that the store does not accept stay queued for the next call, or for
    /// [`Self::add_late_events`]. `also` is taken if it was done with them.
    pub(super) async fn append(
        &self,
        own: Id,
        also: &mut Option<Batch>,
    ) -> Result<(), Unavailable> {
        let log = &self.state;
        let failures = log.failures();
        let mut chain = self.turn().await?;
        if !log.holds(own) {
            return Ok(());
        }
        // The store failed for another task in between: waiting tasks must not all try again.
        if log.failures() != failures {
            return Err(Unavailable::interrupted());
        }
        self.add_in_turn(&mut chain, Some(own), also).await
    }

    /// Adds queued events soon, after the response. In a crowd it is done before.
    pub(super) async fn append_soon(&self) {
        if self.state.is_crowded() {
            self.add_waiting().await;
        } else if self.state.may_schedule() {
            let log = self.clone();
            let work = async move {
                sleep(SOON).await;
                log.state.begin_scheduled();
                log.add_waiting().await;
            };
            self.context.background().spawn(work).await;
        }
    }

    /// Adds all queued events, so that this server reads what it has noted.
    pub(crate) async fn settle(&self) {
        if !self.state.is_empty() {
            self.add_waiting().await;
        }
        self.follow_up().await;
    }

    /// Adds queued events, finished counts, and the mark of the newest event.
    pub async fn add_late_events(&self) -> Result<(), Unavailable> {
        self.write_due_counts().await;
        let added = self.add_all().await;
        self.follow_up().await;
        added?;
        let Some(newest) = self.newest_added().await else {
            return Ok(());
        };
        if self.state.marks(newest.number) {
            self.note_newer(&keys::EVENT_MARK, &newest).await?;
        }
        Ok(())
    }

    /// The newest event that this server has added or followed.
    pub(crate) async fn newest_added(&self) -> Option<ChainHead> {
        self.state.chain.lock().await.latest.clone()
    }

    /// Adds everything before the server stops: deferred work, counts, and queued events.
    pub async fn add_last_events(&self) -> Result<(), Unavailable> {
        self.context.background().finish_background_tasks().await;
        self.write_all_counts().await;
        let added = self.add_all().await;
        self.follow_up().await;
        added
    }

    pub(super) fn folds(&self) -> MutexGuard<'_, Folds> {
        self.state.folds()
    }

    /// How many events the store has not taken yet.
    pub fn late_events(&self) -> usize {
        self.state.len()
    }

    async fn add_waiting(&self) {
        if let Err(error) = self.add_all().await {
            tracing::error!(%error, "events are not in the audit log yet");
        }
    }

    async fn add_all(&self) -> Result<(), Unavailable> {
        let mut chain = self.turn().await?;
        self.add_in_turn(&mut chain, None, &mut None).await
    }

    /// The chain, once no other task adds to it. A store that does not answer another task delays
    /// this one by a second at most.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, Chain>, Unavailable> {
        timeout(PATIENCE, self.state.chain.lock())
            .await
            .map_err(|_| Unavailable::interrupted())
    }

    /// Adds what waits, oldest first: everything, or in a crowd a batch with one's own event in it.
    async fn add_in_turn(
        &self,
        chain: &mut Chain,
        own: Option<Id>,
        also: &mut Option<Batch>,
    ) -> Result<(), Unavailable> {
        let log = &self.state;
        let mut added = Ok(());
        while let Some(batch) = log.next_batch(chain) {
            // An attempt before may have done what follows its events.
            let may_be_noted = !chain.attempt.is_empty();
            chain.attempt = batch.ids();
            match self.add(&mut chain.latest, batch, also).await {
                Ok(mut undone) => {
                    undone.may_be_noted = may_be_noted;
                    log.done(std::mem::take(&mut chain.attempt), undone);
                }
                Err(error) => {
                    log.count_failure();
                    added = Err(error);
                    break;
                }
            }
            if log.is_crowded() && own.is_some_and(|own| !log.holds(own)) {
                break;
            }
        }
        if log.has_follow_up() {
            let log = self.clone();
            let work = async move { log.follow_up().await };
            self.context.background().spawn(work).await;
        }
        added
    }

    /// Adds a batch after `latest`, or after newer events of other servers; returns what is left to
    /// do. If the store fails, `latest` does not change: the batch may be stored already, and is
    /// looked for the next time.
    async fn add(
        &self,
        latest: &mut Option<ChainHead>,
        batch: WaitingBatch,
        also: &mut Option<Batch>,
    ) -> Result<FollowUp, Unavailable> {
        let store = self.context.plain_store();
        let key = &self.state.key;
        let lifetime = self.context.settings().lifetimes.audit;
        let undone = |newest: &ChainHead, events| FollowUp {
            newest: Some(newest.clone()),
            events,
            may_be_noted: false,
        };
        for _ in 0..MOST_TRIES {
            // An event after a deleted one may be deleted as well: its place is free, and the wrong
            // one.
            let before = match latest.take_if(|latest| !latest.is_over(self.retention())) {
                Some(known) => known,
                None => self.latest_event().await?,
            };
            let events = batch.events();
            let WaitingBatch { first, others } = batch.clone();
            let next = latest
                .insert(before)
                .followed_by(first, others, lifetime, key);
            let name = keys::event(next.first());
            let head = ChainHead::of(&next);
            if let Some(undone) = self.write(&next, undone(&head, events), also).await? {
                *latest = Some(head);
                return Ok(undone);
            }
            let there = store
                .get(name.as_str())
                .await?
                .ok_or_else(Unavailable::contended)?;
            let there = serde_json::from_slice(&there)
                .ok()
                .filter(|there: &RecordHeader| there.number == next.first());
            if there
                .as_ref()
                .is_some_and(|there| there.hash == next.hash())
            {
                // It was added before, and the answer was lost.
                return Ok(undone(latest.insert(head), batch.events()));
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
                .filter(|next: &RecordHeader| next.number == number);
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

    /// Renews the note of the newest event. `noted` is what this server wrote there last, so that
    /// one step is enough while it is alone.
    pub(super) async fn note_latest(
        &self,
        noted: &mut Option<Versioned<ChainHead>>,
        latest: ChainHead,
    ) -> Result<(), Unavailable> {
        if let Some(known) = noted.take()
            && known.record.number < latest.number
            && let Swapped::Done(next) = known
                .swap(
                    self.context.store(),
                    &keys::LATEST_EVENT,
                    latest.clone(),
                    Ttl::Forever,
                )
                .await?
        {
            *noted = Some(next);
            return Ok(());
        }
        let newest = self.note_newer(&keys::LATEST_EVENT, &latest).await?;
        *noted = Some(Versioned::supposed(newest));
        Ok(())
    }

    /// Notes an event under a key, unless a newer one is noted there.
    async fn note_newer(
        &self,
        key: &Key<ChainHead>,
        latest: &ChainHead,
    ) -> Result<ChainHead, Unavailable> {
        let newer = |there: Option<ChainHead>| {
            let newest = there
                .filter(|there| there.number > latest.number)
                .unwrap_or_else(|| latest.clone());
            (newest, Ttl::Forever)
        };
        records::put(self.context.store(), key, newer).await
    }
}
