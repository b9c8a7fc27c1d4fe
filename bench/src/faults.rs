//! A campaign of faults: clients race for one-time things over two stores on Redis, while its
//! servers are killed, frozen, demoted, cut off, filled up and moved. Afterwards a ledger of every
//! answer is compared with what is there. docs/RESILIENCE.md has the results.
//!
//! `bench faults sentinel|cluster SECONDS SEED [--no-wait] [--replicas N] [--only FAULT] [--planted BUG]`; with `flows` in front
//! of the set-up, the clients are OAuth clients of two server processes instead.

mod chaos;
mod flows;
mod ledger;
mod planted;
mod races;
mod random;
mod servers;

use std::{sync::Arc, time::Duration};

use store::{RedisOptions, Store, StoreLocation, Ttl};

use self::{
    chaos::{Chaos, Fault, Writer},
    ledger::Ledger,
    planted::Bug,
    races::Clients,
    random::Random,
    servers::Servers,
};
use crate::{Outcome, clock, context};

const USAGE: &str = "usage: bench faults [flows] sentinel|cluster SECONDS SEED [--no-wait] [--replicas N] [--only FAULT] \
                     [--planted check-then-write|repeated-write|ignored-refusal]";
/// How long a write waits for a replica.
const WAIT: Duration = Duration::from_millis(500);
/// The number of concurrent clients, half of them on each store.
const CLIENTS: usize = 64;
/// The maximum time from a promotion to the first write of each store.
const RECOVERY: Duration = Duration::from_secs(5);
/// The same if the write waits for a server that has just come back.
const RETURN: Duration = Duration::from_secs(15);

/// What a run does.
struct Campaign {
    cluster: bool,
    length: Duration,
    seed: u64,
    /// Whether writes wait for a replica.
    waits: bool,
    /// How many replicas must have a write that waits.
    replicas: u32,
    /// The only fault.
    only: Option<Fault>,
    bug: Option<Bug>,
}

impl Campaign {
    fn of(words: &[&str]) -> Option<Self> {
        let [setup, seconds, seed, rest @ ..] = words else {
            return None;
        };
        let mut campaign = Self {
            cluster: match *setup {
                "sentinel" => false,
                "cluster" => true,
                _ => return None,
            },
            length: Duration::from_secs(seconds.parse().ok()?),
            seed: seed.parse().ok()?,
            waits: true,
            replicas: 1,
            only: None,
            bug: None,
        };
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match *word {
                "--no-wait" => campaign.waits = false,
                "--replicas" => campaign.replicas = rest.next()?.parse().ok()?,
                "--only" => campaign.only = Some(Fault::named(rest.next()?)?),
                "--planted" => campaign.bug = Some(Bug::named(rest.next()?)?),
                _ => return None,
            }
        }
        Some(campaign)
    }

    /// The maximum time from a promotion to the next write.
    fn recovery(&self) -> Duration {
        let needs_all = self.cluster || self.replicas > 1;
        if self.waits && needs_all {
            RETURN
        } else {
            RECOVERY
        }
    }

    async fn store(&self, url: &str) -> Outcome<Store> {
        let options = RedisOptions {
            wait_for_replica: self.waits.then_some(WAIT),
            wait_replicas: self.replicas,
            ..RedisOptions::default()
        };
        let location = StoreLocation::Redis(url.to_owned());
        let opened = Store::open_with(&location, &options).await;
        let store = opened.map_err(context("the store"))?;
        Ok(self
            .bug
            .map_or_else(|| store.clone(), |bug| bug.in_store(store.clone())))
    }

    async fn run(&self, servers: Servers) -> Outcome<bool> {
        let url = servers.url();
        let stores = [self.store(&url).await?, self.store(&url).await?];
        let ledger = Arc::new(Ledger::default());
        let clients = Clients::start(CLIENTS, &stores, &ledger, self.seed);
        let random = Random::new(self.seed);
        let writers = stores.clone().map(writer);
        let chaos = Chaos::new(servers, writers, random, Vec::new(), self);
        let deadline = clock::now() + self.length;
        let (servers, chaos) = tokio::task::spawn_blocking(move || chaos.until(deadline))
            .await
            .map_err(context("the faults"))?;
        clients.stop().await?;
        let found = ledger.check(&stores[0]).await?;
        drop(servers);
        println!("{}", chaos.report());
        println!("{}", found.report());
        let slow = chaos.slowest() > self.recovery();
        if slow {
            println!(
                "writes were accepted again only after {:?}",
                chaos.slowest()
            );
        }
        Ok(found.is_clean() && !slow)
    }
}

/// Writes keys of every node of a cluster.
fn writer(store: Store) -> Writer {
    let runtime = tokio::runtime::Handle::current();
    Box::new(move || {
        let kept = Ttl::For(Duration::from_mins(1));
        (0..6).all(|part| {
            let key = format!("recovery:{:?}:{part}", clock::now());
            runtime.block_on(store.insert(&key, b"v", kept)).is_ok()
        })
    })
}

/// Runs one campaign, and prints what was done and found. An error means that something was found,
/// unless writes did not wait for replicas.
pub(crate) fn run(words: &[&str]) -> Outcome<()> {
    let (flows, words) = match words {
        ["flows", rest @ ..] => (true, rest),
        words => (false, words),
    };
    let campaign = Campaign::of(words).ok_or(USAGE)?;
    let servers = Servers::start(campaign.cluster);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(context("threads"))?;
    let is_clean = if flows {
        runtime.block_on(flows::run(&campaign, servers, &crate::tested()?))?
    } else {
        runtime.block_on(campaign.run(servers))?
    };
    if is_clean {
        Ok(())
    } else {
        Err("the ledger and the store disagree".to_owned())
    }
}
