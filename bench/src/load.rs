//! The load: so many clients, each with one connection, each sending its next request when the last
//! one was answered.

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

/// What one client does.
pub(crate) trait Scenario: Send + 'static {
    /// Writes the next request; false when there is nothing more to do.
    fn ask(&mut self, request: &mut Vec<u8>) -> bool;

    /// Hears the answer to it. The error ends the run: what was not answered as it should be was
    /// not measured.
    fn hear(&mut self, answer: &Answer<'_>) -> Outcome<()>;
}

/// What some requests took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) requests: u32,
    pub(crate) time: Duration,
    pub(crate) cpu: Duration,
    pub(crate) redis: Duration,
}

impl Sample {
    /// Requests in each second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.requests) / self.time.as_secs_f64()
    }

    /// Microseconds until the next request is done, all clients together.
    pub(crate) fn time_each(&self) -> f64 {
        self.each(self.time)
    }

    /// Microseconds of processor time in the server.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.each(self.cpu)
    }

    /// Microseconds of processor time in Redis.
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

/// Reads what the processes use that the work is done in.
#[derive(Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) server: u32,
    pub(crate) redis: Option<u32>,
}

/// A measurement under way.
pub(crate) struct Running {
    meter: Meter,
    pub(crate) since: Instant,
    cpu: Duration,
    redis: Duration,
}

impl Meter {
    /// Measures work done in this very process.
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

/// Lets all clients work for `stretch`, or until none of them has anything more to do.
pub(crate) async fn run<E: Scenario>(
    address: SocketAddr,
    meter: Meter,
    clients: Vec<E>,
    stretch: Duration,
) -> Outcome<Sample> {
    let mut wires = Vec::new();
    for scenario in clients {
        wires.push((Wire::connect(address).await?, scenario));
    }
    let running = meter.start();
    let until = running.since + stretch;
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
    let (mut request, mut requests) = (Vec::new(), 0);
    while clock::now() < until && scenario.ask(&mut request) {
        let answer = wire.send(&request).await?;
        scenario.hear(&answer)?;
        requests += 1;
    }
    Ok(requests)
}
