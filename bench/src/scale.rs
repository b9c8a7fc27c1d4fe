//! A store with many accounts, clients and grants, and the server over it: the token endpoint in turns
//! with that over an empty store, memory, the time to be ready after `kill -9`, first pages of lists,
//! and whether the file shrinks.

mod findings;
mod pages;
mod tokens;

use std::{io::Write as _, path::Path, time::Duration};

use store::Store;
use tempfile::NamedTempFile;
use testkit::data_set::{DataSet, Kind};
use tokio::runtime::{Builder, Runtime};

use self::{
    findings::Findings,
    tokens::{Pair, Tokens},
};
use crate::{
    Outcome, clock, context,
    deployment::{Deployment, Engine, Place},
    judged::verdict,
    process,
    wire::Wire,
};

/// How many accounts, clients and grants there are, unless told otherwise.
pub(crate) const COUNT: u64 = 1_000_000;

const RESOURCE: &str = "http://notes.localhost/mcp";
const CONFIGURATION: &str = "[[resource]]\nid = \"notes\"\nidentifier = \"http://notes.localhost/mcp\"\nname = \"Notes\"\n\
                             [[resource.scope]]\nname = \"notes:read\"\nsentence = \"Read them\"\n\
                             [[resource.scope]]\nname = \"notes:write\"\nsentence = \"Write them\"\n";
const KINDS: [Kind; 3] = [Kind::Accounts, Kind::Clients, Kind::Grants];
/// One of so many records stays when most are removed.
const KEPT: usize = 10;
/// The time without work before a kill, and the changes right before one.
const IDLE: Duration = Duration::from_secs(3);
const CHANGES: usize = 50;
/// The limits.
const MOST_CPU: f64 = 1.10;
const MOST_MB: f64 = 150.0;
const MOST_TO_START: Duration = Duration::from_secs(1);
const MOST_FOR_A_PAGE: Duration = Duration::from_millis(50);
/// The share of its size that a file keeps when nine of ten records are gone. Trees are at least half
/// full.
const MOST_SIZE: f64 = 0.25;

/// Prints a table for each engine.
///
/// # Errors
/// What could not be measured, or which limits were missed.
pub(crate) fn measure(binary: &Path, count: u64) -> Outcome<()> {
    let made = clock::unix_seconds();
    let run = Run {
        set: DataSet::new(count, RESOURCE, made),
        binary,
        runtime: runtime()?,
    };
    let mut missed = Vec::new();
    for (name, engine) in [("Embedded store", Engine::File), ("Redis", Engine::Redis)] {
        eprintln!("==> {name}");
        let findings = run.engine(engine)?;
        println!("### {name}\n\n{}", findings.table());
        missed.extend(findings.missed(name));
    }
    verdict(&missed)
}

/// One thread, like the load generator of the other measurements.
fn runtime() -> Outcome<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(context("a thread"))
}

struct Run<'a> {
    set: DataSet,
    binary: &'a Path,
    runtime: Runtime,
}

impl Run<'_> {
    fn engine(&self, engine: Engine) -> Outcome<Findings> {
        let mut findings = Findings::default();
        let mut file = NamedTempFile::new().map_err(context("a file"))?;
        file.write_all(CONFIGURATION.as_bytes())
            .map_err(context("a file"))?;
        let path = file.path().display().to_string();
        let settings = [("VESTIBULE_CONFIG", path.as_str())];
        let place = Place::open_in_memory(engine)?;
        self.fill(&place, &mut findings)?;
        let full = Deployment::at(place, self.binary, &settings)?.asking_for(RESOURCE.to_owned());
        let empty = Place::open_in_memory(engine)?;
        let empty = Deployment::at(empty, self.binary, &settings)?.asking_for(RESOURCE.to_owned());
        self.tokens(&full, &empty, &mut findings)?;
        drop(empty);
        eprintln!("    pages");
        let measured = pages::measure(&full, self.binary, &mut findings);
        self.runtime
            .block_on(measured)
            .map_err(|fault| full.explain(&fault))?;
        let memory = process::memory(full.server().id());
        let text = format!("{:.0} MB, at the most {:.0}", memory.resident, memory.peak);
        findings.judge("memory", &text, "< 150 MB", memory.peak < MOST_MB);
        let full = self.restarts(full, &mut findings)?;
        if engine == Engine::File {
            self.shrinks(full, &mut findings)?;
        }
        Ok(findings)
    }

    fn fill(&self, place: &Place, findings: &mut Findings) -> Outcome<()> {
        let begun = clock::now();
        self.over(place, async |store: &Store| {
            for kind in KINDS {
                eprintln!("    {} {kind:?}", self.set.count());
                self.set.fill(store, kind, true).await?;
            }
            Ok(())
        })?;
        let took = format!("{:.0?}", clock::now() - begun);
        let what = format!("filling with {} of each", self.set.count());
        findings.tell(&what, &took);
        if place.size() > 0 {
            findings.tell("size of the file", &megabytes(place.size()));
        }
        Ok(())
    }

    /// Works on the store of a place without a server.
    fn over(
        &self,
        place: &Place,
        work: impl AsyncFnOnce(&Store) -> store::Result<()>,
    ) -> Outcome<()> {
        let worked = self.runtime.block_on(async {
            let store = Store::open(&place.location()).await?;
            work(&store).await
        });
        worked.map_err(context("the store"))
    }

    fn tokens(
        &self,
        full: &Deployment,
        empty: &Deployment,
        findings: &mut Findings,
    ) -> Outcome<()> {
        eprintln!("    token endpoint");
        let pair = self.runtime.block_on(async {
            let full = Tokens::prepare(full, self.binary).await?.of(&self.set);
            let empty = Tokens::prepare(empty, self.binary).await?;
            let empty = empty.of_new_grants(&self.set).await?;
            Pair { full, empty }.measure().await
        });
        let pair = pair.map_err(|fault| full.explain(&fault))?;
        for (work, line) in [("refresh", pair.refresh), ("exchange", pair.exchange)] {
            let full = line.full.cpu_each();
            let empty = line.empty.cpu_each();
            let share = full / empty;
            let found = format!(
                "{:.0} % ({full:.0} µs, empty {empty:.0} µs; {:.0} and {:.0} a second)",
                share * 100.0,
                line.full.rate(),
                line.empty.rate()
            );
            let what = format!("{work}: server CPU beside an empty store");
            findings.judge(&what, &found, "≤ 110 %", share <= MOST_CPU);
        }
        Ok(())
    }

    /// Kills the server when it has nothing to do, and right after changes.
    fn restarts(&self, full: Deployment, findings: &mut Findings) -> Outcome<Deployment> {
        eprintln!("    restarts");
        let runtime = &self.runtime;
        std::thread::sleep(IDLE);
        let idle = runtime.block_on(full.restart(self.binary))?;
        runtime.block_on(registrations(&idle.deployment))?;
        let busy = runtime.block_on(idle.deployment.restart(self.binary))?;
        for (when, took) in [("idle", idle.took), ("right after changes", busy.took)] {
            let what = format!("ready after `kill -9`, {when}");
            let found = format!("{took:.2?}");
            findings.judge(&what, &found, "≤ 1 s", took <= MOST_TO_START);
        }
        Ok(busy.deployment)
    }

    fn shrinks(&self, full: Deployment, findings: &mut Findings) -> Outcome<()> {
        eprintln!("    removing most records");
        let mut compacting = full.command(self.binary, &["compact"]);
        let place = full.stop()?;
        let before = place.size();
        self.over(&place, async |store: &Store| {
            for kind in KINDS {
                self.set.thin_out(store, kind, KEPT).await?;
            }
            Ok(())
        })?;
        findings.tell("size without 9 of 10 records", &megabytes(place.size()));
        let begun = clock::now();
        let output = compacting.output().map_err(context("compact"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("compact: {said}"));
        }
        let took = clock::now() - begun;
        let after = place.size();
        #[expect(clippy::cast_precision_loss, reason = "a share needs no precision")]
        let share = after as f64 / before as f64;
        let found = format!(
            "{} of {}, in {took:.1?}",
            megabytes(after),
            megabytes(before)
        );
        let what = "size after `vestibule compact`";
        findings.judge(what, &found, "≤ 25 %", share <= MOST_SIZE);
        Ok(())
    }
}

/// Changes of the store.
async fn registrations(deployment: &Deployment) -> Outcome<()> {
    let registration = Deployment::registration(&deployment.stranger());
    let mut wire = Wire::connect(deployment.server().address()).await?;
    for _ in 0..CHANGES {
        let answer = wire.send(&registration.request).await?;
        answer.member("client_id")?;
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}
