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

const fn swap<'a>(key: &'a str, expected: &'a [u8], new: &'a [u8]) -> BatchStep<'a> {
    BatchStep::CompareAndSwap {
        key,
        expected,
        new,
        ttl: MINUTE,
    }
}

/// A condition looks at the step right before it, and what follows one that does not hold is not
/// carried out.
pub(crate) async fn a_condition_ends_a_batch_unless_the_step_before_it_changed_something(
    store: Store,
) {
    store.insert("k", b"1", MINUTE).await.expect("insert");
    let add = BatchStep::Add {
        key: "counter",
        amount: 1,
        ttl: HOUR,
    };
    let member = BatchStep::SetAdd {
        list: "list",
        member: "m",
    };
    let steps = [
        swap("k", b"1", b"2"),
        BatchStep::IfChanged,
        insert("n", b"1"),
        BatchStep::IfChanged,
        member,
        BatchStep::IfChanged,
        add,
        BatchStep::IfChanged,
        BatchStep::IfChanged,
        get("k"),
        BatchStep::IfChanged,
        insert("never", b"1"),
        BatchStep::IfChanged,
        get("k"),
    ];
    let holds = StepResult::Changed(true);
    let expected = [
        StepResult::Swap(CasResult::Done),
        holds.clone(),
        holds.clone(),
        holds.clone(),
        holds.clone(),
        holds.clone(),
        StepResult::Sum(1),
        holds.clone(),
        holds,
        value(b"2"),
        StepResult::Changed(false),
        StepResult::Skipped,
        StepResult::Skipped,
        StepResult::Skipped,
    ];
    assert_eq!(store.batch(&steps).await.expect("a batch"), expected);
    assert_eq!(store.get("never").await.expect("get"), None);
    let unchanging = [
        swap("k", b"1", b"3"),
        swap("absent", b"1", b"3"),
        insert("k", b"3"),
        member,
        BatchStep::Remove { key: "absent" },
        BatchStep::SetRemove {
            list: "list",
            member: "absent",
        },
        BatchStep::SetRange {
            list: "list",
            after: None,
            limit: 9,
        },
        get("absent"),
    ];
    for step in unchanging {
        let steps = [step, BatchStep::IfChanged, insert("never", b"1"), add];
        let results = store.batch(&steps).await.expect("a batch");
        let skipped = [
            StepResult::Changed(false),
            StepResult::Skipped,
            StepResult::Skipped,
        ];
        assert_eq!(results[1..], skipped, "{step:?}");
    }
    assert_eq!(store.get("never").await.expect("get"), None);
    assert_eq!(store.get("k").await.expect("get"), Some(b"2".to_vec()));
    let counted = store.get("counter").await.expect("get");
    assert_eq!(counted, Some(b"1".to_vec()));
    let first = [BatchStep::IfChanged, insert("never", b"1")];
    let results = store.batch(&first).await.expect("a batch");
    assert_eq!(results, [StepResult::Changed(false), StepResult::Skipped]);
}

/// Of several callers whose batches have the same first step, one goes on.
pub(crate) async fn one_of_concurrent_batches_passes_their_condition(store: Store) {
    for round in 0..20 {
        let key = format!("key-{round}");
        let counter = format!("counter-{round}");
        store.insert(&key, b"0", MINUTE).await.expect("insert");
        let callers = (1..9_u8).map(|caller| {
            let (store, key, counter) = (store.clone(), key.clone(), counter.clone());
            tokio::spawn(async move {
                let own = [caller];
                let steps = [
                    swap(&key, b"0", &own),
                    BatchStep::IfChanged,
                    BatchStep::Add {
                        key: &counter,
                        amount: 1,
                        ttl: HOUR,
                    },
                ];
                store.batch(&steps).await.expect("a batch").pop()
            })
        });
        let mut winners = 0;
        for caller in callers.collect::<Vec<_>>() {
            match caller.await.expect("no panic") {
                Some(StepResult::Sum(1)) => winners += 1,
                Some(StepResult::Skipped) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(winners, 1, "round {round}");
        let sum = store.get(&counter).await.expect("get");
        assert_eq!(sum, Some(b"1".to_vec()), "round {round}");
    }
}

/// After a lost answer, a condition holds if the step before it is found to be done.
pub(crate) async fn conditions_of_a_batch_with_a_lost_answer_are_resolved(store: Store) {
    let (store, switch) = FaultSwitch::around(store);
    let store = store.resolving();
    store.insert("k", b"1", MINUTE).await.expect("insert");
    switch.lose_write_answers();
    let steps = [
        swap("k", b"1", b"2"),
        BatchStep::IfChanged,
        insert("n", b"own"),
        swap("k", b"1", b"3"),
        BatchStep::IfChanged,
        insert("never", b"own"),
    ];
    let expected = [
        StepResult::Swap(CasResult::Done),
        StepResult::Changed(true),
        StepResult::Changed(true),
        StepResult::Swap(CasResult::Changed(Some(b"2".to_vec()))),
        StepResult::Changed(false),
        StepResult::Skipped,
    ];
    assert_eq!(store.batch(&steps).await.expect("resolved"), expected);
    assert_eq!(store.get("never").await.expect("get"), None);
    assert_eq!(store.get("n").await.expect("get"), Some(b"own".to_vec()));
    switch.mend();
}
