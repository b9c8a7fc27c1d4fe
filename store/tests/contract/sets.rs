//! Lists of members.

use store::{Store, Ttl};

pub(crate) async fn members_are_unique(store: Store) {
    assert_eq!(
        store.set_range("l", None, 10).await.expect("members"),
        [""; 0]
    );
    assert!(store.set_add("l", "a").await.expect("set_add"));
    assert!(!store.set_add("l", "a").await.expect("set_add"));
    assert!(store.set_add("m", "a").await.expect("set_add"));
    assert_eq!(
        store.set_range("l", None, 10).await.expect("members"),
        ["a"]
    );
    assert!(store.set_remove("l", "a").await.expect("set_remove"));
    assert!(!store.set_remove("l", "a").await.expect("set_remove"));
    assert_eq!(
        store.set_range("l", None, 10).await.expect("members"),
        [""; 0]
    );
    assert_eq!(
        store.set_range("m", None, 10).await.expect("members"),
        ["a"]
    );
}

pub(crate) async fn pages_in_byte_order(store: Store) {
    // In byte order, with texts that a language-specific order or a protocol might get wrong.
    let ordered = [
        "", "\0", "\r\n", " ", "(", "+", "-", "10", "2", "Z", "[a", "a", "a\0", "a b", "ab", "z",
        "ä", "€", "\u{ffff}", "𝄞",
    ];
    for name in ordered.iter().rev() {
        assert!(store.set_add("l", name).await.expect("set_add"), "{name:?}");
        // Other lists, whose members must not be returned.
        for list in ["k", "m", "l\0", "l "] {
            store.set_add(list, name).await.expect("set_add");
        }
    }
    assert_eq!(
        store
            .set_range("l", None, usize::MAX)
            .await
            .expect("members"),
        ordered
    );
    assert_eq!(
        store.set_range("l", None, 0).await.expect("members"),
        [""; 0]
    );

    for size in [1, 3, 7, 20, 21] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = store
                .set_range("l", after.as_deref(), size)
                .await
                .expect("members");
            assert!(page.len() <= size);
            let last = page.len() < size;
            seen.extend(page);
            assert!(seen.len() <= ordered.len(), "pages of {size}: {seen:?}");
            if last {
                break;
            }
            after = seen.last().cloned();
        }
        assert_eq!(seen, ordered, "pages of {size}");
    }
    // After a member that is not in the list.
    assert_eq!(
        store.set_range("l", Some("0"), 2).await.expect("members"),
        ["10", "2"]
    );
    assert_eq!(
        store.set_range("l", Some("𝄞𝄞"), 2).await.expect("members"),
        [""; 0]
    );
}

pub(crate) async fn lists_and_records_have_separate_namespaces(store: Store) {
    store.set_add("a", "member").await.expect("set_add");
    assert_eq!(store.get("a").await.expect("get"), None);
    assert!(
        store
            .insert("a", b"record", Ttl::Forever)
            .await
            .expect("insert")
    );
    assert_eq!(
        store.set_range("a", None, 10).await.expect("members"),
        ["member"]
    );
    assert!(store.remove("a").await.expect("remove"));
    assert_eq!(
        store.set_range("a", None, 10).await.expect("members"),
        ["member"]
    );
}
