//! Fills an audit log by many operations at once, and prints how long it takes to verify it, to read
//! a page of it and to find events of one client, on both engines:
//! `cargo run --release -p provider --example audit [EVENTS]`.

use std::time::Duration;

use provider::{AuditFilter, Provider};
use store::{Store, StoreLocation};
use testkit::{RedisServer, direct::TestProvider};
use tokio::{task::JoinSet, time::Instant};

/// How many operations are under way at once, and how many clients there are.
const AT_ONCE: usize = 64;
const A_PAGE: usize = 50;

#[tokio::main]
async fn main() {
    let events = std::env::args().nth(1);
    let events = events.map_or(100_000, |text| text.parse().expect("a number"));
    println!("{events} events\n");
    println!("| engine | work | time | memory |");
    println!("|---|---|--:|--:|");
    let folder = std::env::temp_dir().join(format!("vestibule-audit-{}", std::process::id()));
    measure("embedded", &StoreLocation::File(folder.clone()), events).await;
    std::fs::remove_dir_all(folder).expect("the folder is removed");
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    measure("Redis", &StoreLocation::Redis(redis.url()), events).await;
}

async fn measure(engine: &str, location: &StoreLocation, events: usize) {
    let store = Store::open(location).await.expect("a store");
    let server = TestProvider::over(store).await;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..AT_ONCE {
        let provider = server.provider.clone();
        tasks.spawn(disconnect(provider, number, events / AT_ONCE));
    }
    tasks.join_all().await;
    print(engine, "writing", begun.elapsed());
    let terminal = server.provider.terminal();
    let begun = Instant::now();
    let report = terminal.verify_audit().await.expect("a report");
    print(engine, "verifying all", begun.elapsed());
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let written = AT_ONCE * (events / AT_ONCE);
    assert!(usize::try_from(report.events).is_ok_and(|found| found >= written));
    let rare = Some("client7.example".to_owned());
    for (work, who) in [("a page", None), ("a page of one client in 64", rare)] {
        let filter = AuditFilter {
            who,
            ..AuditFilter::default()
        };
        let begun = Instant::now();
        let page = terminal.audit(&filter, None, A_PAGE).await.expect("a page");
        print(engine, work, begun.elapsed());
        assert_eq!(page.events.len(), A_PAGE);
    }
}

/// Ends the connections of a client again and again; each time is an event.
async fn disconnect(provider: Provider, number: usize, times: usize) {
    let client = format!("https://client{number}.example/metadata");
    let terminal = provider.terminal();
    for _ in 0..times {
        let ended = terminal.clients().disconnect_client(&client).await;
        ended.expect("disconnected");
    }
}

fn print(engine: &str, work: &str, took: Duration) {
    println!("| {engine} | {work} | {took:.1?} | {} |", memory());
}

/// The largest memory of the process so far.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "?".to_owned(), |peak| peak.trim().to_owned())
}
