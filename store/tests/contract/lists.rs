//! Lists of names.

use store::{Keep, Store};

pub(crate) async fn names_are_in_once(store: Store) {
    assert_eq!(
        store.members("l", None, 10).await.expect("members"),
        [""; 0]
    );
    assert!(store.enlist("l", "a").await.expect("enlist"));
    assert!(!store.enlist("l", "a").await.expect("enlist"));
    assert!(store.enlist("m", "a").await.expect("enlist"));
    assert_eq!(store.members("l", None, 10).await.expect("members"), ["a"]);
    assert!(store.delist("l", "a").await.expect("delist"));
    assert!(!store.delist("l", "a").await.expect("delist"));
    assert_eq!(
        store.members("l", None, 10).await.expect("members"),
        [""; 0]
    );
    assert_eq!(store.members("m", None, 10).await.expect("members"), ["a"]);
}

pub(crate) async fn pages_in_byte_order(store: Store) {
    // In byte order already, with what an ordering by language or a protocol might get wrong.
    let ordered = [
        "", "\0", "\r\n", " ", "(", "+", "-", "10", "2", "Z", "[a", "a", "a\0", "a b", "ab", "z",
        "ä", "€", "\u{ffff}", "𝄞",
    ];
    for name in ordered.iter().rev() {
        assert!(store.enlist("l", name).await.expect("enlist"), "{name:?}");
        // Neighbours whose members must not show.
        for list in ["k", "m", "l\0", "l "] {
            store.enlist(list, name).await.expect("enlist");
        }
    }
    assert_eq!(
        store.members("l", None, usize::MAX).await.expect("members"),
        ordered
    );
    assert_eq!(store.members("l", None, 0).await.expect("members"), [""; 0]);

    for size in [1, 3, 7, 20, 21] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store
                .members("l", after.as_deref(), size)
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
    // After a name that is not in the list.
    assert_eq!(
        store.members("l", Some("0"), 2).await.expect("members"),
        ["10", "2"]
    );
    assert_eq!(
        store.members("l", Some("𝄞𝄞"), 2).await.expect("members"),
        [""; 0]
    );
}

pub(crate) async fn lists_and_records_share_no_names(store: Store) {
    store.enlist("a", "member").await.expect("enlist");
    assert_eq!(store.get("a").await.expect("get"), None);
    assert!(
        store
            .insert("a", b"record", Keep::Forever)
            .await
            .expect("insert")
    );
    assert_eq!(
        store.members("a", None, 10).await.expect("members"),
        ["member"]
    );
    assert!(store.remove("a").await.expect("remove"));
    assert_eq!(
        store.members("a", None, 10).await.expect("members"),
        ["member"]
    );
}
