//! The servers of a campaign: three with three sentinels, or a cluster of six nodes.

use testkit::{RedisCluster, RedisSentinels, RedisServer};

/// Every change is on disk before it is answered, so that a restart loses nothing.
const OPTIONS: [&str; 6] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--save",
    "",
];

pub(super) enum Servers {
    Sentinels(RedisSentinels),
    Cluster(RedisCluster),
}

impl Servers {
    pub(super) fn start(cluster: bool) -> Self {
        if cluster {
            Self::Cluster(RedisCluster::start(3, true, &OPTIONS))
        } else {
            Self::Sentinels(RedisSentinels::start(3, 3, &OPTIONS))
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Sentinels(servers) => servers.url(),
            Self::Cluster(servers) => servers.url(),
        }
    }

    /// The servers that hold data.
    pub(super) fn data(&mut self) -> &mut [RedisServer] {
        match self {
            Self::Sentinels(servers) => &mut servers.servers,
            Self::Cluster(servers) => &mut servers.nodes,
        }
    }

    /// The servers that say of themselves that they are primaries.
    pub(super) fn primaries(&mut self) -> Vec<usize> {
        let running = self.data().iter().enumerate();
        running
            .filter(|(_, server)| server.is_running())
            .filter(|(_, server)| server.command("INFO replication").contains("role:master"))
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether every replica follows a primary that has it, and nothing is missing.
    pub(super) fn is_whole(&mut self) -> bool {
        let primaries = self.primaries().len();
        let wanted = match self {
            Self::Sentinels(_) => 1,
            Self::Cluster(_) => 3,
        };
        let linked = |server: &RedisServer| {
            let info = server.command("INFO replication");
            info.contains("role:master") || info.contains("master_link_status:up")
        };
        primaries == wanted && self.data().iter().all(linked) && self.agree()
    }

    fn agree(&self) -> bool {
        match self {
            Self::Sentinels(servers) => {
                let sound = |sentinel: &RedisServer| {
                    let info = sentinel.command("INFO sentinel");
                    info.contains("status=ok") && info.contains("slaves=2")
                };
                servers.sentinels.iter().all(sound)
            }
            Self::Cluster(servers) => {
                let sound = |node: &RedisServer| {
                    let info = node.command("CLUSTER INFO");
                    info.contains("cluster_state:ok") && info.contains("cluster_slots_fail:0")
                };
                servers.nodes.iter().all(sound)
            }
        }
    }
}
