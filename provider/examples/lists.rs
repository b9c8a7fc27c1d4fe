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

use provider::{PageRequest, Provider, SortOrder};
use store::{Store, StoreLocation};
use testkit::{
    RedisServer,
    data_set::{DataSet, Kind},
    direct::TestProvider,
};
use tokio::time::Instant;

/// When the records were made, in seconds since 1970.
const MADE_AT: u64 = 1_790_000_000;
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
    count: u64,
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
    println!("{count} {}\n", listed.text());
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
    let Filled {
        listed,
        count,
        is_sorted,
    } = filled;
    let store = Store::open(location).await.expect("a store");
    let set = DataSet::new(count, "https://notes.example/mcp", MADE_AT);
    let written = set.fill(&store, listed.kind(), is_sorted).await;
    written.expect("written");
    let server = TestProvider::over(store).await;
    let provider = &server.provider;
    let stand = Stand::watch();
    let begun = Instant::now();
    provider.build_sorted_lists().await.expect("built");
    stand.print(engine, "building the list", begun.elapsed());
    let middle = DataSet::name(listed.kind(), count / 2);
    for (work, prefix, after, limit) in [
        ("the first 50", "", None, 50),
        ("50 in the middle", "", Some(middle.as_str()), 50),
        ("a search, 50", &middle[..8], None, 50),
        ("one of them", middle.as_str(), None, 50),
        ("a page of the command line, 1,000", "", None, 1_000),
    ] {
        let wanted = PageRequest {
            order: SortOrder::Name,
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
    assert_eq!(u64::try_from(listed.all(provider).await), Ok(count));
    stand.print(engine, "all of them", begun.elapsed());
}

impl Listed {
    const fn kind(self) -> Kind {
        match self {
            Self::Accounts => Kind::Accounts,
            Self::Clients => Kind::Clients,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Clients => "clients",
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
