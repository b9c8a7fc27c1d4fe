//! Expiry of records.

use std::time::{Duration, Instant};

use store::{BatchStep, CasResult, StepResult, Store, Ttl};

use crate::{MINUTE, SHORT, until};

async fn gone(store: &Store, key: &str) {
    until(key, async || store.get(key).await.expect("get").is_none()).await;
}

pub(crate) async fn an_expired_record_does_not_exist_for_any_operation(store: Store) {
    for key in ["insert", "swap", "take", "remove", "count"] {
        assert!(
            store
                .insert(key, b"7", Ttl::For(SHORT))
                .await
                .expect("insert")
        );
    }
    gone(&store, "count").await;
    assert!(
        store
            .insert("insert", b"new", MINUTE)
            .await
            .expect("insert")
    );
    assert_eq!(
        store
            .compare_and_swap("swap", b"7", b"new", MINUTE)
            .await
            .expect("swap"),
        CasResult::Changed(None)
    );
    assert_eq!(store.take("take").await.expect("take"), None);
    assert!(!store.remove("remove").await.expect("remove"));
    assert_eq!(
        store
            .count("count", Duration::from_mins(1))
            .await
            .expect("count"),
        1
    );

    // A record that replaced an expired one does not expire with it.
    tokio::time::sleep(SHORT).await;
    assert_eq!(
        store.get("insert").await.expect("get").as_deref(),
        Some(&b"new"[..])
    );
}

pub(crate) async fn no_record_expires_early(store: Store) {
    let began = Instant::now();
    store
        .insert("k", b"v", Ttl::For(SHORT))
        .await
        .expect("insert");
    store.count("c", SHORT).await.expect("count");
    gone(&store, "k").await;
    assert!(began.elapsed() >= SHORT, "gone after {:?}", began.elapsed());
    gone(&store, "c").await;
    assert!(began.elapsed() >= SHORT, "gone after {:?}", began.elapsed());
}

/// Neighbouring additions may be one command.
pub(crate) async fn counters_of_one_batch_expire_each_in_its_own_time(store: Store) {
    let add = |key, amount, ttl| BatchStep::Add { key, amount, ttl };
    let began = Instant::now();
    let steps = [
        add("short", 2, SHORT),
        add("long", 5, Duration::from_hours(1)),
        add("short", 3, Duration::from_hours(1)),
    ];
    let sums = store.batch(&steps).await.expect("a batch");
    assert_eq!(sums, [2, 5, 5].map(StepResult::Sum));
    gone(&store, "short").await;
    assert!(began.elapsed() >= SHORT, "gone after {:?}", began.elapsed());
    assert_eq!(store.get("long").await.expect("get"), Some(b"5".to_vec()));
}

pub(crate) async fn a_swap_sets_a_new_expiry(store: Store) {
    for (key, first) in [
        ("longer", Ttl::For(SHORT)),
        ("forever", Ttl::For(SHORT)),
        ("shorter", Ttl::Forever),
    ] {
        store.insert(key, b"1", first).await.expect("insert");
    }
    for (key, then) in [
        ("longer", MINUTE),
        ("forever", Ttl::Forever),
        ("shorter", Ttl::For(SHORT)),
    ] {
        assert_eq!(
            store
                .compare_and_swap(key, b"1", b"2", then)
                .await
                .expect("swap"),
            CasResult::Done,
            "{key}"
        );
    }
    gone(&store, "shorter").await;
    tokio::time::sleep(SHORT).await;
    assert!(store.get("longer").await.expect("get").is_some());
    assert!(store.get("forever").await.expect("get").is_some());
}

pub(crate) async fn a_counter_expires_after_its_first_count(store: Store) {
    let began = Instant::now();
    assert_eq!(store.count("k", SHORT).await.expect("count"), 1);
    // If each count extended the lifetime, this loop would never end.
    let mut last = 1;
    loop {
        let next = store.count("k", SHORT).await.expect("count");
        if next == 1 {
            break;
        }
        assert_eq!(next, last + 1);
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "still counting: {next}"
        );
        last = next;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(last > 1, "it was counted at least twice");
    assert!(
        began.elapsed() >= SHORT,
        "started again after {:?}",
        began.elapsed()
    );
}

pub(crate) async fn extreme_lifetimes(store: Store) {
    store
        .insert("none", b"v", Ttl::For(Duration::ZERO))
        .await
        .expect("insert");
    gone(&store, "none").await;
    for (key, time) in [
        ("ages", Duration::MAX),
        ("centuries", Duration::from_hours(400 * 365 * 24)),
    ] {
        assert!(
            store
                .insert(key, b"v", Ttl::For(time))
                .await
                .expect("insert"),
            "{key}"
        );
        assert_eq!(
            store
                .compare_and_swap(key, b"v", b"w", Ttl::For(time))
                .await
                .expect("swap"),
            CasResult::Done,
            "{key}"
        );
        assert!(store.get(key).await.expect("get").is_some(), "{key}");
    }
    assert_eq!(
        store.count("counter", Duration::MAX).await.expect("count"),
        1
    );
    assert_eq!(
        store.count("counter", Duration::MAX).await.expect("count"),
        2
    );
}
