//! Exports, for backups.

use std::{collections::BTreeMap, time::Duration};

use store::{CasResult, Entry, Export, Store, Ttl};

use crate::MINUTE;

/// Reads an export to its end.
async fn all(mut export: Export) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(entry) = export.next().await {
        entries.push(entry.expect("an entry"));
    }
    entries
}

/// The records by key, as a restore writes them: later entries replace earlier ones.
fn records(entries: &[Entry]) -> BTreeMap<String, (Vec<u8>, Ttl)> {
    let record = |entry: &Entry| match entry {
        Entry::Record { key, value, ttl } => Some((key.clone(), (value.clone(), *ttl))),
        Entry::Member { .. } => None,
    };
    entries.iter().filter_map(record).collect()
}

fn members(entries: &[Entry]) -> Vec<(String, String)> {
    let member = |entry: &Entry| match entry {
        Entry::Member { list, member } => Some((list.clone(), member.clone())),
        Entry::Record { .. } => None,
    };
    let mut members: Vec<_> = entries.iter().filter_map(member).collect();
    members.sort_unstable();
    members.dedup();
    members
}

pub(crate) async fn an_empty_store_exports_nothing(store: Store) {
    assert!(
        all(store.export().await.expect("an export"))
            .await
            .is_empty()
    );
}

pub(crate) async fn an_export_has_all_entries_with_their_lifetimes(store: Store) {
    store
        .insert("for ever", b"\0\xff", Ttl::Forever)
        .await
        .expect("insert");
    store
        .insert("for a minute", b"{}", MINUTE)
        .await
        .expect("insert");
    store
        .insert("list", b"a record of that name", Ttl::Forever)
        .await
        .expect("insert");
    for _ in 0..3 {
        store
            .count("counter", Duration::from_mins(1))
            .await
            .expect("count");
    }
    for member in ["", "a", "*", "\u{e4}\n"] {
        store.set_add("list", member).await.expect("set_add");
    }
    store.set_add("emptied", "x").await.expect("set_add");
    store.set_remove("emptied", "x").await.expect("set_remove");

    let entries = all(store.export().await.expect("an export")).await;
    let records = records(&entries);
    assert_eq!(
        records.keys().collect::<Vec<_>>(),
        ["counter", "for a minute", "for ever", "list"]
    );
    assert_eq!(records["for ever"], (b"\0\xff".to_vec(), Ttl::Forever));
    assert_eq!(records["counter"].0, b"3");
    for key in ["for a minute", "counter"] {
        let Ttl::For(left) = records[key].1 else {
            panic!("{key} stays for ever")
        };
        assert!(
            left > Duration::from_secs(30) && left <= Duration::from_secs(61),
            "{key}: {left:?}"
        );
    }
    let expected = ["", "*", "a", "\u{e4}\n"].map(|member| ("list".to_owned(), member.to_owned()));
    assert_eq!(members(&entries), expected);
    let first_member = entries
        .iter()
        .position(|entry| matches!(entry, Entry::Member { .. }));
    assert!(
        first_member.is_some_and(|first| first >= records.len()),
        "lists come last"
    );
}

pub(crate) async fn expired_records_are_not_exported(store: Store) {
    store
        .insert("short", b"x", Ttl::For(Duration::from_millis(20)))
        .await
        .expect("insert");
    store.insert("long", b"x", MINUTE).await.expect("insert");
    tokio::time::sleep(Duration::from_millis(60)).await;
    let records = records(&all(store.export().await.expect("an export")).await);
    assert_eq!(records.into_keys().collect::<Vec<_>>(), ["long"]);
}

/// More entries than the export buffers, and a reader that is slower than the writers.
pub(crate) async fn a_store_can_change_during_an_export(store: Store) {
    const STEADY: usize = 2000;
    for chunk in (0..STEADY).collect::<Vec<_>>().chunks(100) {
        let inserts: Vec<_> = chunk
            .iter()
            .map(|n| insert(store.clone(), format!("steady {n}")))
            .collect();
        for insert in inserts {
            insert.await.expect("a task");
        }
    }
    for name in ["changing", "removed"] {
        store.insert(name, b"0", MINUTE).await.expect("insert");
    }
    let mut export = store.export().await.expect("an export");
    let mut entries = vec![export.next().await.expect("one").expect("an entry")];
    for n in 0_u32..50 {
        let (old, new) = (n.to_string(), (n + 1).to_string());
        let swap = store
            .compare_and_swap("changing", old.as_bytes(), new.as_bytes(), MINUTE)
            .await
            .expect("swap");
        assert_eq!(swap, CasResult::Done, "writers do not wait for the reader");
        store
            .insert(&format!("new {n}"), b"x", MINUTE)
            .await
            .expect("insert");
        entries.push(export.next().await.expect("one").expect("an entry"));
    }
    store.take("removed").await.expect("take");
    entries.extend(all(export).await);
    let records = records(&entries);
    for n in 0..STEADY {
        assert!(records.contains_key(&format!("steady {n}")), "steady {n}");
    }
    let changing: u32 = String::from_utf8_lossy(&records["changing"].0)
        .parse()
        .expect("a number");
    assert!(changing <= 50, "one of the states that it had");
}

fn insert(store: Store, key: String) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        assert!(store.insert(&key, &[7; 200], MINUTE).await.expect("insert"));
    })
}

pub(crate) async fn an_abandoned_export_blocks_nothing(store: Store) {
    for n in 0..600 {
        store
            .insert(&format!("k {n}"), b"x", MINUTE)
            .await
            .expect("insert");
    }
    for _ in 0..10 {
        let mut export = store.export().await.expect("an export");
        assert!(export.next().await.is_some());
    }
    assert!(store.insert("another", b"x", MINUTE).await.expect("insert"));
    assert_eq!(
        records(&all(store.export().await.expect("an export")).await).len(),
        601
    );
}
