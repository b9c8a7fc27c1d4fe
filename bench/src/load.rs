//! The load: clients with one connection each, which send the next request after the response to
//! the last one.

use std::{
    iter::Sum,
    net::SocketAddr,
    ops::Add,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Outcome, clock, context, process,
    wire::{Answer, Wire},
};

/// The requests of one client.
pub(crate) trait Scenario: Send + 'static {
    /// Writes the next request; false when there is none.
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool;

    /// Handles the response. An error ends the run, since an unexpected response is no measurement.
    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()>;
}

/// The cost of some requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) requests: u32,
    pub(crate) time: Duration,
    pub(crate) cpu: Duration,
    pub(crate) redis: Duration,
}

impl Sample {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.requests) / self.time.as_secs_f64()
    }

    /// Microseconds per request, all clients together.
    pub(crate) fn time_each(&self) -> f64 {
        self.each(self.time)
    }

    /// Microseconds of the server's processor time per request.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.each(self.cpu)
    }

    /// Microseconds of Redis' processor time per request.
    pub(crate) fn redis_each(&self) -> f64 {
        self.each(self.redis)
    }

    fn each(&self, whole: Duration) -> f64 {
        whole.as_secs_f64() * 1e6 / f64::from(self.requests)
    }
}

impl Add for Sample {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            time: self.time + other.time,
            cpu: self.cpu + other.cpu,
            redis: self.redis + other.redis,
        }
    }
}

impl Sum for Sample {
    fn sum<I: Iterator<Item = Self>>(samples: I) -> Self {
        samples.fold(Self::default(), Add::add)
    }
}

/// Reads the processor time of the measured processes.
#[derive(Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) server: u32,
    pub(crate) redis: Option<u32>,
}

/// A running measurement.
pub(crate) struct Running {
    meter: Meter,
    pub(crate) since: Instant,
    cpu: Duration,
    redis: Duration,
}

impl Meter {
    /// Measures work in this process.
    pub(crate) fn own(redis: Option<u32>) -> Self {
        Self {
            server: std::process::id(),
            redis,
        }
    }

    pub(crate) fn start(self) -> Running {
        let (cpu, redis) = self.used();
        Running {
            meter: self,
            since: clock::now(),
            cpu,
            redis,
        }
    }

    fn used(self) -> (Duration, Duration) {
        (
            process::cpu(self.server),
            self.redis.map(process::cpu).unwrap_or_default(),
        )
    }
}

impl Running {
    pub(crate) fn stop(self, requests: u32) -> Sample {
        let time = clock::now() - self.since;
        let (cpu, redis) = self.meter.used();
        Sample {
            requests,
            time,
            cpu: cpu.saturating_sub(self.cpu),
            redis: redis.saturating_sub(self.redis),
        }
    }
}

/// Runs all clients for `duration`, or until they have no more requests.
pub(crate) async fn run<E: Scenario>(
    address: SocketAddr,
    meter: Meter,
    clients: Vec<E>,
    duration: Duration,
) -> Outcome<Sample> {
    let mut wires = Vec::new();
    for scenario in clients {
        wires.push((Wire::connect(address).await?, scenario));
    }
    let running = meter.start();
    let until = running.since + duration;
    let mut working: JoinSet<_> = wires
        .into_iter()
        .map(|(wire, scenario)| work(wire, scenario, until))
        .collect();
    let mut requests = 0;
    while let Some(done) = working.join_next().await {
        requests += done.map_err(context("a client"))??;
    }
    Ok(running.stop(requests))
}

async fn work(mut wire: Wire, mut scenario: impl Scenario, until: Instant) -> Outcome<u32> {
    let mut request = Vec::new();
    let mut requests = 0;
    while clock::now() < until && scenario.next_request(&mut request) {
        let answer = wire.send(&request).await?;
        scenario.handle(&answer)?;
        requests += 1;
    }
    Ok(requests)
}
