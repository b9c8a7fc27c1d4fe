//! Redis Cluster: redirections, failovers, and no repeated writes.

use std::time::{Duration, Instant};

use store::{CasResult, Entry, Store, StoreLocation, Ttl};
use testkit::{Deaf, RedisCluster, RedisServer};

use crate::{MINUTE, open, until};

const TARGET: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_hours(1);
const PERSISTENT: [&str; 4] = ["--appendonly", "yes", "--save", ""];

async fn opened(cluster: &RedisCluster) -> Store {
    open(&StoreLocation::Redis(cluster.url())).await
}

fn stored(key: &str) -> String {
    format!("vestibule:record:{key}")
}

async fn exported(store: &Store) -> Vec<String> {
    let mut export = store.export().await.expect("an export");
    let mut keys = Vec::new();
    while let Some(entry) = export.next().await {
        if let Entry::Record { key, .. } = entry.expect("an entry") {
            keys.push(key);
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_are_followed() {
    let cluster = RedisCluster::start(3, false, &PERSISTENT);
    let store = opened(&cluster).await;
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    assert_eq!(store.count("k2", HOUR).await.expect("count"), 1);
    let slot = cluster.slot(&stored("k"));
    let from = cluster.owner(0, &stored("k"));
    let to = (from + 1) % 3;
    // While the slot is open, a key that is still there is answered, and one that is not is asked for
    // at the other node.
    cluster.open_slot(slot, from, to);
    let changed = store.compare_and_swap("k", b"1", b"2", MINUTE).await;
    assert_eq!(changed.expect("swap"), CasResult::Done);
    let (source, target) = (&cluster.nodes[from], &cluster.nodes[to]);
    let migrate = format!("MIGRATE 127.0.0.1 {} {} 0 5000", target.port(), stored("k"));
    assert_eq!(source.command(&migrate), "+OK");
    let changed = store.compare_and_swap("k", b"2", b"3", MINUTE).await;
    assert_eq!(changed.expect("swap"), CasResult::Done);
    let value = store.get("k").await.expect("get");
    assert_eq!(value.as_deref(), Some(&b"3"[..]));
    assert_eq!(exported(&store).await, ["k", "k2"]);
    cluster.close_slot(slot, from, to);
    let taken = store.take("k").await.expect("take");
    assert_eq!(taken.as_deref(), Some(&b"3"[..]));
    assert!(store.insert("k", b"4", MINUTE).await.expect("insert"));
    assert_eq!(target.command(&format!("EXISTS {}", stored("k"))), ":1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_reads_every_node() {
    let cluster = RedisCluster::start(3, false, &PERSISTENT);
    let store = opened(&cluster).await;
    for number in 0..300 {
        let key = number.to_string();
        assert!(
            store
                .insert(&key, b"v", Ttl::Forever)
                .await
                .expect("insert")
        );
    }
    for node in &cluster.nodes {
        assert_ne!(node.command("DBSIZE"), ":0");
    }
    assert_eq!(exported(&store).await.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replica_of_a_killed_or_hanging_node_takes_its_place() {
    let mut cluster = RedisCluster::start(3, true, &PERSISTENT);
    let store = opened(&cluster).await;
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    for hangs in [true, false] {
        let old = cluster.owner(0, &stored("k"));
        if hangs {
            cluster.nodes[old].freeze();
        } else {
            cluster.nodes[old].kill();
        }
        let asked = (old + 1) % 3;
        until("the promotion", async || {
            let key = stored("k");
            cluster.owner(asked, &key) != old
                && cluster.nodes[asked]
                    .command("CLUSTER INFO")
                    .contains("cluster_state:ok")
        })
        .await;
        let promoted = Instant::now();
        until("a write", async || {
            store.count("k3", HOUR).await.is_ok()
                && store
                    .compare_and_swap("k", b"1", b"1", MINUTE)
                    .await
                    .is_ok()
        })
        .await;
        let spent = promoted.elapsed();
        assert!(spent < TARGET, "only after {spent:?}");
        if hangs {
            cluster.nodes[old].thaw();
            until("a replica", async || {
                let info = cluster.nodes[old].command("INFO replication");
                info.contains("role:slave") && info.contains("master_link_status:up")
            })
            .await;
        }
    }
}

/// The command is carried out, and the answer never arrives. The client crate's own cluster client
/// would send it again, up to sixteen times.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_not_repeated() {
    let node = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    assert_eq!(node.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    let proxy = Deaf::to(node.port());
    let announce = format!("CONFIG SET cluster-announce-port {}", proxy.port());
    assert_eq!(node.command(&announce), "+OK");
    until("the cluster", async || {
        node.command("CLUSTER INFO").contains("cluster_state:ok")
    })
    .await;
    let url = format!("redis+cluster://127.0.0.1:{}", proxy.port());
    let store = open(&StoreLocation::Redis(url)).await;
    lost_answers_are_not_repeated(&store, &node, &proxy).await;
}

/// The same with one server.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_server_gets_no_write_twice_either() {
    let node = RedisServer::start();
    let proxy = Deaf::to(node.port());
    let store = open(&StoreLocation::Redis(proxy.url())).await;
    lost_answers_are_not_repeated(&store, &node, &proxy).await;
}

async fn lost_answers_are_not_repeated(store: &Store, node: &RedisServer, proxy: &Deaf) {
    // The server learns the scripts first.
    store.probe().await.expect("it works");
    for number in 0..5 {
        let key = format!("c{number}");
        proxy.swallow_answers_to(&key);
        store.count(&key, HOUR).await.expect_err("no answer");
        proxy.hear();
        until("the connection", async || store.ping().await.is_ok()).await;
        assert_eq!(node.command(&format!("GET {}", stored(&key))), "1");
        assert_eq!(proxy.swallowed(), number + 1);
    }
    assert!(store.insert("t", b"v", MINUTE).await.expect("insert"));
    proxy.swallow_answers_to("record:t");
    store.take("t").await.expect_err("no answer");
    proxy.hear();
    until("the connection", async || store.ping().await.is_ok()).await;
    assert_eq!(node.command(&format!("EXISTS {}", stored("t"))), ":0");
    // A read is repeated until it is answered.
    assert!(store.insert("r", b"v", MINUTE).await.expect("insert"));
    proxy.swallow_one_answer_to("record:r");
    let value = store.get("r").await.expect("get");
    assert_eq!(value.as_deref(), Some(&b"v"[..]));
}

#[tokio::test]
async fn a_server_without_cluster_mode_is_named() {
    let server = RedisServer::start();
    let url = server.url().replace("redis://", "redis+cluster://");
    let fault = Store::open(&StoreLocation::Redis(url)).await;
    let fault = fault.expect_err("no cluster").to_string();
    assert!(fault.contains("redis://"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_a_part_of_its_slots_cannot_be_used() {
    let mut cluster = RedisCluster::start(3, false, &PERSISTENT);
    let store = opened(&cluster).await;
    let probed = cluster.owner(0, &stored("probe"));
    store.probe().await.expect("it works");
    cluster.nodes[(probed + 1) % 3].kill();
    until("the loss", async || store.probe().await.is_err()).await;
    let fault = store.probe().await.expect_err("a part is missing");
    assert!(fault.to_string().contains("cluster"), "{fault}");
}
