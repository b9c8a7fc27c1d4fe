//! The faults, one after the other, in an order that follows from the seed.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use testkit::RedisServer;

use super::{Campaign, random::Random, servers::Servers};
use crate::clock;

/// How long the servers are left alone between two faults.
const REST: Duration = Duration::from_secs(2);
/// The maximum time until everything is as before a fault.
const PATIENCE: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(20);
/// By how many seconds a clock jumps. A server that is ahead by more than the replay window (30 s)
/// takes a retry at another server for a replay, and ends the grant.
const JUMPS: [&str; 2] = ["+20", "-20"];
const ON_TIME: &str = "+0";
/// How long a clock stays wrong.
const JUMP: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fault {
    /// SIGKILL; started again after a replica was promoted.
    Kill,
    /// `SENTINEL FAILOVER` or `CLUSTER FAILOVER`. Sentinels promote a replica while the former primary
    /// still takes writes, and its other replica acknowledges them.
    Failover,
    /// `FAILOVER`: the primary hands over to a replica that has everything.
    Handover,
    /// SIGSTOP until after the promotion: the former primary believes that it is one.
    Freeze,
    /// `REPLICAOF` behind the back of sentinels: the primary refuses writes.
    Demote,
    /// `maxmemory`: every write is refused.
    Full,
    /// All connections are closed, many times.
    Cut,
    /// A slot moves while it is written to.
    Reshard,
    /// The disk of a primary is full, so that it ends by itself.
    Disk,
    /// The clock of a server process jumps ahead or back, and returns.
    Clock,
}

impl Fault {
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [
            ("kill", Self::Kill),
            ("failover", Self::Failover),
            ("handover", Self::Handover),
            ("freeze", Self::Freeze),
            ("demote", Self::Demote),
            ("full", Self::Full),
            ("cut", Self::Cut),
            ("reshard", Self::Reshard),
            ("disk", Self::Disk),
            ("clock", Self::Clock),
        ];
        let found = all.into_iter().find(|(own, _)| *own == name);
        found.map(|(_, fault)| fault)
    }
}

/// Tries to write, and says whether that worked.
pub(super) type Writer = Box<dyn Fn() -> bool + Send>;

/// Faults, and what was seen.
pub(super) struct Chaos {
    servers: Servers,
    writers: [Writer; 2],
    random: Random,
    faults: Vec<Fault>,
    /// The clocks of server processes: files that libfaketime reads.
    clocks: Vec<PathBuf>,
    /// Whether every replica must be there for a write.
    needs_all: bool,
    done: BTreeMap<Fault, usize>,
    /// From each promotion to the first write of each writer.
    recoveries: Vec<(Fault, Duration)>,
}

/// What was done.
pub(super) struct Seen {
    done: BTreeMap<Fault, usize>,
    recoveries: Vec<(Fault, Duration)>,
}

impl Seen {
    pub(super) fn slowest(&self) -> Duration {
        let times = self.recoveries.iter().map(|(_, time)| *time);
        times.max().unwrap_or_default()
    }

    pub(super) fn report(&self) -> String {
        let done = self.done.iter();
        let slowest = |fault: &Fault| {
            let own = self.recoveries.iter().filter(|(of, _)| of == fault);
            own.map(|(_, time)| time.as_secs_f64()).reduce(f64::max)
        };
        let done: Vec<_> = done
            .map(|(fault, count)| match slowest(fault) {
                Some(seconds) => format!("{fault:?} {count} ({seconds:.1} s)"),
                None => format!("{fault:?} {count}"),
            })
            .collect();
        format!(
            "faults: {}; promotions: {}, writes again after {:.1} s at most",
            done.join(", "),
            self.recoveries.len() / 2,
            self.slowest().as_secs_f64()
        )
    }
}

impl Chaos {
    pub(super) fn new(
        servers: Servers,
        writers: [Writer; 2],
        random: Random,
        clocks: Vec<PathBuf>,
        campaign: &Campaign,
    ) -> Self {
        let own = match &servers {
            // What `SENTINEL FAILOVER` loses is known (docs/RESILIENCE.md): it is done alone.
            Servers::Sentinels(_) => [Fault::Handover, Fault::Demote],
            Servers::Cluster(_) => [Fault::Failover, Fault::Reshard],
        };
        let common = [
            Fault::Kill,
            Fault::Freeze,
            Fault::Full,
            Fault::Cut,
            Fault::Disk,
        ];
        let jump = (!clocks.is_empty()).then_some(Fault::Clock);
        let all = common.into_iter().chain(own).chain(jump).collect();
        let faults = campaign.only.map_or(all, |only| vec![only]);
        Self {
            servers,
            writers,
            random,
            faults,
            clocks,
            needs_all: campaign.replicas > 1,
            done: BTreeMap::new(),
            recoveries: Vec::new(),
        }
    }

    /// Goes on until the deadline; the servers are whole afterwards.
    pub(super) fn until(mut self, deadline: Instant) -> (Servers, Seen) {
        let mut round = 0;
        while clock::now() < deadline {
            thread::sleep(REST);
            // Each once, and then in any order.
            let index = if round < self.faults.len() {
                round
            } else {
                self.random.below(self.faults.len())
            };
            round += 1;
            let fault = self.faults[index];
            self.inflict(fault);
            *self.done.entry(fault).or_default() += 1;
            self.heal();
        }
        let seen = Seen {
            done: self.done,
            recoveries: self.recoveries,
        };
        (self.servers, seen)
    }

    fn inflict(&mut self, fault: Fault) {
        let primaries = self.servers.primaries();
        let index = primaries[self.random.below(primaries.len())];
        match fault {
            Fault::Kill => {
                self.servers.data()[index].kill();
                self.promotion(fault, index, RedisServer::restart);
            }
            Fault::Freeze => {
                self.servers.data()[index].freeze();
                self.promotion(fault, index, |server| server.thaw());
            }
            Fault::Failover => self.fail_over(fault, index),
            Fault::Handover => {
                self.servers.data()[index].command("FAILOVER");
                self.promotion(fault, index, |_| {});
            }
            Fault::Demote => self.demote(index),
            Fault::Full => {
                self.servers.data()[index].command("CONFIG SET maxmemory 1mb");
                thread::sleep(Duration::from_secs(1));
                self.servers.data()[index].command("CONFIG SET maxmemory 0");
            }
            Fault::Cut => {
                for _ in 0..50 {
                    self.servers.data()[index].command("CLIENT KILL TYPE normal");
                    thread::sleep(Duration::from_millis(40));
                }
            }
            Fault::Reshard => self.reshard(index),
            Fault::Disk => {
                self.servers.data()[index].fill_disk();
                self.promotion(fault, index, RedisServer::restart);
            }
            Fault::Clock => self.jump(),
        }
    }

    fn jump(&mut self) {
        let Some(clock) = self.clocks.get(self.random.below(self.clocks.len().max(1))) else {
            return;
        };
        for offset in [JUMPS[self.random.below(JUMPS.len())], ON_TIME] {
            if let Err(fault) = fs::write(clock, offset) {
                eprintln!("a clock cannot be set: {fault}");
            }
            thread::sleep(JUMP);
        }
    }

    fn fail_over(&mut self, fault: Fault, index: usize) {
        match &self.servers {
            Servers::Sentinels(servers) => servers.fail_over(),
            Servers::Cluster(servers) => {
                let id = servers.nodes[index].command("CLUSTER MYID");
                let follows = |node: &&RedisServer| {
                    let nodes = node.command("CLUSTER NODES");
                    let own = nodes.lines().find(|line| line.contains("myself"));
                    own.is_some_and(|line| line.contains(&id) && line.contains("slave"))
                };
                if let Some(replica) = servers.nodes.iter().find(follows) {
                    replica.command("CLUSTER FAILOVER");
                }
            }
        }
        self.promotion(fault, index, |_| {});
    }

    /// Another server takes the place of this one, and both writers write again. Then this one comes
    /// back, or before, if its replica is needed for that.
    fn promotion(&mut self, fault: Fault, old: usize, back: impl Fn(&mut RedisServer)) {
        let wanted = self.wanted();
        self.wait("a promotion", |chaos| {
            chaos.primaries_without(old) == wanted
        });
        let promoted = clock::now();
        let is_needed = self.needs_all || matches!(self.servers, Servers::Cluster(_));
        if is_needed {
            back(&mut self.servers.data()[old]);
        }
        for writes in &self.writers {
            while !writes() && clock::now() - promoted < PATIENCE {
                thread::sleep(TICK);
            }
            self.recoveries.push((fault, clock::now() - promoted));
        }
        if !is_needed {
            back(&mut self.servers.data()[old]);
        }
    }

    fn wanted(&self) -> usize {
        match &self.servers {
            Servers::Sentinels(_) => 1,
            Servers::Cluster(_) => 3,
        }
    }

    /// How many primaries there are beside this server, as others see it where that counts.
    fn primaries_without(&mut self, old: usize) -> usize {
        match &mut self.servers {
            Servers::Sentinels(servers) => {
                let port = servers.servers[old].port();
                usize::from(servers.primary_port() != port)
            }
            Servers::Cluster(servers) => {
                let seen = &servers.nodes[(old + 1) % servers.nodes.len()];
                let port = format!(":{}@", servers.nodes[old].port());
                let nodes = seen.command("CLUSTER NODES");
                let is_primary = |line: &&str| {
                    line.contains("master") && !line.contains("fail") && !line.contains(&port)
                };
                nodes.lines().filter(is_primary).count()
            }
        }
    }

    /// The primary becomes a replica of one of its replicas. The sentinels put that right.
    fn demote(&mut self, index: usize) {
        let other = (index + 1) % 3;
        let port = self.servers.data()[other].port();
        self.servers.data()[index].command(&format!("REPLICAOF 127.0.0.1 {port}"));
        thread::sleep(Duration::from_secs(4));
        self.servers.data()[index].command("REPLICAOF NO ONE");
    }

    /// Some slots move to another primary.
    fn reshard(&mut self, from: usize) {
        let primaries = self.servers.primaries();
        let others: Vec<_> = primaries
            .into_iter()
            .filter(|index| *index != from)
            .collect();
        let to = others[self.random.below(others.len())];
        for _ in 0..20 {
            let key = format!("vestibule:record:{}", self.random.below(1_000_000));
            let Servers::Cluster(cluster) = &self.servers else {
                return;
            };
            if cluster.owner(from, &key) == from {
                let slot = cluster.slot(&key);
                cluster.open_slot(slot, from, to);
                thread::sleep(Duration::from_millis(100));
                cluster.close_slot(slot, from, to);
            }
        }
    }

    fn heal(&mut self) {
        self.wait("healing", |chaos| chaos.servers.is_whole());
    }

    fn wait(&mut self, what: &str, done: impl Fn(&mut Self) -> bool) {
        let deadline = clock::now() + PATIENCE;
        while !done(self) {
            if clock::now() > deadline {
                eprintln!("{what}: not within a minute");
                return;
            }
            thread::sleep(TICK);
        }
    }
}
