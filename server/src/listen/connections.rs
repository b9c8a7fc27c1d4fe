//! The connections there are: how many, from where, and which one closes when there are too many.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::activity::Activity;
use crate::proxies::Proxies;

/// How many connections there may be.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// In all.
    pub connections: usize,
    /// From one address, or one /64 of IPv6. This computer and trusted proxies, which serve
    /// many users, may have all of them.
    pub per_address: usize,
    /// The trusted proxies.
    pub proxies: Proxies,
}

impl Bounds {
    /// Bounds for so many connections in all.
    pub(crate) fn new(connections: usize, proxies: Proxies) -> Self {
        // An office behind one address has hundreds of browsers, with some connections each.
        let per_address = (connections / 4).clamp(8, 512);
        Self {
            connections,
            per_address,
            proxies,
        }
    }
}

/// The connections of this server.
#[derive(Debug)]
pub(super) struct Connections {
    bounds: Bounds,
    entries: Mutex<OpenConnections>,
    /// Told whenever one has closed.
    closed: Notify,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    open: HashMap<u64, OpenConnection>,
    counts: HashMap<IpAddr, usize>,
    /// The server stops: no connection waits for another request.
    stopping: bool,
}

#[derive(Debug)]
struct OpenConnection {
    /// The address it is counted for; none for this computer and trusted proxies.
    source: Option<IpAddr>,
    activity: Arc<Activity>,
}

/// The right to one connection; dropping it makes room.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    id: u64,
    connections: Arc<Connections>,
    pub(super) activity: Arc<Activity>,
}

impl Connections {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            entries: Mutex::default(),
            closed: Notify::new(),
        })
    }

    /// A slot for a connection from `peer`, once there is one. To make room, connections without a
    /// request under way are closed, those that have been so for the longest time first. `None`
    /// when its address has as many as it may, all at work.
    pub(super) async fn acquire(self: &Arc<Self>, peer: SocketAddr) -> Option<ConnectionSlot> {
        let source = self.source(peer.ip());
        if let Some(source) = source
            && self.has_many(source)
            && !self.make_room(Some(source))
        {
            return None;
        }
        loop {
            if let Some(slot) = self.enter(source) {
                return Some(slot);
            }
            self.make_room(None);
            // Asked again soon, since a busy connection may be idle then.
            let _ = timeout(Duration::from_millis(50), self.closed.notified()).await;
        }
    }

    /// Tells one connection to close that has no request under way: one of `source`, or any.
    pub(super) fn make_room(&self, source: Option<IpAddr>) -> bool {
        let entries = self.entries();
        let now = Instant::now();
        let candidates = entries
            .open
            .values()
            .filter(|entry| source.is_none() || entry.source == source);
        // Proxies last: their idle connections are about to be used.
        let ranked = candidates.filter_map(|entry| {
            Some((
                (entry.source.is_none(), entry.activity.expendable(now)?),
                entry,
            ))
        });
        let chosen = ranked.min_by_key(|(rank, _)| *rank);
        chosen
            .inspect(|(_, entry)| entry.activity.dismiss())
            .is_some()
    }

    /// Tells those to close whose next request has not come within `patience`.
    pub(super) fn hurry(&self, patience: Duration) {
        if let Some(latest) = Instant::now().checked_sub(patience) {
            let entries = self.entries();
            let activities = entries.open.values().map(|entry| &entry.activity);
            activities.for_each(|activity| activity.hurry(latest));
        }
    }

    /// Tells all to close once no request is under way, those to come too.
    pub(super) fn stop(&self) {
        let mut entries = self.entries();
        entries.stopping = true;
        let activities = entries.open.values().map(|entry| &entry.activity);
        activities.for_each(|activity| activity.finish());
    }

    /// Waits until all have closed.
    pub(super) async fn all_closed(&self) {
        while !self.entries().open.is_empty() {
            let _ = timeout(Duration::from_millis(50), self.closed.notified()).await;
        }
    }

    fn enter(self: &Arc<Self>, source: Option<IpAddr>) -> Option<ConnectionSlot> {
        let mut entries = self.entries();
        if entries.open.len() >= self.bounds.connections {
            return None;
        }
        let id = entries.next;
        let activity = Arc::<Activity>::default();
        if entries.stopping {
            activity.finish();
        }
        entries.next += 1;
        entries.open.insert(
            id,
            OpenConnection {
                source,
                activity: Arc::clone(&activity),
            },
        );
        if let Some(source) = source {
            *entries.counts.entry(source).or_default() += 1;
        }
        Some(ConnectionSlot {
            id,
            connections: Arc::clone(self),
            activity,
        })
    }

    fn leave(&self, id: u64) {
        let mut entries = self.entries();
        let source = entries.open.remove(&id).and_then(|entry| entry.source);
        if let Some(source) = source
            && let Some(count) = entries.counts.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                entries.counts.remove(&source);
            }
        }
        drop(entries);
        self.closed.notify_one();
    }

    /// Whether an address has as many as it may, without those that were told to close.
    fn has_many(&self, source: IpAddr) -> bool {
        let entries = self.entries();
        if entries
            .counts
            .get(&source)
            .is_none_or(|count| *count < self.bounds.per_address)
        {
            return false;
        }
        let staying = entries
            .open
            .values()
            .filter(|entry| entry.source == Some(source) && !entry.activity.is_leaving());
        staying.count() >= self.bounds.per_address
    }

    fn source(&self, address: IpAddr) -> Option<IpAddr> {
        let address = address.to_canonical();
        let speaks_for_many = address.is_loopback() || self.bounds.proxies.trusts(address);
        (!speaks_for_many).then(|| network(address))
    }

    fn entries(&self) -> MutexGuard<'_, OpenConnections> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.leave(self.id);
    }
}

/// What an address is counted by: a customer of IPv6 has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::{super::activity::Order, *};

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().expect("an address"), 1)
    }

    fn connections(all: usize, per_address: usize, proxies: &str) -> Arc<Connections> {
        let trusted: Vec<ipnet::IpNet> = proxies
            .split_terminator(',')
            .map(|net| net.parse().expect("a network"))
            .collect();
        Connections::new(Bounds {
            connections: all,
            per_address,
            proxies: Proxies::new(&trusted),
        })
    }

    /// A connection whose request is under way.
    fn at_work(slot: &ConnectionSlot) {
        slot.activity.working();
    }

    #[tokio::test]
    async fn an_address_has_so_many_and_a_network_of_ipv6_counts_as_one() {
        for [first, second, other] in [
            ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"],
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"],
        ] {
            let connections = connections(100, 2, "");
            let slots = [
                connections.acquire(peer(first)).await.expect("a slot"),
                connections.acquire(peer(second)).await.expect("a slot"),
            ];
            slots.iter().for_each(at_work);
            assert!(connections.acquire(peer(first)).await.is_none());
            assert!(connections.acquire(peer(other)).await.is_some());
            drop(slots);
            assert!(connections.acquire(peer(first)).await.is_some());
        }
    }

    #[tokio::test]
    async fn an_address_that_has_many_loses_its_own_idle_connection_and_nobody_elses() {
        let connections = connections(100, 2, "");
        let other = connections
            .acquire(peer("192.0.2.9"))
            .await
            .expect("a slot");
        let first = connections
            .acquire(peer("192.0.2.1"))
            .await
            .expect("a slot");
        let second = connections
            .acquire(peer("192.0.2.1"))
            .await
            .expect("a slot");
        at_work(&first);
        let third = connections
            .acquire(peer("192.0.2.1"))
            .await
            .expect("a slot");
        assert!(
            second.activity.is_leaving()
                && !first.activity.is_leaving()
                && !other.activity.is_leaving()
        );
        assert!(!third.activity.is_leaving());
    }

    #[tokio::test]
    async fn this_computer_and_trusted_proxies_have_as_many_as_there_are() {
        let connections = connections(100, 2, "10.0.0.0/8");
        for address in ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"] {
            let mut slots = Vec::new();
            for _ in 0..20 {
                slots.push(connections.acquire(peer(address)).await.expect("a slot"));
            }
            assert!(
                slots.iter().all(|slot| !slot.activity.is_leaving()),
                "{address}"
            );
        }
    }

    #[tokio::test]
    async fn when_all_slots_are_taken_the_one_that_is_idle_longest_makes_room() {
        let connections = connections(3, 3, "");
        let mut slots = Vec::new();
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            slots.push(connections.acquire(peer(address)).await.expect("a slot"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        at_work(&slots[0]);
        let entering = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.acquire(peer("192.0.2.4")).await }
        });
        let told = poll_fn(|context| slots[1].activity.poll_order(context));
        assert_eq!(told.await, Order::Close);
        assert!(
            !entering.is_finished(),
            "there is no room before it has gone"
        );
        drop(slots.remove(1));
        assert!(entering.await.expect("it ends").is_some());
    }

    #[tokio::test]
    async fn what_is_counted_is_forgotten_with_its_connections() {
        let connections = connections(100, 2, "");
        drop(connections.acquire(peer("192.0.2.1")).await);
        assert!(connections.entries().counts.is_empty() && connections.entries().open.is_empty());
        connections.all_closed().await;
    }
}
