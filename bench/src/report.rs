//! The results as Markdown, for docs/PERFORMANCE.md.

use std::{fmt::Write as _, path::Path};

use crate::{
    Outcome,
    comparison::{CLIENTS, Findings, Work},
    load::Sample,
    size,
};

/// Measurements of the same work differ by this share on a busy machine.
const NOISE: f64 = 0.05;
const MOST_IDLE_MB: f64 = 50.0;
const MOST_MB: f64 = 150.0;
const MOST_SITE_BYTES: u64 = 130_000;

impl Findings {
    /// All tables of one engine.
    pub(crate) fn table(&self, engine: &str) -> String {
        let redis = self.samples.values().any(|sample| !sample.redis.is_zero());
        format!(
            "### {engine}\n\n{}\n{}\n{}",
            self.measured(redis),
            self.targets(),
            self.memory()
        )
    }

    fn measured(&self, redis: bool) -> String {
        let mut text =
            String::from("| work | clients | requests/s | µs each | server CPU µs each |");
        text.push_str(if redis {
            " Redis CPU µs each |\n"
        } else {
            "\n"
        });
        text.push_str(if redis {
            "|---|--:|--:|--:|--:|--:|\n"
        } else {
            "|---|--:|--:|--:|--:|\n"
        });
        for work in Work::ALL {
            for clients in CLIENTS {
                row(
                    &mut text,
                    name(work),
                    clients,
                    &self.sample(work, clients),
                    redis,
                );
            }
        }
        row(
            &mut text,
            "authorize and allow (per code)",
            64,
            &self.codes,
            redis,
        );
        text
    }

    fn targets(&self) -> String {
        let mut text = String::from(
            "| target | clients | wanted | by time | by CPU |\n|---|--:|--:|--:|--:|\n",
        );
        for clients in CLIENTS {
            let name = "metadata: bare route ÷ measured";
            text.push_str(&self.share(name, clients, 0.8, &[Work::BareGet], Work::Metadata));
        }
        let floors = [Work::BarePost, Work::Signature, Work::Swap];
        for (name, work) in [("exchange", Work::Exchange), ("refresh", Work::Refresh)] {
            for clients in CLIENTS {
                let name = format!("{name}: sum of floors ÷ measured");
                text.push_str(&self.share(&name, clients, 0.5, &floors, work));
            }
        }
        for work in [
            Work::Metadata,
            Work::Registration,
            Work::Exchange,
            Work::Refresh,
        ] {
            text.push_str(&self.race(work));
        }
        text
    }

    /// A row: how much of the work's cost is that of its floors.
    fn share(
        &self,
        name: &str,
        clients: usize,
        wanted: f64,
        floors: &[Work],
        work: Work,
    ) -> String {
        let work = self.sample(work, clients);
        let sum = |cost: fn(&Sample) -> f64| -> f64 {
            let floors = floors.iter().map(|floor| self.sample(*floor, clients));
            floors.map(|floor| cost(&floor)).sum()
        };
        let shown = |cost: fn(&Sample) -> f64| {
            let share = sum(cost) / cost(&work);
            judged(share, share >= wanted)
        };
        let time = shown(Sample::time_each);
        let cpu = shown(Sample::cpu_each);
        let wanted = wanted * 100.0;
        format!("| {name} | {clients} | ≥ {wanted:.0} % | {time} | {cpu} |\n")
    }

    /// A row: what many clients cost beside few.
    fn race(&self, work: Work) -> String {
        let few = self.sample(work, CLIENTS[0]);
        let many = self.sample(work, CLIENTS[1]);
        let shown = |cost: fn(&Sample) -> f64| {
            let share = cost(&many) / cost(&few);
            judged(share, share <= 1.0 + NOISE)
        };
        let time = shown(Sample::time_each);
        let cpu = shown(Sample::cpu_each);
        let name = name(work);
        format!("| {name}: each of 64 ÷ each of 8 | 64 | ≤ 100 % | {time} | {cpu} |\n")
    }

    fn memory(&self) -> String {
        let row = |what: &str, found: f64, most: f64| {
            format!(
                "| {what} | {found:.1} MB | < {most:.0} MB | {} |\n",
                if found < most { "met" } else { "**missed**" }
            )
        };
        let head = "| server's memory | found | wanted | |\n|---|--:|--:|---|\n";
        let idle = row("idle after start", self.idle.resident, MOST_IDLE_MB);
        let peak = row("peak of this run", self.end.peak, MOST_MB);
        format!("{head}{idle}{peak}")
    }

    fn sample(&self, work: Work, clients: usize) -> Sample {
        self.samples
            .get(&(work, clients))
            .copied()
            .unwrap_or_default()
    }
}

/// The sizes of the login page's files.
pub(crate) fn sizes(package: &Path) -> Outcome<String> {
    let mut text =
        String::from("### Login page\n\n| file | bytes | as sent (brotli) |\n|---|--:|--:|\n");
    let mut line = |name: &str, size: size::Size| {
        let _ = writeln!(text, "| {name} | {} | {} |", size.raw, size.brotli);
    };
    let [wasm, script, style] = ["wasm", "js", "css"].map(|ending| size::of(package, ending));
    let wasm = wasm?;
    let script = script?;
    let both = size::Size {
        raw: wasm.raw + script.raw,
        brotli: wasm.brotli + script.brotli,
    };
    line("wasm", wasm);
    line("script", script);
    line("wasm and script", both);
    line("style", style?);
    let good = both.brotli > 0 && both.brotli < MOST_SITE_BYTES;
    let _ = writeln!(
        text,
        "\nWasm and script as sent: wanted < {MOST_SITE_BYTES} bytes, {}.",
        if good { "met" } else { "**missed**" }
    );
    Ok(text)
}

fn row(text: &mut String, name: &str, clients: usize, sample: &Sample, redis: bool) {
    let rate = sample.rate();
    let time = sample.time_each();
    let cpu = sample.cpu_each();
    let _ = write!(
        text,
        "| {name} | {clients} | {rate:.0} | {time:.1} | {cpu:.1} |"
    );
    let redis = if redis {
        format!(" {:.1} |", sample.redis_each())
    } else {
        String::new()
    };
    let _ = writeln!(text, "{redis}");
}

const fn name(work: Work) -> &'static str {
    match work {
        Work::BareGet => "*floor: bare route, GET*",
        Work::BarePost => "*floor: bare route, POST*",
        Work::Signature => "*floor: one signature*",
        Work::Swap => "*floor: store, 3 gets at once and 1 swap*",
        Work::Insert => "*floor: store, 1 record and its name at once*",
        Work::Metadata => "metadata",
        Work::Registration => "registration",
        Work::Exchange => "code exchange",
        Work::Refresh => "refresh rotation",
        Work::Flow => "code flow with a remembered consent (2 requests)",
        Work::Page => "account page",
    }
}

fn judged(share: f64, good: bool) -> String {
    let percent = share * 100.0;
    if good {
        format!("{percent:.0} %")
    } else {
        format!("**{percent:.0} %**, missed")
    }
}
