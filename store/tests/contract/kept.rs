//! Writes that wait for a replica.

use std::time::{Duration, Instant};

use store::{BatchStep, CasResult, RedisOptions, Store, StoreLocation};
use testkit::{RedisCluster, RedisServer};

use crate::{MINUTE, until};

const WAIT: Duration = Duration::from_millis(300);

const fn insert(key: &str) -> BatchStep<'_> {
    BatchStep::Insert {
        key,
        value: b"1",
        ttl: MINUTE,
    }
}

async fn waiting(url: String) -> Store {
    let options = RedisOptions {
        wait_for_replica: Some(WAIT),
        ..RedisOptions::default()
    };
    Store::open_with(&StoreLocation::Redis(url), &options)
        .await
        .expect("the store opens")
}

async fn pair() -> (RedisServer, RedisServer) {
    let primary = RedisServer::start();
    let replica = RedisServer::start();
    let follow = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    assert_eq!(replica.command(&follow), "+OK");
    until("the replica", async || {
        let info = replica.command("INFO replication");
        info.contains("master_link_status:up")
    })
    .await;
    (primary, replica)
}

#[tokio::test]
async fn an_answered_write_is_on_a_replica() {
    let (primary, replica) = pair().await;
    let store = waiting(primary.url()).await;
    for number in 0..200 {
        let key = number.to_string();
        assert!(store.insert(&key, b"1", MINUTE).await.expect("insert"));
        let stored = format!("vestibule:record:{key}");
        assert_eq!(replica.command(&format!("GET {stored}")), "1");
        let swapped = store.compare_and_swap(&key, b"1", b"2", MINUTE).await;
        assert_eq!(swapped.expect("swap"), CasResult::Done);
        assert_eq!(replica.command(&format!("GET {stored}")), "2");
        assert!(store.take(&key).await.expect("take").is_some());
        assert_eq!(replica.command(&format!("EXISTS {stored}")), ":0");
    }
}

/// The write is done at the primary, and is no success. What changes nothing needs no replica.
#[tokio::test]
async fn a_write_that_no_replica_has_is_an_error() {
    let (primary, replica) = pair().await;
    let store = waiting(primary.url()).await;
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    replica.freeze();
    let began = Instant::now();
    let fault = store.compare_and_swap("k", b"1", b"2", MINUTE).await;
    let fault = fault.expect_err("no replica").to_string();
    assert!(fault.contains("wait_for_replica"), "{fault}");
    assert!(began.elapsed() >= WAIT && began.elapsed() < WAIT * 5);
    assert_eq!(primary.command("GET vestibule:record:k"), "2");
    let unchanged = store.compare_and_swap("k", b"1", b"3", MINUTE).await;
    assert_eq!(
        unchanged.expect("nothing changed"),
        CasResult::Changed(Some(b"2".to_vec()))
    );
    assert!(!store.insert("k", b"4", MINUTE).await.expect("it exists"));
    assert_eq!(store.take("none").await.expect("nothing"), None);
    // A write that waits holds up nothing else.
    let waits = tokio::spawn({
        let store = store.clone();
        async move { store.remove("k").await }
    });
    for _ in 0..20 {
        let began = Instant::now();
        store.get("k").await.expect("get");
        assert!(began.elapsed() < WAIT / 2);
    }
    waits.await.expect("a task").expect_err("no replica");

    // Finding out by reading that it happened does not make it a success either.
    let resolving = store.clone().resolving();
    resolving
        .insert("l", b"1", MINUTE)
        .await
        .expect_err("no replica");
    resolving.remove("l").await.expect_err("no replica");
    replica.thaw();
    until("the replica", async || {
        resolving.insert("m", b"1", MINUTE).await.is_ok()
    })
    .await;
}

/// A batch waits once, if it changed a record. Counters and lists wait for no replica.
#[tokio::test]
async fn a_batch_waits_for_a_replica_if_it_changed_a_record() {
    let (primary, replica) = pair().await;
    let store = waiting(primary.url()).await;
    let add = BatchStep::Add {
        key: "counter",
        amount: 1,
        ttl: Duration::from_mins(1),
    };
    let listed = BatchStep::SetAdd {
        list: "list",
        member: "m",
    };
    for number in 0..50 {
        let keys = [format!("a{number}"), format!("b{number}")];
        let steps = [insert(&keys[0]), add, insert(&keys[1])];
        store.batch(&steps).await.expect("a batch");
        for key in &keys {
            let there = replica.command(&format!("GET vestibule:record:{key}"));
            assert_eq!(there, "1");
        }
    }
    replica.freeze();
    let began = Instant::now();
    let fault = store.batch(&[insert("n"), add, insert("o")]).await;
    let fault = fault.expect_err("no replica").to_string();
    assert!(fault.contains("wait_for_replica"), "{fault}");
    assert!(began.elapsed() >= WAIT && began.elapsed() < WAIT * 2);
    store
        .batch(&[insert("n"), add, listed])
        .await
        .expect("no record changed");
    store.batch(&[add, listed]).await.expect("no record");
    let resolving = store.resolving();
    let unkept = resolving.batch(&[insert("p"), listed]).await;
    unkept.expect_err("no replica");
    replica.thaw();
}

#[tokio::test(flavor = "multi_thread")]
async fn replication_is_a_warning_unless_it_is_waited_for() {
    let warnings = async |store: &Store| store.durability_warnings().await.expect("warnings");
    let options = ["--appendonly", "yes", "--save", ""];
    let cluster = RedisCluster::start(3, true, &options);
    let plain = crate::open(&StoreLocation::Redis(cluster.url())).await;
    let told = warnings(&plain).await;
    assert!(
        told.len() == 1 && told[0].contains("min-replicas-to-write"),
        "{told:?}"
    );
    let kept = waiting(cluster.url()).await;
    assert_eq!(warnings(&kept).await, [""; 0]);

    let (primary, _replica) = pair().await;
    let plain = crate::open(&StoreLocation::Redis(primary.url())).await;
    assert_eq!(primary.command("CONFIG SET min-replicas-to-write 1"), "+OK");
    let told = warnings(&plain).await;
    assert!(
        told.len() == 1
            && told[0].contains("wait_for_replica")
            && !told[0].contains("min-replicas-to-write"),
        "{told:?}"
    );
}
