//! A Redis Cluster: the map of its slots, and a connection to each primary.
//!
//! The client crate's own cluster client is not used. It repeats a command by itself after a lost
//! connection, which would run a `GETDEL` twice, and it does not leave a primary that hangs without
//! closing its connections. This one decides nothing about repetitions: see `sending.rs`.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{ErrorKind, RedisError, Value, cmd};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    dialer::{Address, Dialer},
    node::{Node, Place},
    slots::SlotMap,
};

/// How many nodes are asked for the map at once.
const ASKED: usize = 16;
/// The minimum time between two questions for the map.
const PAUSE: Duration = Duration::from_millis(100);

/// The nodes and the map.
pub(super) struct Cluster {
    seeds: Vec<Address>,
    dialer: Dialer,
    wait: Option<Duration>,
    nodes: RwLock<HashMap<Address, Arc<Node>>>,
    map: RwLock<Arc<SlotMap>>,
    /// The number of completed questions for the map.
    asked: AtomicU64,
    /// Locked while the nodes are asked; contains when they may be asked again.
    turn: tokio::sync::Mutex<Instant>,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Address>, dialer: &Dialer, wait: Option<Duration>) -> Self {
        Self {
            seeds,
            dialer: dialer.clone(),
            wait,
            nodes: RwLock::default(),
            map: RwLock::default(),
            asked: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(Instant::now()),
        }
    }

    /// The node at an address.
    pub(super) fn node(&self, address: &Address) -> Arc<Node> {
        let known = {
            let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
            nodes.get(address).cloned()
        };
        known.unwrap_or_else(|| {
            let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
            let new = || {
                Arc::new(Node::new(
                    Place::Fixed(address.clone()),
                    &self.dialer,
                    self.wait,
                ))
            };
            Arc::clone(nodes.entry(address.clone()).or_insert_with(new))
        })
    }

    pub(super) fn map(&self) -> Arc<SlotMap> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The primary of a slot.
    pub(super) async fn primary(&self, slot: u16) -> Result<Arc<Node>, RedisError> {
        if let Some(address) = self.map().primary(slot) {
            return Ok(self.node(address));
        }
        self.learn().await?;
        let map = self.map();
        let address = map.primary(slot).ok_or_else(|| {
            let why = format!("no node of the cluster has the slot {slot}");
            RedisError::from((ErrorKind::ClusterConnectionNotFound, "the cluster", why))
        })?;
        Ok(self.node(address))
    }

    /// Asks the nodes for the map. Concurrent callers share one question.
    pub(super) async fn learn(&self) -> Result<(), RedisError> {
        let asked = self.asked.load(Ordering::Acquire);
        let mut next = self.turn.lock().await;
        if self.asked.load(Ordering::Acquire) != asked {
            return Ok(());
        }
        sleep_until(*next).await;
        let answer = self.ask().await;
        *next = Instant::now() + PAUSE;
        self.asked.fetch_add(1, Ordering::AcqRel);
        let map = Arc::new(answer?);
        let primaries = map.primaries();
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = map;
        // The connections to nodes that are no longer primaries are not needed.
        self.nodes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|address, _| primaries.contains(address) || self.seeds.contains(address));
        Ok(())
    }

    /// The map that more than half of the asked nodes have, or else that most of those have that
    /// answer: a node that is cut off from the others has an old one.
    async fn ask(&self) -> Result<SlotMap, RedisError> {
        let mut addresses = self.map().primaries();
        addresses.extend(self.seeds.iter().cloned());
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(ASKED);
        let count = addresses.len();
        let mut asked = JoinSet::new();
        for address in addresses {
            let node = self.node(&address);
            asked.spawn(async move { ask_one(&node, &address).await });
        }
        let mut votes: HashMap<SlotMap, usize> = HashMap::new();
        let mut fault = None;
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok(Ok(map)) => {
                    let votes = votes.entry(map.clone()).or_default();
                    *votes += 1;
                    if *votes * 2 > count {
                        return Ok(map);
                    }
                }
                Ok(Err(why)) => fault = fault.or(Some(why)),
                Err(_) => {}
            }
        }
        let best = votes
            .into_iter()
            .max_by_key(|(map, votes)| (map.is_whole(), *votes));
        best.map(|(map, _)| map).ok_or_else(|| {
            let nobody = || {
                let kind = ErrorKind::ClusterConnectionNotFound;
                RedisError::from((kind, "no node of the cluster answers"))
            };
            fault.unwrap_or_else(nobody)
        })
    }
}

async fn ask_one(node: &Node, address: &Address) -> Result<SlotMap, RedisError> {
    let live = node.connection().await?;
    let mut connection = live.dialed.connection.clone();
    let answer: Result<Value, RedisError> = cmd("CLUSTER")
        .arg("SLOTS")
        .query_async(&mut connection)
        .await;
    if answer.as_ref().is_err_and(RedisError::is_io_error) {
        node.lost(Some(live.number));
    }
    SlotMap::parse(&answer?, address).ok_or_else(|| {
        let kind = ErrorKind::ClusterConnectionNotFound;
        RedisError::from((kind, "a node of the cluster has no slots yet"))
    })
}
