//! Measures the release binary and the floors of its parts, and prints Markdown.
//! docs/PERFORMANCE.md explains the figures.
//!
//! `bench guesses`, `bench timing`, `bench signatures` and `bench connections` measure attacks
//! instead, and `bench unauthenticated` measures single requests. `bench resources` measures JWTs,
//! forward authentication and the reverse proxy, `bench overload` more load than the server can take,
//! `bench compare` other authorization servers beside this one, `bench scale` a store with many
//! accounts, clients and grants.
//!
//! `bench [--quick] [--store file|redis [--only metadata|registration|exchange|refresh|flow|page]]`, from
//! the root of the checkout. It measures the binary in `VESTIBULE_BINARY`, or the release. It
//! connects to 127.0.0.1 only.

mod attack;
mod clock;
mod comparison;
mod deployment;
mod failover;
mod faults;
mod floor;
mod guesses;
mod judged;
mod load;
mod others;
mod overload;
mod process;
mod report;
mod resources;
mod scale;
mod scenario;
mod size;
mod timing;
mod wire;

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use attack::{connections, signatures, unauthenticated};
use comparison::{Plan, work};
use deployment::Engine;
use resources::Turns;

/// An error is a sentence and ends the run.
pub(crate) type Outcome<T> = Result<T, String>;

const BINARY: &str = "target/release/vestibule";
const USAGE: &str = "usage: bench [--quick] [--store file|redis [--only metadata|registration|exchange|refresh|flow|page]] \
                     | compare [--quick] | failover | faults … | guesses | overload | timing | resources [--quick] | scale [COUNT] | signatures | connections | unauthenticated";
const PACKAGE: &str = "target/site/pkg";
const WHOLE: Plan = Plan {
    rounds: 6,
    duration: Duration::from_millis(500),
    codes: 3000,
};
const ALONE: Plan = Plan {
    rounds: 1,
    duration: Duration::from_secs(10),
    codes: 3000,
};
const QUICK: Plan = Plan {
    rounds: 1,
    duration: Duration::from_millis(100),
    codes: 200,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match outcome(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn outcome(words: &[&str]) -> Outcome<()> {
    match words {
        ["signatures"] => attack::run(signatures::run()),
        ["unauthenticated"] => attack::run(unauthenticated::run()),
        ["connections"] => attack::run(connections::run()),
        ["compare"] => others::measure(&tested()?, others::Turns::WHOLE),
        ["compare", "--quick"] => others::measure(&tested()?, others::Turns::QUICK),
        ["failover"] => failover::run(&tested()?),
        ["faults", rest @ ..] => faults::run(rest),
        ["guesses"] => guesses::measure(&tested()?),
        ["overload"] => overload::measure(&tested()?),
        ["resources"] => resources::measure(&tested()?, Turns::WHOLE),
        ["resources", "--quick"] => resources::measure(&tested()?, Turns::QUICK),
        ["scale"] => scale::measure(&tested()?, scale::COUNT),
        ["scale", count] => scale::measure(&tested()?, count.parse().map_err(context("COUNT"))?),
        ["timing"] => timing::measure(&tested()?),
        ["bare", port, document, answer] => bare(port, document, answer),
        ["--store", engine, "--only", name] => alone(named(engine)?, work(name)?),
        ["--quick", rest @ ..] => measure(&engines(rest)?, QUICK),
        _ => measure(&engines(words)?, WHOLE),
    }
}

/// The engines to measure.
fn engines(words: &[&str]) -> Outcome<Vec<Engine>> {
    match words {
        [] => Ok(vec![Engine::File, Engine::Redis]),
        ["--store", engine] => Ok(vec![named(engine)?]),
        _ => Err(USAGE.to_owned()),
    }
}

fn measure(engines: &[Engine], plan: Plan) -> Outcome<()> {
    let binary = tested()?;
    for engine in engines {
        let name = match engine {
            Engine::File => "Embedded store",
            Engine::Redis => "Redis",
        };
        eprintln!("==> {name}");
        println!("{}", comparison::run(*engine, &binary, plan)?.table(name));
    }
    println!("{}", report::sizes(Path::new(PACKAGE))?);
    Ok(())
}

/// Measures one kind of work for some seconds.
fn alone(engine: Engine, work: comparison::Work) -> Outcome<()> {
    let binary = tested()?;
    let sample = comparison::alone(engine, &binary, work, ALONE)?;
    println!(
        "{work:?}: {:.0} requests/s, {:.1} µs server CPU each",
        sample.rate(),
        sample.cpu_each()
    );
    Ok(())
}

/// The binary under test, so that an older one can be measured the same way.
fn tested() -> Outcome<PathBuf> {
    let path =
        std::env::var_os("VESTIBULE_BINARY").map_or_else(|| PathBuf::from(BINARY), PathBuf::from);
    path.canonicalize()
        .map_err(context(&path.display().to_string()))
}

fn named(engine: &str) -> Outcome<Engine> {
    match engine {
        "file" => Ok(Engine::File),
        "redis" => Ok(Engine::Redis),
        other => Err(format!("there is no store called {other}")),
    }
}

/// The hidden command: the bare route in a separate process.
fn bare(port: &str, document: &str, answer: &str) -> Outcome<()> {
    let port = port.parse().map_err(context("a port"))?;
    let document = document.parse().map_err(context("a length"))?;
    let answer = answer.parse().map_err(context("a length"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(context("threads"))?;
    runtime.block_on(floor::serve(port, document, answer))
}

/// Adds what failed before the reason.
pub(crate) fn context<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}
