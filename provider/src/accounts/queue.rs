//! The queue in front of the password hash, which is bounded: a hash takes tens of milliseconds, 19
//! MiB and a core.
//!
//! There are two lanes: one for browsers that are known to the account and for users with a link or
//! a session, and one for all others. The others can use neither the places of the first lane nor
//! the last core. Within a lane the networks, or accounts, take turns, so that one with many
//! requests delays only itself.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use identity::rate_limit::rate_limit_key;
use oauth::Id;
use thiserror::Error;
use tokio::{sync::oneshot, time::timeout};

use crate::{browser_context::BrowserContext, presence::Presence};

/// The number of places for known requesters.
const KNOWN_PLACES: usize = 32;
/// How many others may wait: a few seconds' work.
const OTHER_PLACES: usize = 128;
/// How long a request waits, well within the time in which a request is answered.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// After this many known requesters in a row, one of the others is served.
const KNOWN_IN_A_ROW: u32 = 8;

/// Why a password is not checked or hashed now: the queue is full. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Busy {
    /// It is full of requests from others.
    #[error("too many passwords are being checked")]
    Server,
    /// It is full, and this browser's own network or account has the largest part of it.
    #[error("too many passwords are being checked for this network or account")]
    BrowserContext,
}

impl Busy {
    /// For `Retry-After`: a full queue is processed in a few seconds.
    pub const RETRY_AFTER: Duration = Duration::from_secs(3);
}

/// Why a request gets no slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    Busy(Busy),
    /// The client no longer waits.
    Abandoned,
}

/// The lane of a requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Known,
    Other,
}

/// The requester of a hash.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    lane: Lane,
    /// The group with which it shares its turns.
    party: String,
    presence: Presence,
}

impl Requester {
    /// A browser that is known to an account, or one with a link or a session of it.
    pub(crate) fn known(browser: &BrowserContext, account: Id) -> Self {
        Self {
            lane: Lane::Known,
            party: account.to_string(),
            presence: browser.presence.clone(),
        }
    }

    /// Anybody else.
    pub(crate) fn stranger(browser: &BrowserContext) -> Self {
        Self {
            lane: Lane::Other,
            party: rate_limit_key(browser.address),
            presence: browser.presence.clone(),
        }
    }

    /// The terminal, and administrators.
    pub(crate) fn operator() -> Self {
        Self {
            lane: Lane::Known,
            party: "operator".to_owned(),
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
    /// How many running hashes are from the other lane.
    others_working: usize,
    known: Waiting,
    others: Waiting,
    /// How many known requesters were served since one of the others.
    in_a_row: u32,
}

/// A lane, with fair queueing by party.
struct Waiting {
    places: usize,
    /// The round of the ticket that was called last.
    round: u64,
    tickets: Vec<Ticket>,
}

struct Ticket {
    party: String,
    /// One round later than the ticket of the same party before it.
    round: u64,
    presence: Presence,
    turn: Turn,
}

type Turn = oneshot::Sender<Result<Slot, Busy>>;

/// The right to occupy a core. It ends with the value, and the next ticket is called.
pub(super) struct Slot(Option<(Queue, Lane)>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some((queue, lane)) = self.0.take() {
            queue.lock().end(lane);
            queue.call();
        }
    }
}

impl Queue {
    /// With this many slots; all but one are open to the other lane.
    pub(super) fn new(slots: NonZeroUsize) -> Self {
        let lane = |places| Waiting {
            places,
            round: 0,
            tickets: Vec::new(),
        };
        let (known, others) = (lane(KNOWN_PLACES), lane(OTHER_PLACES));
        Self(Arc::new(Mutex::new(State {
            slots: slots.get(),
            working: 0,
            others_working: 0,
            known,
            others,
            in_a_row: 0,
        })))
    }

    /// Waits for a slot. Without a free place it fails at once.
    pub(super) async fn turn(&self, requester: &Requester) -> Result<Slot, NoTurn> {
        if requester.presence.has_ended() {
            return Err(NoTurn::Abandoned);
        }
        let (turn, called) = oneshot::channel();
        self.lock()
            .lane(requester.lane)
            .join(requester, turn)
            .map_err(NoTurn::Busy)?;
        self.call();
        // A request that stops waiting leaves a ticket, which is dropped later.
        let called = timeout(LONGEST_WAIT, called)
            .await
            .map_err(|_| NoTurn::Busy(Busy::Server))?;
        // A ticket of a disconnected client is dropped without an answer.
        called.map_err(|_| NoTurn::Abandoned)?.map_err(NoTurn::Busy)
    }

    /// Calls tickets as long as there are slots for them.
    fn call(&self) {
        loop {
            let Some((ticket, lane)) = self.lock().next() else {
                return;
            };
            // A request that has just stopped waiting takes no slot.
            if let Err(Ok(mut slot)) = ticket.turn.send(Ok(Slot(Some((self.clone(), lane))))) {
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
    const fn lane(&mut self, lane: Lane) -> &mut Waiting {
        match lane {
            Lane::Known => &mut self.known,
            Lane::Other => &mut self.others,
        }
    }

    /// The next ticket, if there is a slot, which it then takes.
    fn next(&mut self) -> Option<(Ticket, Lane)> {
        if self.working >= self.slots {
            return None;
        }
        let open = self.others_working < self.slots.saturating_sub(1).max(1);
        let first = if open && self.in_a_row >= KNOWN_IN_A_ROW {
            Lane::Other
        } else {
            Lane::Known
        };
        let lanes = [
            first,
            if first == Lane::Known {
                Lane::Other
            } else {
                Lane::Known
            },
        ];
        let mut lanes = lanes
            .into_iter()
            .filter(|lane| open || *lane == Lane::Known);
        let (ticket, lane) = lanes.find_map(|lane| Some((self.lane(lane).next()?, lane)))?;
        self.working += 1;
        match lane {
            Lane::Known => self.in_a_row += 1,
            Lane::Other => {
                self.others_working += 1;
                self.in_a_row = 0;
            }
        }
        Some((ticket, lane))
    }

    fn end(&mut self, lane: Lane) {
        self.working -= 1;
        self.others_working -= usize::from(lane == Lane::Other);
    }
}

impl Waiting {
    /// Takes a place. In a full lane the group with the most places loses one to another group.
    fn join(&mut self, requester: &Requester, turn: Turn) -> Result<(), Busy> {
        if self.tickets.len() >= self.places {
            self.tickets.retain(|ticket| !ticket.is_abandoned());
        }
        if self.tickets.len() >= self.places {
            self.make_room(&requester.party)?;
        }
        let party = requester.party.clone();
        let last = self
            .tickets
            .iter()
            .filter(|ticket| ticket.party == party)
            .map(|ticket| ticket.round)
            .max();
        let round = last.unwrap_or(self.round).max(self.round) + 1;
        self.tickets.push(Ticket {
            party,
            round,
            presence: requester.presence.clone(),
            turn,
        });
        Ok(())
    }

    /// Ends the last ticket of the party that has most, unless `party` would have as many then.
    fn make_room(&mut self, party: &str) -> Result<(), Busy> {
        let mut shares: HashMap<&str, usize> = HashMap::new();
        for ticket in &self.tickets {
            *shares.entry(&ticket.party).or_default() += 1;
        }
        let own = shares.get(party).copied().unwrap_or(0);
        let (largest, most) = shares
            .into_iter()
            .max_by_key(|(_, share)| *share)
            .unwrap_or((party, own));
        if own + 1 >= most {
            return Err(if own > 0 && own >= most {
                Busy::BrowserContext
            } else {
                Busy::Server
            });
        }
        if let Some(last) = self
            .tickets
            .iter()
            .rposition(|ticket| ticket.party == largest)
        {
            // The request may no longer wait.
            let _ = self
                .tickets
                .remove(last)
                .turn
                .send(Err(Busy::BrowserContext));
        }
        Ok(())
    }

    /// The next ticket. Tickets of disconnected clients are dropped.
    fn next(&mut self) -> Option<Ticket> {
        self.tickets.retain(|ticket| !ticket.is_abandoned());
        let (place, _) = self
            .tickets
            .iter()
            .enumerate()
            .min_by_key(|(_, ticket)| ticket.round)?;
        let ticket = self.tickets.remove(place);
        self.round = ticket.round;
        Some(ticket)
    }
}

impl Ticket {
    fn is_abandoned(&self) -> bool {
        self.presence.has_ended() || self.turn.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use super::*;

    fn requester(lane: Lane, party: &str) -> Requester {
        Requester {
            lane,
            party: party.to_owned(),
            presence: Presence::default(),
        }
    }

    fn other(party: &str) -> Requester {
        requester(Lane::Other, party)
    }

    fn queue(slots: usize) -> Queue {
        Queue::new(NonZeroUsize::new(slots).expect("some slots"))
    }

    /// Waits in a separate task, which returns the requester when it gets its slot.
    async fn waits(
        queue: &Queue,
        requester: &Requester,
    ) -> tokio::task::JoinHandle<Result<(), NoTurn>> {
        let (queue, requester) = (queue.clone(), requester.clone());
        let waiting = tokio::spawn(async move { queue.turn(&requester).await.map(drop) });
        tokio::task::yield_now().await;
        waiting
    }

    #[tokio::test]
    async fn a_slot_that_ends_is_the_next_ones() {
        let queue = queue(2);
        let held = queue.turn(&other("a")).await.expect("a slot");
        let next = waits(&queue, &other("b")).await;
        assert!(!next.is_finished(), "one slot is kept for the known");
        queue
            .turn(&requester(Lane::Known, "k"))
            .await
            .expect("a slot");
        drop(held);
        assert_eq!(next.await.expect("no panic"), Ok(()));
        let state = queue.lock();
        assert_eq!((state.working, state.others_working), (0, 0));
    }

    #[tokio::test]
    async fn strangers_never_fill_the_places_of_the_known() {
        let queue = queue(2);
        let held = queue.turn(&other("a")).await.expect("a slot");
        let mut waiting = Vec::new();
        for _ in 0..OTHER_PLACES {
            waiting.push(waits(&queue, &other("a")).await);
        }
        assert_eq!(
            queue.turn(&other("a")).await.err(),
            Some(NoTurn::Busy(Busy::BrowserContext))
        );
        queue
            .turn(&requester(Lane::Known, "k"))
            .await
            .expect("at once");
        // A requester of another group has the place of the crowd's last one, and the second turn.
        let elsewhere = waits(&queue, &other("b")).await;
        assert_eq!(
            waiting.pop().expect("one").await.expect("no panic"),
            Err(NoTurn::Busy(Busy::BrowserContext))
        );
        drop(held);
        assert_eq!(elsewhere.await.expect("no panic"), Ok(()));
        for one in waiting {
            assert_eq!(one.await.expect("no panic"), Ok(()));
        }
    }

    #[tokio::test]
    async fn parties_take_turns() {
        let queue = queue(1);
        let held = queue.turn(&other("a")).await.expect("a slot");
        let (order, mut waiting) = (Arc::new(Mutex::new(String::new())), Vec::new());
        for party in ["a", "a", "a", "b", "c", "b"] {
            let (queue, order) = (queue.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                let slot = queue.turn(&other(party)).await.expect("a turn");
                order.lock().expect("no panic").push_str(party);
                drop(slot);
            }));
            tokio::task::yield_now().await;
        }
        drop(held);
        for one in waiting {
            one.await.expect("no panic");
        }
        assert_eq!(*order.lock().expect("no panic"), "abcaba");
    }

    #[tokio::test]
    async fn who_is_gone_takes_no_place_and_no_turn() {
        let queue = queue(1);
        let held = queue.turn(&other("a")).await.expect("a slot");
        let mut gone = Vec::new();
        for number in 0..OTHER_PLACES {
            let requester = other(&number.to_string());
            gone.push((waits(&queue, &requester).await, requester.presence));
        }
        assert_eq!(
            queue.turn(&other("new")).await.err(),
            Some(NoTurn::Busy(Busy::Server))
        );
        for (_, presence) in &gone {
            presence.end();
        }
        let stays = waits(&queue, &other("stays")).await;
        assert_eq!(
            queue.lock().others.tickets.len(),
            1,
            "their places are free"
        );
        for (waiting, presence) in gone {
            assert_eq!(waiting.await.expect("no panic"), Err(NoTurn::Abandoned));
            assert_eq!(
                queue
                    .turn(&Requester {
                        presence,
                        ..other("late")
                    })
                    .await
                    .err(),
                Some(NoTurn::Abandoned)
            );
        }
        drop(held);
        assert_eq!(stays.await.expect("no panic"), Ok(()));
    }

    #[tokio::test]
    async fn a_turn_that_nobody_takes_any_more_passes_on() {
        let queue = queue(1);
        let held = queue.turn(&other("a")).await.expect("a slot");
        let requester = other("b");
        let mut given_up = Box::pin(queue.turn(&requester));
        assert!(poll_fn(|context| Poll::Ready(given_up.as_mut().poll(context).is_pending())).await);
        let next = waits(&queue, &other("c")).await;
        drop(held);
        // The slot is assigned already when the waiting request ends.
        drop(given_up);
        assert_eq!(next.await.expect("no panic"), Ok(()));
        assert!(pin!(queue.turn(&other("d"))).await.is_ok());
    }

    #[tokio::test]
    async fn the_known_leave_others_a_turn() {
        let queue = queue(2);
        let first = queue.turn(&other("a")).await.expect("a slot");
        let second = queue
            .turn(&requester(Lane::Known, "k"))
            .await
            .expect("a slot");
        let other = waits(&queue, &other("b")).await;
        let mut known = Vec::new();
        for number in 0..KNOWN_PLACES {
            known.push(waits(&queue, &requester(Lane::Known, &number.to_string())).await);
        }
        drop(first);
        drop(second);
        assert_eq!(other.await.expect("no panic"), Ok(()));
        for one in known {
            assert_eq!(one.await.expect("no panic"), Ok(()));
        }
    }
}
