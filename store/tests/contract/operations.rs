//! Each operation on its own.

use std::time::Duration;

use store::{CasResult, Error, Store, Ttl};

use crate::MINUTE;

pub(crate) async fn an_empty_store_has_no_records(store: Store) {
    assert_eq!(store.get("k").await.expect("get"), None);
    assert_eq!(store.take("k").await.expect("take"), None);
    assert!(!store.remove("k").await.expect("remove"));
    let swap = store
        .compare_and_swap("k", b"", b"new", MINUTE)
        .await
        .expect("swap");
    assert_eq!(swap, CasResult::Changed(None));
    assert_eq!(
        store.get("k").await.expect("get"),
        None,
        "a swap that failed wrote nothing"
    );
}

pub(crate) async fn insert_keeps_the_first(store: Store) {
    for (key, ttl) in [("a", Ttl::Forever), ("b", MINUTE)] {
        assert!(store.insert(key, b"first", ttl).await.expect("insert"));
        assert!(!store.insert(key, b"second", ttl).await.expect("insert"));
        assert_eq!(
            store.get(key).await.expect("get").as_deref(),
            Some(&b"first"[..])
        );
    }
}

pub(crate) async fn swap_replaces_the_expected_value(store: Store) {
    store.insert("k", b"old", MINUTE).await.expect("insert");
    for (old, new, ttl) in [
        (&b"old"[..], &b"new"[..], MINUTE),
        (b"new", b"newer", Ttl::Forever),
        (b"newer", b"newer", MINUTE),
    ] {
        assert_eq!(
            store
                .compare_and_swap("k", old, new, ttl)
                .await
                .expect("swap"),
            CasResult::Done
        );
        assert_eq!(store.get("k").await.expect("get").as_deref(), Some(new));
    }
}

pub(crate) async fn swap_returns_the_current_value(store: Store) {
    store.insert("k", b"there", MINUTE).await.expect("insert");
    for expected in [&b""[..], b"ther", b"there ", b"THERE"] {
        let swap = store
            .compare_and_swap("k", expected, b"new", MINUTE)
            .await
            .expect("swap");
        assert_eq!(
            swap,
            CasResult::Changed(Some(b"there".to_vec())),
            "{expected:?}"
        );
    }
    assert_eq!(
        store.get("k").await.expect("get").as_deref(),
        Some(&b"there"[..])
    );
}

pub(crate) async fn take_takes_once(store: Store) {
    store.insert("k", b"v", MINUTE).await.expect("insert");
    assert_eq!(
        store.take("k").await.expect("take").as_deref(),
        Some(&b"v"[..])
    );
    assert_eq!(store.take("k").await.expect("take"), None);
    assert_eq!(store.get("k").await.expect("get"), None);
    assert!(store.insert("k", b"again", MINUTE).await.expect("insert"));
}

pub(crate) async fn remove_removes(store: Store) {
    store.insert("k", b"v", Ttl::Forever).await.expect("insert");
    store.insert("l", b"v", Ttl::Forever).await.expect("insert");
    assert!(store.remove("k").await.expect("remove"));
    assert!(!store.remove("k").await.expect("remove"));
    assert_eq!(store.get("k").await.expect("get"), None);
    assert!(store.get("l").await.expect("get").is_some());
}

pub(crate) async fn count_counts(store: Store) {
    let hour = Duration::from_hours(1);
    for expected in 1..=5 {
        assert_eq!(store.count("a", hour).await.expect("count"), expected);
    }
    assert_eq!(store.count("b", hour).await.expect("count"), 1);
    for (amount, expected) in [(700, 705), (0, 705), (1, 706)] {
        assert_eq!(store.add("a", amount, hour).await.expect("add"), expected);
    }
    assert_eq!(store.add("c", 1000, hour).await.expect("add"), 1000);
    assert_eq!(store.count("c", hour).await.expect("count"), 1001);
}

pub(crate) async fn a_counter_is_a_record(store: Store) {
    let hour = Duration::from_hours(1);
    for _ in 0..12 {
        store.count("counter", hour).await.expect("count");
    }
    assert_eq!(
        store.get("counter").await.expect("get").as_deref(),
        Some(&b"12"[..])
    );
    assert!(store.remove("counter").await.expect("remove"));
    assert_eq!(store.count("counter", hour).await.expect("count"), 1);

    store
        .insert("words", b"not a number", MINUTE)
        .await
        .expect("insert");
    let fault = store
        .count("words", hour)
        .await
        .expect_err("words cannot be counted");
    assert!(matches!(fault, Error::Unavailable(_)), "{fault}");
    assert_eq!(
        store.get("words").await.expect("get").as_deref(),
        Some(&b"not a number"[..])
    );
}

pub(crate) async fn any_bytes_and_any_key(store: Store) {
    let all: Vec<u8> = (0..=255).collect();
    let values = [
        &b""[..],
        b"\0",
        b"\r\n",
        b"$-1\r\n",
        &all,
        "ä€𝄞".as_bytes(),
        b"\xff\xfe",
    ];
    let keys = [
        "",
        " ",
        "a b",
        "a:b",
        "a:{b}:c",
        "\0",
        "\r\nDEL x",
        "*",
        "ä€𝄞",
        "%00",
        "'\"\\",
        "(",
        "[",
        &"long".repeat(500),
    ];
    for key in keys {
        for value in values {
            assert!(
                store.insert(key, value, MINUTE).await.expect("insert"),
                "{key:?}"
            );
            assert_eq!(
                store.get(key).await.expect("get").as_deref(),
                Some(value),
                "{key:?}"
            );
            let swap = store
                .compare_and_swap(key, value, &all, MINUTE)
                .await
                .expect("swap");
            assert_eq!(swap, CasResult::Done, "{key:?} {value:?}");
            assert_eq!(
                store.take(key).await.expect("take"),
                Some(all.clone()),
                "{key:?}"
            );
        }
        assert_eq!(
            store
                .count(key, Duration::from_mins(1))
                .await
                .expect("count"),
            1,
            "{key:?}"
        );
    }
}

pub(crate) async fn large_values(store: Store) {
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    assert!(store.insert("large", &large, MINUTE).await.expect("insert"));
    assert!(
        store
            .get("large")
            .await
            .expect("get")
            .is_some_and(|value| value == large)
    );
    assert_eq!(
        store
            .compare_and_swap("large", &large, b"small", MINUTE)
            .await
            .expect("swap"),
        CasResult::Done
    );
    assert_eq!(
        store
            .compare_and_swap("large", b"small", &large, MINUTE)
            .await
            .expect("swap"),
        CasResult::Done
    );
    assert!(
        store
            .take("large")
            .await
            .expect("take")
            .is_some_and(|value| value == large)
    );
}

pub(crate) async fn a_ready_store_answers(store: Store) {
    store
        .ping()
        .await
        .expect("a store that was just opened is ready");
    for _ in 0..2 {
        store.probe().await.expect("and works");
    }
    let (one, other) = tokio::join!(store.probe(), store.probe());
    one.and(other).expect("also concurrently");
    assert_eq!(
        store.set_range("probe", None, 9).await.expect("members"),
        [""; 0],
        "nothing stays listed"
    );
    store
        .durability_warnings()
        .await
        .expect("and returns its warnings");
}
