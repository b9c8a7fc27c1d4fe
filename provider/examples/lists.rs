//! Fills a store with accounts as an earlier release would have left them, builds the list by
//! address, and prints how long its pages take on both engines, and for how long at the most the
//! event loop stood still meanwhile: `cargo run -p provider --example lists [ACCOUNTS]`.

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
/// How many accounts are written at once.
const BATCH: u128 = 1_000;
const TURNS: u32 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let accounts = std::env::args().nth(1);
    let accounts = accounts.map_or(100_000, |text| text.parse().expect("a number"));
    println!("{accounts} accounts\n");
    println!("| engine | work | time | loop at a stand, at the most |");
    println!("|---|---|--:|--:|");
    let folder = std::env::temp_dir().join(format!("vestibule-lists-{}", std::process::id()));
    measure("embedded", &StoreLocation::File(folder.clone()), accounts).await;
    std::fs::remove_dir_all(folder).expect("the folder is removed");
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    measure("Redis", &StoreLocation::Redis(redis.url()), accounts).await;
}

async fn measure(engine: &str, location: &StoreLocation, accounts: u128) {
    let store = Store::open(location).await.expect("a store");
    fill(&store, accounts).await;
    let server = TestProvider::over(store).await;
    let provider = &server.provider;
    let stand = Stand::watch();
    let begun = Instant::now();
    provider.build_sorted_lists().await.expect("built");
    stand.print(engine, "building the list", begun.elapsed());
    let middle = address(accounts / 2);
    for (work, prefix, after, limit) in [
        ("the first 50", "", None, 50),
        ("50 in the middle", "", Some(middle.as_str()), 50),
        ("a search, 50", &middle[..8], None, 50),
        ("one address", middle.as_str(), None, 50),
        ("a page of `account list`, 1,000", "", None, 1_000),
    ] {
        let wanted = PageRequest {
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit,
        };
        let begun = Instant::now();
        for _ in 0..TURNS {
            page(provider, &wanted).await;
        }
        stand.print(engine, work, begun.elapsed() / TURNS);
    }
    let begun = Instant::now();
    let all = provider.terminal().accounts().list().await.expect("all");
    assert_eq!(u128::try_from(all.len()), Ok(accounts));
    stand.print(engine, "all of them", begun.elapsed());
}

async fn page(provider: &Provider, wanted: &PageRequest) {
    let page = provider.terminal().accounts().page(wanted).await;
    let page = page.expect("a page");
    assert!(!page.rows.is_empty() && page.rows.len() <= wanted.limit);
}

fn address(number: u128) -> String {
    format!("person.{number:07}@example.com")
}

/// Ids without an order, as they are.
fn id(number: u128) -> Id {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Id::new(spread.to_be_bytes())
}

async fn fill(store: &Store, accounts: u128) {
    for first in (0..accounts).step_by(1_000) {
        let chunk: Vec<_> = (first..accounts.min(first + BATCH)).map(account).collect();
        let steps: Vec<_> = chunk
            .iter()
            .flat_map(|(id, key, record)| {
                let value = record.as_bytes();
                let ttl = Ttl::Forever;
                let list = "accounts";
                let insert = BatchStep::Insert { key, value, ttl };
                [insert, BatchStep::SetAdd { list, member: id }]
            })
            .collect();
        store.batch(&steps).await.expect("written");
    }
}

fn account(number: u128) -> (String, String, String) {
    let id = id(number).to_string();
    let record = ACCOUNT
        .replace("rZWjXnmDj7Pd5koeCS3MTg", &id)
        .replace("carol@example.com", &address(number));
    let key = format!("account:{id}");
    (id, key, record)
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
