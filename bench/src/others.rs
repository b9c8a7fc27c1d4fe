//! Other authorization servers beside this one, on the same machine in one run: the same requests of
//! the same clients, in turns. Every answer is checked, and a wrong one ends the run.

mod server;
mod work;

use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

use tokio::runtime::Builder;

use self::{
    server::{Name, Server},
    work::{Work, Worker},
};
use crate::{Outcome, context, judged::verdict, load::Sample};

const CLIENTS: usize = 8;

/// How often and how long each work is done.
#[derive(Clone, Copy)]
pub(crate) struct Turns {
    rounds: usize,
    each: Duration,
    /// The number of grants that are refreshed.
    grants: usize,
}

impl Turns {
    pub(crate) const WHOLE: Self = Self {
        rounds: 6,
        each: Duration::from_secs(1),
        grants: 1000,
    };
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        each: Duration::from_millis(300),
        grants: 50,
    };
}

/// What is wanted: a work that costs this server so many times less than another one.
struct Target {
    work: Work,
    other: Name,
    times: f64,
}

const TARGETS: [Target; 4] = [
    target(Work::Flow, Name::NodeOidcProvider, 10.0),
    target(Work::Flow, Name::PythonSdk, 1.5),
    target(Work::Refresh, Name::PythonSdk, 3.0),
    target(Work::Registration, Name::NodeOidcProvider, 4.0),
];

const fn target(work: Work, other: Name, times: f64) -> Target {
    Target { work, other, times }
}

type Samples = BTreeMap<(Work, Name), Sample>;

/// Prints the costs, and the ratios beside their targets.
///
/// # Errors
/// What could not be measured, which answer was wrong, or which targets were missed.
pub(crate) fn measure(binary: &Path, turns: Turns) -> Outcome<()> {
    let samples = samples(binary, turns)?;
    println!("{}", costs(&samples));
    let Ratios { table, missed } = ratios(&samples);
    println!("{table}");
    verdict(&missed)
}

/// All servers do each work in turns. The first round does not count: a JIT compiles what it runs
/// often.
fn samples(binary: &Path, turns: Turns) -> Outcome<Samples> {
    let generator = Builder::new_current_thread().enable_all().build();
    let generator = generator.map_err(context("a thread"))?;
    let mut workers = Vec::new();
    for name in Name::ALL {
        eprintln!("==> {}", name.text());
        let server = Server::start(name, binary)?;
        let prepared = generator.block_on(Worker::prepare(server, binary, turns.grants));
        workers.push(prepared.map_err(context(name.text()))?);
    }
    let mut samples = Samples::new();
    for round in 0..=turns.rounds {
        eprintln!("    round {round} of {}", turns.rounds);
        for work in Work::ALL {
            for worker in &workers {
                let name = worker.server.name;
                let sample = generator.block_on(worker.turn(work, CLIENTS, turns.each));
                let sample =
                    sample.map_err(|fault| format!("{}, {}: {fault}", name.text(), work.text()))?;
                if round > 0 {
                    let so_far = samples.entry((work, name)).or_default();
                    *so_far = *so_far + sample;
                }
            }
        }
    }
    Ok(samples)
}

fn costs(samples: &Samples) -> String {
    let mut text = String::from(
        "| work | server | a second | server CPU µs each | Redis CPU µs each |\n|---|---|--:|--:|--:|\n",
    );
    for work in Work::ALL {
        for name in Name::ALL {
            let sample = sample(samples, work, name);
            let redis = if name.uses_redis() {
                format!("{:.0}", sample.redis_each())
            } else {
                "–".to_owned()
            };
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.0} | {redis} |",
                work.text(),
                name.text(),
                sample.rate(),
                sample.cpu_each(),
            );
        }
    }
    text
}

struct Ratios {
    table: String,
    missed: Vec<String>,
}

/// How many times cheaper this server is, by the CPU of the server process, which is judged, and by
/// operations a second.
fn ratios(samples: &Samples) -> Ratios {
    let mut table = String::from(
        "| work | beside | wanted | engine | by server CPU | by operations a second |\n|---|---|--:|---|--:|--:|\n",
    );
    let mut missed = Vec::new();
    for Target { work, other, times } in TARGETS {
        for own in [Name::VestibuleRedis, Name::VestibuleEmbedded] {
            let theirs = sample(samples, work, other);
            let ours = sample(samples, work, own);
            let by_cpu = theirs.cpu_each() / ours.cpu_each();
            let by_rate = ours.rate() / theirs.rate();
            let is_met = by_cpu >= times;
            let judged = if is_met { "met" } else { "**missed**" };
            let line = format!("| {} | {} | ≥ {times} |", work.text(), other.text());
            let _ = writeln!(
                table,
                "{line} {} | {by_cpu:.1}, {judged} | {by_rate:.1} |",
                own.text()
            );
            if !is_met {
                missed.push(format!(
                    "{}, {}: {by_cpu:.1} × {}, wanted ≥ {times}",
                    own.text(),
                    work.text(),
                    other.text()
                ));
            }
        }
    }
    Ratios { table, missed }
}

fn sample(samples: &Samples, work: Work, name: Name) -> Sample {
    samples.get(&(work, name)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(cpu: u64) -> Sample {
        Sample {
            requests: 10,
            time: Duration::from_millis(cpu),
            cpu: Duration::from_millis(cpu),
            redis: Duration::ZERO,
        }
    }

    #[test]
    fn a_target_is_missed_by_each_engine_alone() {
        let mut samples = Samples::new();
        for work in Work::ALL {
            samples.insert((work, Name::NodeOidcProvider), took(200));
            samples.insert((work, Name::PythonSdk), took(60));
            samples.insert((work, Name::VestibuleRedis), took(20));
            samples.insert((work, Name::VestibuleEmbedded), took(25));
        }
        let Ratios { table, missed } = ratios(&samples);
        assert_eq!(missed.len(), 2, "{missed:?}");
        assert!(
            missed[0].contains("embedded") && missed[0].contains("8.0"),
            "{missed:?}"
        );
        assert!(
            missed[1].contains("embedded") && missed[1].contains("2.4"),
            "{missed:?}"
        );
        assert_eq!(table.matches(", met |").count(), 6, "{table}");
    }
}
