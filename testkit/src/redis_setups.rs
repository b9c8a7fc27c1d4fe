//! Several Redis servers for one test: with sentinels, or as a cluster.

use std::{process::Command, thread, time::Duration};

use crate::RedisServer;

/// The name of the primary.
const NAME: &str = "vestibule";
/// How often and how many times servers are asked whether they agree: for half a minute.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS: u32 = 1500;

/// A primary, replicas, and sentinels that watch them.
pub struct RedisSentinels {
    /// The servers. The first one is the primary at the start.
    pub servers: Vec<RedisServer>,
    /// The sentinels.
    pub sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// Starts servers and sentinels. With several sentinels, it waits until all know each other.
    /// They fail over after a second without an answer of the primary.
    pub fn start(servers: usize, sentinels: usize, options: &[&str]) -> Self {
        let servers: Vec<_> = (0..servers)
            .map(|_| RedisServer::start_with(options))
            .collect();
        for replica in &servers[1..] {
            follow(replica, &servers[0]);
        }
        let port = servers[0].port();
        let quorum = sentinels / 2 + 1;
        let configuration = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} {quorum}\nsentinel down-after-milliseconds {NAME} 1000\n\
             sentinel failover-timeout {NAME} 3000\nsentinel parallel-syncs {NAME} 2\n"
        );
        let sentinels = (0..sentinels)
            .map(|_| RedisServer::start_sentinel(&configuration))
            .collect();
        let all = Self { servers, sentinels };
        for replica in &all.servers[1..] {
            until("a replica", || {
                replica
                    .command("INFO replication")
                    .contains("master_link_status:up")
            });
        }
        all.wait_for_agreement();
        all
    }

    /// Waits until every sentinel knows all others and all replicas.
    pub fn wait_for_agreement(&self) {
        let line = format!(
            "status=ok,address=127.0.0.1:{},slaves={},sentinels={}",
            self.primary_port(),
            self.servers.len() - 1,
            self.sentinels.len()
        );
        for sentinel in &self.sentinels {
            until("the sentinels", || {
                sentinel.command("INFO sentinel").contains(&line)
            });
        }
    }

    /// The URL of the store.
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter();
        let hosts: Vec<_> = hosts
            .map(|one| format!("127.0.0.1:{}", one.port()))
            .collect();
        format!("redis+sentinel://{}/{NAME}", hosts.join(","))
    }

    /// The port of the primary, as the first sentinel that runs says.
    pub fn primary_port(&self) -> u16 {
        let line = |info: String| {
            let (_, rest) = info.split_once("address=127.0.0.1:")?;
            rest.split_once(',')?.0.parse().ok()
        };
        let mut running = self.sentinels.iter().filter(|one| one.is_running());
        let sentinel = running.next().expect("a sentinel");
        line(sentinel.command("INFO sentinel")).expect("a primary")
    }

    /// The index of the primary.
    pub fn primary(&self) -> usize {
        let port = self.primary_port();
        let mut ports = self.servers.iter().map(RedisServer::port);
        ports.position(|one| one == port).expect("a known primary")
    }

    /// Lets the sentinels fail over, without waiting for the end.
    pub fn fail_over(&self) {
        let asked = self.sentinels[0].command(&format!("SENTINEL FAILOVER {NAME}"));
        assert_eq!(asked, "+OK");
    }

    /// Waits until the sentinels name another primary than the one at this port.
    pub fn wait_for_another(&self, port: u16) {
        until("another primary", || self.primary_port() != port);
    }
}

/// A Redis Cluster: primaries with all slots, and perhaps one replica for each.
pub struct RedisCluster {
    /// The nodes: the primaries, then their replicas in the same order.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes, and waits until all know each other. A primary that does not answer for a
    /// second is replaced by its replica.
    pub fn start(primaries: u16, with_replicas: bool, options: &[&str]) -> Self {
        let count = if with_replicas {
            primaries * 2
        } else {
            primaries
        };
        let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        let options = [&cluster[..], options].concat();
        let nodes: Vec<_> = (0..count)
            .map(|_| RedisServer::start_with(&options))
            .collect();
        for (index, node) in (1..).zip(&nodes) {
            assert_eq!(
                node.command(&format!("CLUSTER SET-CONFIG-EPOCH {index}")),
                "+OK"
            );
        }
        for (index, node) in (0..).zip(&nodes[..usize::from(primaries)]) {
            let bound = |index: u16| u32::from(index) * 16384 / u32::from(primaries);
            let (first, last) = (bound(index), bound(index + 1) - 1);
            assert_eq!(
                node.command(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")),
                "+OK"
            );
        }
        for node in &nodes[1..] {
            nodes[0].command(&format!("CLUSTER MEET 127.0.0.1 {}", node.port()));
        }
        let cluster = Self { nodes };
        cluster.wait("the cluster", |info| {
            info.contains("cluster_state:ok")
                && info.contains(&format!("cluster_known_nodes:{count}"))
        });
        if with_replicas {
            let (primaries, replicas) = cluster.nodes.split_at(usize::from(primaries));
            for (primary, replica) in primaries.iter().zip(replicas) {
                let id = primary.command("CLUSTER MYID");
                until("a replica", || {
                    replica.command(&format!("CLUSTER REPLICATE {id}")) == "+OK"
                });
            }
            for replica in replicas {
                until("a replica", || {
                    replica
                        .command("INFO replication")
                        .contains("master_link_status:up")
                });
            }
            cluster.wait_for_replicas();
        }
        cluster
    }

    /// Waits until every node that runs says this of the cluster.
    pub fn wait(&self, what: &str, said: impl Fn(&str) -> bool) {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            until(what, || said(&node.command("CLUSTER INFO")));
        }
    }

    /// Waits until every node knows every replica: one that nobody knows takes no primary's place.
    fn wait_for_replicas(&self) {
        let replicas = self.nodes.len() / 2;
        for node in &self.nodes {
            until("the replicas", || {
                let nodes = node.command("CLUSTER NODES");
                nodes.lines().filter(|line| line.contains("slave")).count() == replicas
            });
        }
    }

    /// The URL of the store.
    pub fn url(&self) -> String {
        let hosts = self.nodes.iter();
        let hosts: Vec<_> = hosts
            .map(|one| format!("127.0.0.1:{}", one.port()))
            .collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The node that has a key, as the node at this index says.
    pub fn owner(&self, asked: usize, key: &str) -> usize {
        let slot = slot(&self.nodes[asked], key);
        let nodes = self.nodes[asked].command("CLUSTER NODES");
        let has = |line: &&str| {
            line.contains("master")
                && line.split(' ').skip(8).any(|range| {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    let inside = |(first, last): (u16, u16)| (first..=last).contains(&slot);
                    first
                        .parse()
                        .ok()
                        .zip(last.parse().ok())
                        .is_some_and(inside)
                })
        };
        let owner = nodes.lines().find(has).expect("an owner of every slot");
        let position = |node: &RedisServer| owner.contains(&format!(":{}@", node.port()));
        self.nodes.iter().position(position).expect("a known node")
    }

    /// The hash slot of a key.
    pub fn slot(&self, key: &str) -> u16 {
        let mut running = self.nodes.iter().filter(|node| node.is_running());
        slot(running.next().expect("a node"), key)
    }

    /// Moves a slot with all its keys, by the steps of the specification.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) {
        self.open_slot(slot, from, to);
        self.close_slot(slot, from, to);
    }

    /// Begins to move a slot, and moves none of its keys yet.
    pub fn open_slot(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let (source, target) = (from.command("CLUSTER MYID"), to.command("CLUSTER MYID"));
        assert_eq!(
            to.command(&format!("CLUSTER SETSLOT {slot} IMPORTING {source}")),
            "+OK"
        );
        assert_eq!(
            from.command(&format!("CLUSTER SETSLOT {slot} MIGRATING {target}")),
            "+OK"
        );
    }

    /// Moves the keys of a slot, and then the slot.
    pub fn close_slot(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        loop {
            let keys = redis_cli(
                from.port(),
                &["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "100"],
            );
            let keys: Vec<_> = keys.lines().filter(|line| !line.is_empty()).collect();
            if keys.is_empty() {
                break;
            }
            let port = to.port().to_string();
            let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            words.extend(keys);
            redis_cli(from.port(), &words);
        }
        let target = to.command("CLUSTER MYID");
        for node in [to, from] {
            assert_eq!(
                node.command(&format!("CLUSTER SETSLOT {slot} NODE {target}")),
                "+OK"
            );
        }
    }
}

fn slot(asked: &RedisServer, key: &str) -> u16 {
    let answer = asked.command(&format!("CLUSTER KEYSLOT {key}"));
    answer.trim_start_matches(':').parse().expect("a slot")
}

/// Sends a command with `redis-cli`, for answers of several lines.
fn redis_cli(port: u16, words: &[&str]) -> String {
    let run = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(words)
        .output()
        .expect("redis-cli");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn follow(replica: &RedisServer, primary: &RedisServer) {
    let command = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    assert_eq!(replica.command(&command), "+OK");
}

fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if done() {
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
    panic!("{what}: not in time");
}
