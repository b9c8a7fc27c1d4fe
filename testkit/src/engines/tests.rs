//! Tests of the engines that fail on request.

use std::time::Duration;

use store::{Error, Result, Store, StoreLocation, Ttl};

use super::FaultSwitch;

const MINUTE: Ttl = Ttl::For(Duration::from_mins(1));

async fn open() -> Store {
    Store::open(&StoreLocation::Memory).await.expect("a store")
}

fn failed<T: std::fmt::Debug>(answer: &Result<T>) {
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_broken_store_does_nothing_until_it_is_mended() {
    let (store, switch) = FaultSwitch::around(open().await);
    store.insert("k", b"v", MINUTE).await.expect("insert");

    switch.break_all();
    failed(&store.get("k").await);
    failed(&store.remove("k").await);
    failed(&store.ping().await);

    switch.break_writes();
    assert!(store.get("k").await.expect("get").is_some());
    store.ping().await.expect("ping");
    failed(&store.insert("l", b"v", MINUTE).await);
    failed(&store.compare_and_swap("k", b"v", b"w", MINUTE).await);
    failed(&store.take("k").await);
    failed(&store.remove("k").await);
    failed(&store.count("c", Duration::from_secs(1)).await);
    failed(&store.set_add("list", "a").await);
    failed(&store.set_remove("list", "a").await);

    switch.mend();
    assert_eq!(
        store.get("k").await.expect("get").as_deref(),
        Some(&b"v"[..])
    );
    assert_eq!(store.get("l").await.expect("get"), None);
    assert_eq!(
        store
            .count("c", Duration::from_secs(1))
            .await
            .expect("count"),
        1
    );
    assert_eq!(
        store.set_range("list", None, 9).await.expect("members"),
        [""; 0]
    );
}

#[tokio::test]
async fn a_lost_answer_is_carried_out() {
    let (store, switch) = FaultSwitch::around(open().await);
    switch.lose_answers();
    failed(&store.insert("k", b"v", MINUTE).await);
    switch.mend();
    assert!(store.get("k").await.expect("get").is_some());
}

#[tokio::test]
async fn calls_are_counted() {
    let (store, switch) = FaultSwitch::around(open().await);
    assert_eq!(switch.calls(), 0);
    store.insert("k", b"v", MINUTE).await.expect("insert");
    store.clone().get("k").await.expect("get");
    switch.break_all();
    failed(&store.get("k").await);
    assert_eq!(switch.calls(), 3);
}
