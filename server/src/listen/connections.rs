//! The connections there are: how many, from where, and which one closes when there are too many.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::activity::Activity;
use crate::proxies::Proxies;

/// How many connections there may be.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// In all.
    pub connections: usize,
    /// From one address, or one /64 of IPv6. This computer and trusted proxies, which speak for
    /// many, may have all of them.
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
    entries: Mutex<Entries>,
    /// Told whenever one has closed.
    closed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    open: HashMap<u64, Entry>,
    counts: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Entry {
    /// The address it is counted for; none for this computer and trusted proxies.
    whom: Option<IpAddr>,
    activity: Arc<Activity>,
}

/// A place among the connections; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
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

    /// A place for a connection from `peer`, once there is one. To make room, connections without a
    /// request under way are closed, those that have been so for the longest time first. `None`
    /// when its address has as many as it may, all at work.
    pub(super) async fn place(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let whom = self.whom(peer.ip());
        if let Some(whom) = whom
            && self.has_many(whom)
            && !self.make_room(Some(whom))
        {
            return None;
        }
        loop {
            if let Some(place) = self.enter(whom) {
                return Some(place);
            }
            self.make_room(None);
            // Asked again soon, since a busy connection may be idle then.
            let _ = timeout(Duration::from_millis(50), self.closed.notified()).await;
        }
    }

    /// Tells one connection to close that has no request under way: one of `whom`, or anybody's.
    pub(super) fn make_room(&self, whom: Option<IpAddr>) -> bool {
        let entries = self.entries();
        let now = Instant::now();
        let candidates = entries
            .open
            .values()
            .filter(|entry| whom.is_none() || entry.whom == whom);
        // Proxies last: their idle connections are about to be used.
        let ranked = candidates.filter_map(|entry| {
            Some((
                (entry.whom.is_none(), entry.activity.expendable(now)?),
                entry,
            ))
        });
        let chosen = ranked.min_by_key(|(rank, _)| *rank);
        chosen
            .inspect(|(_, entry)| entry.activity.dismiss())
            .is_some()
    }

    /// Waits until all have closed.
    pub(super) async fn all_closed(&self) {
        while !self.entries().open.is_empty() {
            let _ = timeout(Duration::from_millis(50), self.closed.notified()).await;
        }
    }

    fn enter(self: &Arc<Self>, whom: Option<IpAddr>) -> Option<Place> {
        let mut entries = self.entries();
        if entries.open.len() >= self.bounds.connections {
            return None;
        }
        let id = entries.next;
        let activity = Arc::<Activity>::default();
        entries.next += 1;
        entries.open.insert(
            id,
            Entry {
                whom,
                activity: Arc::clone(&activity),
            },
        );
        if let Some(whom) = whom {
            *entries.counts.entry(whom).or_default() += 1;
        }
        Some(Place {
            id,
            connections: Arc::clone(self),
            activity,
        })
    }

    fn leave(&self, id: u64) {
        let mut entries = self.entries();
        let whom = entries.open.remove(&id).and_then(|entry| entry.whom);
        if let Some(whom) = whom
            && let Some(count) = entries.counts.get_mut(&whom)
        {
            *count -= 1;
            if *count == 0 {
                entries.counts.remove(&whom);
            }
        }
        drop(entries);
        self.closed.notify_one();
    }

    /// Whether an address has as many as it may, without those that were told to close.
    fn has_many(&self, whom: IpAddr) -> bool {
        let entries = self.entries();
        if entries
            .counts
            .get(&whom)
            .is_none_or(|count| *count < self.bounds.per_address)
        {
            return false;
        }
        let staying = entries
            .open
            .values()
            .filter(|entry| entry.whom == Some(whom) && !entry.activity.is_leaving());
        staying.count() >= self.bounds.per_address
    }

    fn whom(&self, address: IpAddr) -> Option<IpAddr> {
        let address = address.to_canonical();
        let speaks_for_many = address.is_loopback() || self.bounds.proxies.trusts(address);
        (!speaks_for_many).then(|| network(address))
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
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
    use super::*;

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
    fn at_work(place: &Place) {
        place.activity.working();
    }

    #[tokio::test]
    async fn an_address_has_so_many_and_a_network_of_ipv6_counts_as_one() {
        for [first, second, other] in [
            ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"],
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"],
        ] {
            let connections = connections(100, 2, "");
            let places = [
                connections.place(peer(first)).await.expect("a place"),
                connections.place(peer(second)).await.expect("a place"),
            ];
            places.iter().for_each(at_work);
            assert!(connections.place(peer(first)).await.is_none());
            assert!(connections.place(peer(other)).await.is_some());
            drop(places);
            assert!(connections.place(peer(first)).await.is_some());
        }
    }

    #[tokio::test]
    async fn an_address_that_has_many_loses_its_own_idle_connection_and_nobody_elses() {
        let connections = connections(100, 2, "");
        let other = connections.place(peer("192.0.2.9")).await.expect("a place");
        let first = connections.place(peer("192.0.2.1")).await.expect("a place");
        let second = connections.place(peer("192.0.2.1")).await.expect("a place");
        at_work(&first);
        let third = connections.place(peer("192.0.2.1")).await.expect("a place");
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
            let mut places = Vec::new();
            for _ in 0..20 {
                places.push(connections.place(peer(address)).await.expect("a place"));
            }
            assert!(
                places.iter().all(|place| !place.activity.is_leaving()),
                "{address}"
            );
        }
    }

    #[tokio::test]
    async fn when_all_places_are_taken_the_one_that_is_idle_longest_makes_room() {
        let connections = connections(3, 3, "");
        let mut places = Vec::new();
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            places.push(connections.place(peer(address)).await.expect("a place"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        at_work(&places[0]);
        let entering = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.place(peer("192.0.2.4")).await }
        });
        places[1].activity.dismissed().await;
        assert!(
            !entering.is_finished(),
            "there is no room before it has gone"
        );
        drop(places.remove(1));
        assert!(entering.await.expect("it ends").is_some());
    }

    #[tokio::test]
    async fn what_is_counted_is_forgotten_with_its_connections() {
        let connections = connections(100, 2, "");
        drop(connections.place(peer("192.0.2.1")).await);
        assert!(connections.entries().counts.is_empty() && connections.entries().open.is_empty());
        connections.all_closed().await;
    }
}
