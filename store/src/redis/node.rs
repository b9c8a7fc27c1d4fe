//! One server that holds data: its address, or how to find it, and the connections to it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{ErrorKind, RedisError, Value, cmd};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{
    dialer::{Address, Dialed, Dialer},
    lane::{Lane, Live},
    sentinels::Sentinels,
};

/// How many writes may wait for a replica at once. Redis answers nothing else over a connection
/// that waits, so each of them has a connection of its own.
const WAITERS: usize = 32;

/// Where a server is.
pub(super) enum Place {
    Fixed(Address),
    /// Where the sentinels say.
    Primary(Arc<Sentinels>),
}

/// A server, with one connection that all callers share, and one for each write that waits for a
/// replica.
pub(super) struct Node {
    place: Place,
    dialer: Dialer,
    shared: Lane,
    patient: Dialer,
    waiting: Mutex<Vec<Lane>>,
    waiters: Semaphore,
    /// How often the connections were given up.
    losses: AtomicU64,
}

/// A connection for one write that waits for a replica. It is used again afterwards if nothing was
/// left unanswered.
pub(super) struct Waiter<'a> {
    pub(super) live: Live,
    node: &'a Node,
    lane: Lane,
    losses: u64,
    _permit: SemaphorePermit<'a>,
}

impl Waiter<'_> {
    pub(super) fn done(self) {
        if self.losses != self.node.losses.load(Ordering::Acquire) {
            return;
        }
        let mut free = self
            .node
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.push(self.lane);
    }
}

impl Node {
    pub(super) fn new(place: Place, dialer: &Dialer, wait: Option<Duration>) -> Self {
        Self {
            place,
            dialer: dialer.clone(),
            shared: Lane::new(),
            patient: dialer.patient(wait.unwrap_or_default()),
            waiting: Mutex::new(Vec::new()),
            waiters: Semaphore::new(WAITERS),
            losses: AtomicU64::new(0),
        }
    }

    /// The connection that all callers share. An error means that nothing was sent.
    pub(super) async fn connection(&self) -> Result<Live, RedisError> {
        match self.shared.live() {
            Some(live) => Ok(live),
            None => Box::pin(self.shared.connection(self.dial(&self.dialer))).await,
        }
    }

    /// Leave to wait. When too many wait, nothing is sent, and the caller is told soon.
    async fn permit(&self) -> Result<SemaphorePermit<'_>, RedisError> {
        let acquired = timeout(self.patient.response(), self.waiters.acquire()).await;
        acquired.ok().and_then(Result::ok).ok_or_else(|| {
            let what = "too many changes are waiting for a replica";
            RedisError::from((ErrorKind::Extension, what))
        })
    }

    /// A connection for one caller alone.
    pub(super) async fn waiter(&self) -> Result<Waiter<'_>, RedisError> {
        let permit = self.permit().await?;
        let losses = self.losses.load(Ordering::Acquire);
        let free = || {
            let mut free = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            free.pop()
        };
        let lane = free().unwrap_or_else(Lane::new);
        let live = match lane.live() {
            Some(live) => live,
            None => Box::pin(lane.connection(self.dial(&self.patient))).await?,
        };
        Ok(Waiter {
            live,
            node: self,
            lane,
            losses,
            _permit: permit,
        })
    }

    /// The shared connection with this number is of no more use, and neither are those that wait for
    /// replicas.
    pub(super) fn lost(&self, number: Option<u64>) {
        if let Some(number) = number {
            self.shared.lost(number);
        }
        self.losses.fetch_add(1, Ordering::AcqRel);
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The number of the shared connection, if there is one.
    pub(super) fn number(&self) -> Option<u64> {
        self.shared.live().map(|live| live.number)
    }

    async fn dial(&self, dialer: &Dialer) -> Result<Dialed, RedisError> {
        match &self.place {
            Place::Fixed(address) => dialer.dial(address).await,
            Place::Primary(sentinels) => {
                let address = sentinels.primary().await?;
                let made = dialer.dial(&address).await?;
                is_primary(&made).await?;
                sentinels.use_primary(address);
                Ok(made)
            }
        }
    }
}

/// Sentinels name a new primary before it is one, and a former primary does not know yet that it is
/// none. A user who may not ask is not hindered.
async fn is_primary(dialed: &Dialed) -> Result<(), RedisError> {
    let mut connection = dialed.connection.clone();
    let role: Result<Value, RedisError> = cmd("ROLE").query_async(&mut connection).await;
    match role {
        Ok(role) if !super::faults::is_primary(&role) => Err(RedisError::from((
            ErrorKind::Client,
            "the server that the sentinels name is not a primary, or not yet",
        ))),
        Err(fault) if fault.is_io_error() => Err(fault),
        Ok(_) | Err(_) => Ok(()),
    }
}
