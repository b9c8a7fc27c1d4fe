//! The store round trips of a token request and of a registration, without a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use store::{BatchStep, CasResult, Store, StoreLocation, Ttl};
use tokio::task::JoinSet;

use crate::{
    Outcome, clock, context,
    load::{Meter, Sample},
};

/// Spreads consecutive numbers over the whole range, like the random ids of grants.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Sizes of a stored client, an account, and a grant whose code was just exchanged.
const CLIENT_BYTES: usize = 187;
const ACCOUNT_BYTES: usize = 240;
const GRANT_BYTES: usize = 525;
const CLIENT: &str = "floor-client:vc_AAAAAAAAAAAAAAAAAAAAAA";
const ACCOUNT: &str = "floor-account:AAAAAAAAAAAAAAAAAAAAAA";
const CLIENTS: &str = "floor-clients";
const KEEP: Ttl = Ttl::For(Duration::from_hours(90 * 24));

/// A store of the same engine, with as many records of the same size.
#[derive(Clone)]
pub(crate) struct Trips {
    store: Store,
    meter: Meter,
    grants: usize,
    registered: Arc<AtomicU32>,
}

impl Trips {
    /// `grants` is rounded up, so that each of up to 64 clients has its own grants.
    pub(crate) async fn open(location: &str, redis: Option<u32>, grants: usize) -> Outcome<Self> {
        let grants = grants.next_multiple_of(64);
        let location: StoreLocation = location.parse().map_err(context("a store"))?;
        let store = Store::open(&location).await.map_err(context("a store"))?;
        fill(&store, grants).await?;
        Ok(Self {
            store,
            meter: Meter::own(redis),
            grants,
            registered: Arc::default(),
        })
    }

    /// Two round trips, like a token request: client, grant and account at once, then one swap.
    pub(crate) async fn swap(&self, clients: usize, duration: Duration) -> Outcome<Sample> {
        self.race(clients, duration, move |trips, client, turn| async move {
            let key = key((client + turn * clients) % trips.grants);
            let reads = [CLIENT, &key, ACCOUNT].map(|key| BatchStep::Get { key });
            let record = trips.store.batch(&reads).await?.swap_remove(1);
            let expected = record.value()?.unwrap_or_default();
            let version = expected.first().map_or(0, |last| last.wrapping_add(1));
            let next = value(version);
            let swapped = trips
                .store
                .compare_and_swap(&key, &expected, &next, KEEP)
                .await?;
            Ok(swapped == CasResult::Done)
        })
        .await
    }

    /// One round trip, like a registration: the record and the list member.
    pub(crate) async fn insert(&self, clients: usize, duration: Duration) -> Outcome<Sample> {
        self.race(clients, duration, |trips, _, _| async move {
            let name = format!(
                "vc_{:022}",
                trips.registered.fetch_add(1, Ordering::Relaxed)
            );
            let insert = BatchStep::Insert {
                key: &format!("floor-client:{name}"),
                value: &[b'c'; CLIENT_BYTES],
                ttl: Ttl::Forever,
            };
            let listed = BatchStep::SetAdd {
                list: CLIENTS,
                member: &name,
            };
            let results = trips.store.batch(&[insert, listed]).await?;
            Ok(results
                .into_iter()
                .all(|result| result.changed().unwrap_or(false)))
        })
        .await
    }

    async fn race<F, R>(&self, clients: usize, duration: Duration, turn: F) -> Outcome<Sample>
    where
        F: Fn(Self, usize, usize) -> R + Copy + Send + 'static,
        R: Future<Output = store::Result<bool>> + Send + 'static,
    {
        let running = self.meter.start();
        let until = running.since + duration;
        let mut racing: JoinSet<_> = (0..clients)
            .map(|client| repeat(self.clone(), client, until, turn))
            .collect();
        let mut turns = 0;
        while let Some(done) = racing.join_next().await {
            turns += done.map_err(context("a turn"))??;
        }
        Ok(running.stop(turns))
    }
}

/// Inserts the client, the account and the grants.
async fn fill(store: &Store, grants: usize) -> Outcome<()> {
    let client = [b'c'; CLIENT_BYTES];
    let account = [b'a'; ACCOUNT_BYTES];
    for (key, record) in [(CLIENT, client.as_slice()), (ACCOUNT, account.as_slice())] {
        let inserted = store.insert(key, record, Ttl::Forever).await;
        inserted.map_err(context("the store"))?;
    }
    let mut filling = JoinSet::new();
    for grant in 0..grants {
        let store = store.clone();
        filling.spawn(async move { store.insert(&key(grant), &value(0), KEEP).await });
    }
    while let Some(done) = filling.join_next().await {
        done.map_err(context("filling"))?
            .map_err(context("filling"))?;
    }
    Ok(())
}

async fn repeat<F, R>(trips: Trips, client: usize, until: Instant, turn: F) -> Outcome<u32>
where
    F: Fn(Trips, usize, usize) -> R,
    R: Future<Output = store::Result<bool>>,
{
    let mut turns: u32 = 0;
    while clock::now() < until {
        if !turn(trips.clone(), client, turns as usize)
            .await
            .map_err(context("the store"))?
        {
            return Err("the store refused a turn of the floor".to_owned());
        }
        turns += 1;
    }
    Ok(turns)
}

fn key(grant: usize) -> String {
    let id = (grant as u64).wrapping_mul(SPREAD);
    format!("floor-grant:AAAAAAAAAAAAAAAAAAAAAA:{id:022}")
}

fn value(version: u8) -> Vec<u8> {
    vec![version; GRANT_BYTES]
}
