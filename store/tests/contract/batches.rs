//! Several steps at once.

use std::time::Duration;

use store::{BatchStep, CasResult, StepResult, Store, Ttl};
use testkit::FaultSwitch;

use crate::MINUTE;

const HOUR: Duration = Duration::from_hours(1);

const fn get(key: &str) -> BatchStep<'_> {
    BatchStep::Get { key }
}

const fn insert<'a>(key: &'a str, value: &'a [u8]) -> BatchStep<'a> {
    BatchStep::Insert {
        key,
        value,
        ttl: MINUTE,
    }
}

fn value(value: &[u8]) -> StepResult {
    StepResult::Value(Some(value.to_vec()))
}

pub(crate) async fn a_batch_carries_out_every_step_in_order(store: Store) {
    store.insert("there", b"old", MINUTE).await.expect("insert");
    store.set_add("list", "b").await.expect("set_add");
    let swap = |expected, new| BatchStep::CompareAndSwap {
        key: "there",
        expected,
        new,
        ttl: Ttl::Forever,
    };
    let add = BatchStep::Add {
        key: "counter",
        amount: 3,
        ttl: HOUR,
    };
    let member = |member| BatchStep::SetAdd {
        list: "list",
        member,
    };
    let steps = [
        get("absent"),
        get("there"),
        insert("new", b"1"),
        insert("new", b"2"),
        get("new"),
        swap(&b"old"[..], &b"next"[..]),
        swap(b"old", b"lost"),
        get("there"),
        add,
        add,
        member("a"),
        member("b"),
        BatchStep::SetRange {
            list: "list",
            after: None,
            limit: 9,
        },
        BatchStep::SetRemove {
            list: "list",
            member: "b",
        },
        BatchStep::SetRange {
            list: "list",
            after: Some("a"),
            limit: 9,
        },
        BatchStep::Remove { key: "new" },
        BatchStep::Remove { key: "new" },
        get("new"),
    ];
    let expected = [
        StepResult::Value(None),
        value(b"old"),
        StepResult::Changed(true),
        StepResult::Changed(false),
        value(b"1"),
        StepResult::Swap(CasResult::Done),
        StepResult::Swap(CasResult::Changed(Some(b"next".to_vec()))),
        value(b"next"),
        StepResult::Sum(3),
        StepResult::Sum(6),
        StepResult::Changed(true),
        StepResult::Changed(false),
        StepResult::Members(vec!["a".to_owned(), "b".to_owned()]),
        StepResult::Changed(true),
        StepResult::Members(Vec::new()),
        StepResult::Changed(true),
        StepResult::Changed(false),
        StepResult::Value(None),
    ];
    assert_eq!(store.batch(&steps).await.expect("a batch"), expected);
    assert_eq!(
        store.get("counter").await.expect("get"),
        Some(b"6".to_vec())
    );
    assert_eq!(store.batch(&[]).await.expect("nothing"), []);
    let reads = [get("there"), get("absent"), get("there")];
    let read = store.batch(&reads).await.expect("reads");
    assert_eq!(
        read,
        [value(b"next"), StepResult::Value(None), value(b"next")]
    );
}

/// Of several callers with the same batch, each step has one winner, and every caller reads its
/// own write or that of the winner.
pub(crate) async fn each_step_of_concurrent_batches_has_one_winner(store: Store) {
    for round in 0..20 {
        let keys: Vec<String> = (0..4).map(|key| format!("{round}-{key}")).collect();
        let callers = (0..8_u8).map(|caller| {
            let (store, keys) = (store.clone(), keys.clone());
            tokio::spawn(async move {
                let own = [caller];
                let mut steps: Vec<_> = keys.iter().map(|key| insert(key, &own)).collect();
                steps.extend(keys.iter().map(|key| get(key)));
                (caller, store.batch(&steps).await.expect("a batch"))
            })
        });
        let mut winners = [0; 4];
        for caller in callers.collect::<Vec<_>>() {
            let (caller, results) = caller.await.expect("no panic");
            for (place, winner) in winners.iter_mut().enumerate() {
                let won = results[place] == StepResult::Changed(true);
                *winner += usize::from(won);
                let StepResult::Value(Some(there)) = &results[place + 4] else {
                    panic!("a batch sees what it has written: {results:?}");
                };
                assert!(!won || there[..] == [caller], "{results:?}");
            }
        }
        assert_eq!(winners, [1; 4], "round {round}");
    }
}

/// A counter that is none fails the batch with its name, and the store goes on.
pub(crate) async fn a_step_that_cannot_be_done_is_an_error(store: Store) {
    store.insert("text", b"x", MINUTE).await.expect("insert");
    let add = BatchStep::Add {
        key: "text",
        amount: 1,
        ttl: HOUR,
    };
    store
        .batch(&[insert("before", b"1"), add])
        .await
        .expect_err("it is no counter");
    assert_eq!(store.get("text").await.expect("get"), Some(b"x".to_vec()));
    let results = store.batch(&[insert("after", b"1")]).await.expect("works");
    assert_eq!(results, [StepResult::Changed(true)]);
}

pub(crate) async fn a_batch_with_a_lost_answer_is_resolved(store: Store) {
    let (store, switch) = FaultSwitch::around(store);
    let store = store.resolving();
    store.insert("k", b"1", MINUTE).await.expect("insert");
    let swap = BatchStep::CompareAndSwap {
        key: "k",
        expected: b"1",
        new: b"2",
        ttl: MINUTE,
    };
    let listed = BatchStep::SetAdd {
        list: "list",
        member: "m",
    };
    switch.lose_write_answers();
    let results = store
        .batch(&[
            insert("n", b"own"),
            insert("k", b"x"),
            swap,
            listed,
            get("k"),
        ])
        .await;
    let expected = [
        StepResult::Changed(true),
        StepResult::Changed(false),
        StepResult::Swap(CasResult::Done),
        StepResult::Changed(true),
        value(b"2"),
    ];
    assert_eq!(results.expect("resolved"), expected);
    switch.break_all();
    store.batch(&[get("k"), listed]).await.expect_err("broken");
    switch.mend();
}
