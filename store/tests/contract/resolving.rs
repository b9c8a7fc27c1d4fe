//! What became of a write whose answer was lost.

use std::time::Duration;

use store::{
    Keep, Location, Store, Swap,
    testing::{Breakable, RedisServer, Switch},
};

use crate::{MINUTE, open};

const HOUR: Duration = Duration::from_hours(1);

fn breakable(store: Store) -> (Store, Switch) {
    let (store, switch) = Breakable::new(store);
    (store.resolving(), switch)
}

pub(crate) async fn a_lost_answer_is_found(store: Store) {
    let (store, switch) = breakable(store);
    switch.lose_write_answers();
    assert!(store.insert("k", b"1", MINUTE).await.expect("ours"));
    assert!(!store.insert("k", b"2", MINUTE).await.expect("not ours"));
    assert_eq!(
        store
            .compare_and_swap("k", b"1", b"2", MINUTE)
            .await
            .expect("swap"),
        Swap::Done
    );
    let other = store
        .compare_and_swap("k", b"1", b"3", MINUTE)
        .await
        .expect("swap");
    assert_eq!(other, Swap::Changed(Some(b"2".to_vec())));
    assert_eq!(
        store
            .compare_and_swap("l", b"1", b"2", MINUTE)
            .await
            .expect("swap"),
        Swap::Changed(None)
    );
    assert_eq!(
        store.count("c", HOUR).await.expect("count"),
        2,
        "it may count twice"
    );
    assert!(store.enlist("list", "a").await.expect("enlist"));
    assert!(store.delist("list", "a").await.expect("delist"));
    assert!(store.remove("c").await.expect("remove"));
    store
        .take("k")
        .await
        .expect_err("who took it cannot be known");
    switch.mend();
    assert_eq!(
        store.members("list", None, 9).await.expect("members"),
        [""; 0]
    );
    assert_eq!(store.count("c", HOUR).await.expect("count"), 1);
    assert_eq!(store.get("k").await.expect("get"), None);
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
}

pub(crate) async fn what_did_not_happen_is_an_error_and_did_not_happen(store: Store) {
    let (store, switch) = breakable(store);
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    assert!(store.enlist("list", "b").await.expect("enlist"));
    switch.break_writes();
    store.insert("l", b"1", MINUTE).await.expect_err("insert");
    store
        .compare_and_swap("k", b"1", b"2", MINUTE)
        .await
        .expect_err("swap");
    store.take("k").await.expect_err("take");
    store.remove("k").await.expect_err("remove");
    store.count("c", HOUR).await.expect_err("count");
    store.enlist("list", "a").await.expect_err("enlist");
    store.delist("list", "b").await.expect_err("delist");
    switch.mend();
    assert_eq!(
        store.get("k").await.expect("get").as_deref(),
        Some(&b"1"[..])
    );
    assert_eq!(store.get("l").await.expect("get"), None);
}

/// A stall is longer than the client waits for an answer, and the write is carried out after it.
#[tokio::test]
async fn a_write_that_a_stall_held_back_is_found() {
    let server = RedisServer::start();
    let store = open(&Location::Redis(server.url())).await.resolving();
    assert!(
        store
            .insert("k", b"1", Keep::Forever)
            .await
            .expect("insert")
    );
    for (from, to) in [(b"1", b"2"), (b"2", b"3")] {
        server.freeze();
        let thaw = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            server.thaw();
        };
        let (swap, ()) = tokio::join!(store.compare_and_swap("k", from, to, Keep::Forever), thaw);
        assert_eq!(swap.expect("swap"), Swap::Done);
    }
    assert_eq!(
        store.get("k").await.expect("get").as_deref(),
        Some(&b"3"[..])
    );
}

/// The server is gone for good: the caller is told so within seconds.
#[tokio::test]
async fn a_server_that_is_gone_is_an_error_soon() {
    let mut server = RedisServer::start();
    let store = open(&Location::Redis(server.url())).await.resolving();
    server.kill();
    let write = tokio::time::timeout(
        Duration::from_secs(15),
        store.insert("k", b"v", Keep::Forever),
    );
    write.await.expect("soon").expect_err("gone");
}
