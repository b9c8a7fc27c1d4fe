//! Asking sentinels where the primary is.
//!
//! The client crate's own `SentinelClient` believes the first sentinel that answers, and gives a
//! connection that nobody replaces. Here the address that most sentinels name counts, and they are
//! asked again for every new connection.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use redis::{ErrorKind, RedisError, cmd};
use tokio::task::JoinSet;

use super::{
    dialer::{Address, Dialer},
    faults::of_sentinel,
    lane::Lane,
};

/// How often the sentinels are asked whether the primary is still the one in use. A former primary
/// that is cut off from them answers as before, with data that is no longer true.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The sentinels of one primary.
pub(super) struct Sentinels {
    name: String,
    dialer: Dialer,
    asked: Vec<Arc<(Address, Lane)>>,
    used: RwLock<Option<Address>>,
}

impl Sentinels {
    pub(super) fn new(name: &str, addresses: Vec<Address>, dialer: Dialer) -> Self {
        let sentinels = addresses
            .into_iter()
            .map(|address| Arc::new((address, Lane::new())));
        Self {
            name: name.to_owned(),
            dialer,
            asked: sentinels.collect(),
            used: RwLock::new(None),
        }
    }

    /// The address of the primary: the one that more than half of the sentinels name, or, when
    /// fewer answer, that most of those name.
    pub(super) async fn primary(&self) -> Result<Address, RedisError> {
        let mut answers = JoinSet::new();
        for sentinel in &self.asked {
            let (sentinel, dialer) = (Arc::clone(sentinel), self.dialer.clone());
            let name = self.name.clone();
            answers.spawn(async move { ask(&sentinel, &dialer, &name).await });
        }
        let mut votes: HashMap<Address, usize> = HashMap::new();
        let mut fault = None;
        while let Some(answer) = answers.join_next().await {
            match answer {
                Ok(Ok(Some(address))) => {
                    let count = votes.entry(address.clone()).or_default();
                    *count += 1;
                    if *count * 2 > self.asked.len() {
                        return Ok(address);
                    }
                }
                Ok(Ok(None)) => fault = Some(self.unknown_name()),
                Ok(Err(why)) => fault = fault.or(Some(of_sentinel(why))),
                Err(_) => {}
            }
        }
        let most = votes.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(address, _)| address)
            .ok_or_else(|| fault.unwrap_or_else(|| self.unknown_name()))
    }

    /// From now on this one is in use.
    pub(super) fn use_primary(&self, address: Address) {
        let mut used = self.used.write().unwrap_or_else(PoisonError::into_inner);
        if used.as_ref().is_some_and(|used| *used != address) {
            tracing::warn!(primary = %address, "the sentinels name another Redis primary");
        }
        *used = Some(address);
    }

    /// Whether the sentinels name another primary than the one in use.
    pub(super) async fn has_changed(&self) -> bool {
        let used = {
            let used = self.used.read().unwrap_or_else(PoisonError::into_inner);
            used.clone()
        };
        match (used, self.primary().await) {
            (Some(used), Ok(named)) => used != named,
            (None, _) | (_, Err(_)) => false,
        }
    }

    fn unknown_name(&self) -> RedisError {
        let why = format!("no sentinel knows a primary of the name \"{}\"", self.name);
        (ErrorKind::MasterNameNotFoundBySentinel, "sentinels", why).into()
    }
}

async fn ask(
    sentinel: &(Address, Lane),
    dialer: &Dialer,
    name: &str,
) -> Result<Option<Address>, RedisError> {
    let (address, lane) = sentinel;
    let live = lane.connection(dialer.dial(address)).await?;
    let mut connection = live.dialed.connection.clone();
    let answer: Result<Option<(String, u16)>, RedisError> = cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(name)
        .query_async(&mut connection)
        .await;
    if answer.as_ref().is_err_and(RedisError::is_io_error) {
        lane.lost(live.number);
    }
    Ok(answer?.map(|(host, port)| Address::new(host, port)))
}
