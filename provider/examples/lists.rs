//! Fills a store with accounts or clients as an earlier release would have left them, builds the
//! list that sorts them, and prints how long its pages take on both engines, and for how long at the
//! most the event loop stood still meanwhile:
//! `cargo run -p provider --example lists [accounts|clients] [HOW MANY] [sorted]`. With `sorted`, the
//! list is filled too instead of built, which is faster.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use oauth::Id;
use provider::{PageRequest, Provider};
use store::{BatchStep, Store, StoreLocation, Ttl};
use testkit::{RedisServer, direct::TestProvider};
use tokio::time::Instant;

const ACCOUNT: &str = include_str!("../tests/golden/v1/account.waiting.json");
const CLIENT: &str = include_str!("../tests/golden/v1/client.registered.json");
/// How many records are written at once.
const BATCH: u128 = 1_000;
const TURNS: u32 = 20;

/// What is listed.
#[derive(Clone, Copy)]
enum Listed {
    Accounts,
    Clients,
}

/// What a store is filled with.
#[derive(Clone, Copy)]
struct Filled {
    listed: Listed,
    count: u128,
    is_sorted: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let listed = match arguments.next().as_deref() {
        None | Some("accounts") => Listed::Accounts,
        Some("clients") => Listed::Clients,
        Some(other) => panic!("{other} are not listed"),
    };
    let count = arguments.next();
    let count = count.map_or(100_000, |text| text.parse().expect("a number"));
    let filled = Filled {
        listed,
        count,
        is_sorted: arguments.next().as_deref() == Some("sorted"),
    };
    println!("{count} {}\n", listed.list());
    println!("| engine | work | time | loop at a stand, at the most |");
    println!("|---|---|--:|--:|");
    let folder = std::env::temp_dir().join(format!("vestibule-lists-{}", std::process::id()));
    let location = StoreLocation::File(folder.clone());
    measure("embedded", &location, filled).await;
    std::fs::remove_dir_all(folder).expect("the folder is removed");
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    measure("Redis", &StoreLocation::Redis(redis.url()), filled).await;
}

async fn measure(engine: &str, location: &StoreLocation, filled: Filled) {
    let Filled { listed, count, .. } = filled;
    let store = Store::open(location).await.expect("a store");
    fill(&store, filled).await;
    let server = TestProvider::over(store).await;
    let provider = &server.provider;
    let stand = Stand::watch();
    let begun = Instant::now();
    provider.build_sorted_lists().await.expect("built");
    stand.print(engine, "building the list", begun.elapsed());
    let middle = listed.sorted(count / 2);
    for (work, prefix, after, limit) in [
        ("the first 50", "", None, 50),
        ("50 in the middle", "", Some(middle.as_str()), 50),
        ("a search, 50", &middle[..8], None, 50),
        ("one of them", middle.as_str(), None, 50),
        ("a page of the command line, 1,000", "", None, 1_000),
    ] {
        let wanted = PageRequest {
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit,
        };
        let begun = Instant::now();
        for _ in 0..TURNS {
            let rows = listed.page(provider, &wanted).await;
            assert!(0 < rows && rows <= wanted.limit);
        }
        stand.print(engine, work, begun.elapsed() / TURNS);
    }
    let begun = Instant::now();
    assert_eq!(u128::try_from(listed.all(provider).await), Ok(count));
    stand.print(engine, "all of them", begun.elapsed());
}

impl Listed {
    /// The list of all, by their ids.
    const fn list(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Clients => "clients",
        }
    }

    /// The list that sorts them.
    const fn sorting(self) -> &'static str {
        match self {
            Self::Accounts => "accounts-by-address",
            Self::Clients => "clients-by-name",
        }
    }

    /// The member of that list for an id.
    fn member(self, number: u128, id: &str) -> String {
        match self {
            Self::Accounts => format!("{} {id}", self.sorted(number)),
            Self::Clients => format!("{}\t{id}", self.sorted(number)),
        }
    }

    /// What the one of this number is sorted by.
    fn sorted(self, number: u128) -> String {
        match self {
            Self::Accounts => format!("person.{number:07}@example.com"),
            Self::Clients => format!("client {number:07}"),
        }
    }

    /// The id of the one of this number, its key and its record.
    fn record(self, number: u128) -> (String, String, String) {
        let sorted = self.sorted(number);
        let id = id(number).to_string();
        match self {
            Self::Accounts => {
                let record = ACCOUNT
                    .replace("rZWjXnmDj7Pd5koeCS3MTg", &id)
                    .replace("carol@example.com", &sorted);
                let key = format!("account:{id}");
                (id, key, record)
            }
            Self::Clients => {
                let id = format!("vc_{id}");
                let record = CLIENT
                    .replace("vc_WBvkyAKy6cwJZrmFOVGMiQ", &id)
                    .replace("Notes", &sorted);
                let key = format!("client:{id}");
                (id, key, record)
            }
        }
    }

    /// How many rows a page has.
    async fn page(self, provider: &Provider, wanted: &PageRequest) -> usize {
        let terminal = provider.terminal();
        match self {
            Self::Accounts => terminal
                .accounts()
                .page(wanted)
                .await
                .map(|page| page.rows.len()),
            Self::Clients => terminal
                .clients()
                .page(wanted)
                .await
                .map(|page| page.rows.len()),
        }
        .expect("a page")
    }

    /// How many there are.
    async fn all(self, provider: &Provider) -> usize {
        let terminal = provider.terminal();
        match self {
            Self::Accounts => terminal.accounts().list().await.map(|all| all.len()),
            Self::Clients => terminal.clients().list().await.map(|all| all.len()),
        }
        .expect("all")
    }
}

/// Ids without an order, as they are.
fn id(number: u128) -> Id {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Id::new(spread.to_be_bytes())
}

async fn fill(store: &Store, filled: Filled) {
    let Filled {
        listed,
        count,
        is_sorted,
    } = filled;
    for first in (0..count).step_by(1_000) {
        let row = |number| {
            let (id, key, record) = listed.record(number);
            let member = listed.member(number, &id);
            (id, key, record, member)
        };
        let chunk: Vec<_> = (first..count.min(first + BATCH)).map(row).collect();
        let steps: Vec<_> = chunk
            .iter()
            .flat_map(|(id, key, record, member)| {
                let value = record.as_bytes();
                let ttl = Ttl::Forever;
                let list = listed.sorting();
                let sorted = is_sorted.then_some(BatchStep::SetAdd { list, member });
                let written = [
                    BatchStep::Insert { key, value, ttl },
                    BatchStep::SetAdd {
                        list: listed.list(),
                        member: id,
                    },
                ];
                written.into_iter().chain(sorted)
            })
            .collect();
        store.batch(&steps).await.expect("written");
    }
    if is_sorted {
        let key = format!("sorting:{}", listed.sorting());
        let complete = br#"{"v":1,"complete":true,"after":null}"#;
        let written = store.insert(&key, complete, Ttl::Forever).await;
        assert!(written.expect("written"));
    }
}

/// The longest time between two ticks of a task that asks for one each millisecond.
struct Stand(Arc<AtomicU64>);

impl Stand {
    const TICK: Duration = Duration::from_millis(1);

    fn watch() -> Self {
        let longest = Arc::new(AtomicU64::new(0));
        let noted = Arc::clone(&longest);
        tokio::spawn(async move {
            loop {
                let begun = Instant::now();
                tokio::time::sleep(Self::TICK).await;
                let late = begun.elapsed().saturating_sub(2 * Self::TICK);
                let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                noted.fetch_max(late, Ordering::SeqCst);
            }
        });
        Self(longest)
    }

    fn print(&self, engine: &str, work: &str, took: Duration) {
        let stand = Duration::from_micros(self.0.swap(0, Ordering::SeqCst));
        println!("| {engine} | {work} | {took:.1?} | {stand:.1?} |");
    }
}
