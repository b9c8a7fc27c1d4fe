//! The queue in front of the password hash, which is bounded: a hash takes tens of milliseconds, 19
//! MiB and a core.
//!
//! There are two lanes: a priority lane for browsers that are known to the account and for users
//! with a link or a session, and a normal lane for all other requests. The normal lane can use neither the
//! places of the priority lane nor the last core. Within a lane the groups (networks or accounts)
//! take turns, so that one with many requests delays only itself.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use identity::rate_limit::rate_limit_key;
use oauth::Id;
use tokio::{sync::oneshot, time::timeout};

use crate::{browser_context::BrowserContext, presence::Presence};

/// The number of places in the priority lane.
const PRIORITY_PLACES: usize = 32;
/// The number of places in the normal lane: a few seconds' work.
const NORMAL_PLACES: usize = 128;
/// How long a request waits, well within the time in which a request is answered.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// After this many priority requests in a row, a normal one is served.
const PRIORITY_IN_A_ROW: u32 = 8;

/// Why a password is not checked or hashed now: the queue is full. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It is full of requests from others.
    Server,
    /// It is full, and this browser's own network or account has the largest part of it.
    OwnGroup,
}

impl Busy {
    /// For `Retry-After`: a full queue is processed in a few seconds.
    pub const RETRY_AFTER: Duration = Duration::from_secs(3);
}

/// Why a request gets no slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoSlot {
    Busy(Busy),
    /// The client no longer waits.
    Abandoned,
}

/// The lane of a requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Priority,
    Normal,
}

impl Lane {
    const fn other(self) -> Self {
        match self {
            Self::Priority => Self::Normal,
            Self::Normal => Self::Priority,
        }
    }
}

/// The requester of a hash.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    lane: Lane,
    /// The group with which it shares its turns.
    group: String,
    presence: Presence,
}

impl Requester {
    /// A browser that is known to an account, or one with a link or a session of it.
    pub(crate) fn of_account(browser: &BrowserContext, account: Id) -> Self {
        Self {
            lane: Lane::Priority,
            group: account.to_string(),
            presence: browser.presence.clone(),
        }
    }

    /// Any other browser.
    pub(crate) fn of_network(browser: &BrowserContext) -> Self {
        Self {
            lane: Lane::Normal,
            group: rate_limit_key(browser.address),
            presence: browser.presence.clone(),
        }
    }

    /// The terminal, and administrators.
    pub(crate) fn operator() -> Self {
        Self {
            lane: Lane::Priority,
            group: "operator".to_owned(),
            presence: Presence::default(),
        }
    }
}

/// The queue. Clones are the same queue.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<State>>);

struct State {
    slots: usize,
    working: usize,
    /// How many running hashes are from the normal lane.
    normal_working: usize,
    priority: FairQueue,
    normal: FairQueue,
    /// How many priority requests were served since a normal one.
    in_a_row: u32,
}

/// A lane, with fair queueing by group.
struct FairQueue {
    places: usize,
    /// The round of the waiter that was served last.
    round: u64,
    waiters: Vec<Waiter>,
}

struct Waiter {
    group: String,
    /// One round later than the previous waiter of the same group.
    round: u64,
    presence: Presence,
    sender: SlotSender,
}

type SlotSender = oneshot::Sender<Result<Slot, Busy>>;

/// The right to occupy a core. It ends with the value, and the next waiter gets the slot.
pub(super) struct Slot(Option<(Queue, Lane)>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((queue, lane)) = self.0.take() {
            queue.lock().end(lane);
            queue.dispatch();
        }
    }
}

impl Queue {
    /// With this many slots; all but one are open to the other lane.
    pub(super) fn new(slots: NonZeroUsize) -> Self {
        let lane = |places| FairQueue {
            places,
            round: 0,
            waiters: Vec::new(),
        };
        let (priority, normal) = (lane(PRIORITY_PLACES), lane(NORMAL_PLACES));
        Self(Arc::new(Mutex::new(State {
            slots: slots.get(),
            working: 0,
            normal_working: 0,
            priority,
            normal,
            in_a_row: 0,
        })))
    }

    /// Waits for a slot. Without a free place it fails at once.
    pub(super) async fn acquire(&self, requester: &Requester) -> Result<Slot, NoSlot> {
        if requester.presence.has_ended() {
            return Err(NoSlot::Abandoned);
        }
        let (sender, receiver) = oneshot::channel();
        self.lock()
            .lane(requester.lane)
            .enqueue(requester, sender)
            .map_err(NoSlot::Busy)?;
        self.dispatch();
        // A request that stops waiting leaves a waiter, which is dropped later.
        let granted = timeout(LONGEST_WAIT, receiver)
            .await
            .map_err(|_| NoSlot::Busy(Busy::Server))?;
        // A waiter of a disconnected client is dropped without an answer.
        granted
            .map_err(|_| NoSlot::Abandoned)?
            .map_err(NoSlot::Busy)
    }

    /// Gives free slots to the next waiters.
    fn dispatch(&self) {
        loop {
            let Some((waiter, lane)) = self.lock().next() else {
                return;
            };
            // A request that has just stopped waiting takes no slot.
            if let Err(Ok(mut slot)) = waiter.sender.send(Ok(Slot(Some((self.clone(), lane))))) {
                slot.0 = None;
                self.lock().end(lane);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn lane(&mut self, lane: Lane) -> &mut FairQueue {
        match lane {
            Lane::Priority => &mut self.priority,
            Lane::Normal => &mut self.normal,
        }
    }

    /// The next waiter, if there is a slot, which it then takes.
    fn next(&mut self) -> Option<(Waiter, Lane)> {
        if self.working >= self.slots {
            return None;
        }
        let open = self.normal_working < self.slots.saturating_sub(1).max(1);
        let first = if open && self.in_a_row >= PRIORITY_IN_A_ROW {
            Lane::Normal
        } else {
            Lane::Priority
        };
        let lanes = [first, first.other()].into_iter();
        let mut lanes = lanes.filter(|lane| open || *lane == Lane::Priority);
        let (waiter, lane) = lanes.find_map(|lane| Some((self.lane(lane).next()?, lane)))?;
        self.working += 1;
        match lane {
            Lane::Priority => self.in_a_row += 1,
            Lane::Normal => {
                self.normal_working += 1;
                self.in_a_row = 0;
            }
        }
        Some((waiter, lane))
    }

    fn end(&mut self, lane: Lane) {
        self.working -= 1;
        self.normal_working -= usize::from(lane == Lane::Normal);
    }
}

impl FairQueue {
    /// Takes a place. In a full lane the group with the most places loses one to another group.
    fn enqueue(&mut self, requester: &Requester, sender: SlotSender) -> Result<(), Busy> {
        if self.waiters.len() >= self.places {
            self.waiters.retain(|waiter| !waiter.is_abandoned());
        }
        if self.waiters.len() >= self.places {
            self.make_room(&requester.group)?;
        }
        let group = requester.group.clone();
        let last = self
            .waiters
            .iter()
            .filter(|waiter| waiter.group == group)
            .map(|waiter| waiter.round)
            .max();
        let round = last.unwrap_or(self.round).max(self.round) + 1;
        self.waiters.push(Waiter {
            group,
            round,
            presence: requester.presence.clone(),
            sender,
        });
        Ok(())
    }

    /// Ends the last waiter of the group that has most, unless `group` would have as many then.
    fn make_room(&mut self, group: &str) -> Result<(), Busy> {
        let mut shares: HashMap<&str, usize> = HashMap::new();
        for waiter in &self.waiters {
            *shares.entry(&waiter.group).or_default() += 1;
        }
        let own = shares.get(group).copied().unwrap_or(0);
        let (largest, most) = shares
            .into_iter()
            .max_by_key(|(_, share)| *share)
            .unwrap_or((group, own));
        if own + 1 >= most {
            return Err(if own > 0 && own >= most {
                Busy::OwnGroup
            } else {
                Busy::Server
            });
        }
        if let Some(last) = self
            .waiters
            .iter()
            .rposition(|waiter| waiter.group == largest)
        {
            // The request may no longer wait.
            let _ = self.waiters.remove(last).sender.send(Err(Busy::OwnGroup));
        }
        Ok(())
    }

    /// The next waiter. Those of disconnected clients are dropped.
    fn next(&mut self) -> Option<Waiter> {
        self.waiters.retain(|waiter| !waiter.is_abandoned());
        let (place, _) = self
            .waiters
            .iter()
            .enumerate()
            .min_by_key(|(_, waiter)| waiter.round)?;
        let waiter = self.waiters.remove(place);
        self.round = waiter.round;
        Some(waiter)
    }
}

impl Waiter {
    fn is_abandoned(&self) -> bool {
        self.presence.has_ended() || self.sender.is_closed()
    }
}

#[cfg(test)]
mod tests;
