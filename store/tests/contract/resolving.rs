//! Writes whose answer is lost.

use std::time::Duration;

use store::{CasResult, Store, StoreLocation, Ttl};
use testkit::{FaultSwitch, RedisServer};

use crate::{MINUTE, open};

const HOUR: Duration = Duration::from_hours(1);

fn breakable(store: Store) -> (Store, FaultSwitch) {
    let (store, switch) = FaultSwitch::around(store);
    (store.resolving(), switch)
}

pub(crate) async fn a_write_with_a_lost_answer_is_resolved(store: Store) {
    let (store, switch) = breakable(store);
    switch.lose_write_answers();
    assert!(
        store
            .insert("k", b"1", MINUTE)
            .await
            .expect("the own value")
    );
    assert!(
        !store
            .insert("k", b"2", MINUTE)
            .await
            .expect("another value")
    );
    assert_eq!(
        store
            .compare_and_swap("k", b"1", b"2", MINUTE)
            .await
            .expect("swap"),
        CasResult::Done
    );
    let other = store
        .compare_and_swap("k", b"1", b"3", MINUTE)
        .await
        .expect("swap");
    assert_eq!(other, CasResult::Changed(Some(b"2".to_vec())));
    assert_eq!(
        store
            .compare_and_swap("l", b"1", b"2", MINUTE)
            .await
            .expect("swap"),
        CasResult::Changed(None)
    );
    assert_eq!(
        store.count("c", HOUR).await.expect("count"),
        2,
        "it may count twice"
    );
    assert!(store.set_add("list", "a").await.expect("set_add"));
    assert!(store.set_remove("list", "a").await.expect("set_remove"));
    assert!(store.remove("c").await.expect("remove"));
    store
        .take("k")
        .await
        .expect_err("it is unknown who took it");
    switch.mend();
    assert_eq!(
        store.set_range("list", None, 9).await.expect("members"),
        [""; 0]
    );
    assert_eq!(store.count("c", HOUR).await.expect("count"), 1);
    assert_eq!(store.get("k").await.expect("get"), None);
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
}

pub(crate) async fn a_failed_write_is_an_error_without_effect(store: Store) {
    let (store, switch) = breakable(store);
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    assert!(store.set_add("list", "b").await.expect("set_add"));
    switch.break_writes();
    store.insert("l", b"1", MINUTE).await.expect_err("insert");
    store
        .compare_and_swap("k", b"1", b"2", MINUTE)
        .await
        .expect_err("swap");
    store.take("k").await.expect_err("take");
    store.remove("k").await.expect_err("remove");
    store.count("c", HOUR).await.expect_err("count");
    store.set_add("list", "a").await.expect_err("set_add");
    store.set_remove("list", "b").await.expect_err("set_remove");
    switch.mend();
    assert_eq!(
        store.get("k").await.expect("get").as_deref(),
        Some(&b"1"[..])
    );
    assert_eq!(store.get("l").await.expect("get"), None);
}

/// A stall that is longer than the client waits; the write is carried out after it.
#[tokio::test]
async fn a_write_that_a_stall_delayed_is_resolved() {
    let server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await.resolving();
    assert!(store.insert("k", b"1", Ttl::Forever).await.expect("insert"));
    for (from, to) in [(b"1", b"2"), (b"2", b"3")] {
        server.freeze();
        let thaw = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            server.thaw();
        };
        let (swap, ()) = tokio::join!(store.compare_and_swap("k", from, to, Ttl::Forever), thaw);
        assert_eq!(swap.expect("swap"), CasResult::Done);
    }
    assert_eq!(
        store.get("k").await.expect("get").as_deref(),
        Some(&b"3"[..])
    );
}

/// The server does not come back: the caller gets an error within seconds.
#[tokio::test]
async fn a_server_that_is_gone_is_an_error_soon() {
    let mut server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await.resolving();
    server.kill();
    let write = tokio::time::timeout(
        Duration::from_secs(15),
        store.insert("k", b"v", Ttl::Forever),
    );
    write.await.expect("soon").expect_err("gone");
}
