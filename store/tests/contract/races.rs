//! Concurrent callers: each operation has exactly the promised number of winners.

use std::{future::Future, sync::Arc, time::Duration};

use store::{CasResult, Store, Ttl};
use tokio::sync::Barrier;

use crate::MINUTE;

const RACERS: usize = 64;

/// Each race is run several times, since the callers of one may happen to run one after the other.
const ROUNDS: usize = 5;

/// Runs `racer` 64 times concurrently, each with its number, and returns the results.
async fn race<T, F>(store: &Store, racer: impl Fn(Store, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|number| {
            let start = Arc::clone(&start);
            let run = racer(store.clone(), number);
            tokio::spawn(async move {
                start.wait().await;
                run.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for racer in racers {
        outcomes.push(racer.await.expect("a racer finishes"));
    }
    outcomes
}

fn winners(outcomes: &[bool]) -> Vec<usize> {
    outcomes
        .iter()
        .enumerate()
        .filter_map(|(number, won)| won.then_some(number))
        .collect()
}

pub(crate) async fn one_insert_wins(store: Store) {
    for round in 0..ROUNDS {
        let outcomes = race(&store, |store, number| async move {
            store
                .insert(&format!("k{round}"), number.to_string().as_bytes(), MINUTE)
                .await
                .expect("insert")
        });
        let winners = winners(&outcomes.await);
        assert_eq!(winners.len(), 1, "{winners:?}");
        let value = store
            .get(&format!("k{round}"))
            .await
            .expect("get")
            .expect("the winner's value");
        assert_eq!(value, winners[0].to_string().as_bytes());
    }
}

pub(crate) async fn one_swap_wins(store: Store) {
    for round in 0..ROUNDS {
        let key = format!("k{round}");
        store.insert(&key, b"free", MINUTE).await.expect("insert");
        let outcomes = race(&store, |store, number| {
            let key = key.clone();
            async move {
                store
                    .compare_and_swap(&key, b"free", number.to_string().as_bytes(), MINUTE)
                    .await
                    .expect("swap")
            }
        });
        let outcomes = outcomes.await;
        let won: Vec<bool> = outcomes
            .iter()
            .map(|outcome| *outcome == CasResult::Done)
            .collect();
        let winners = winners(&won);
        assert_eq!(winners.len(), 1, "{winners:?}");
        let theirs = winners[0].to_string().into_bytes();
        assert_eq!(store.get(&key).await.expect("get").as_ref(), Some(&theirs));
        let informed = outcomes
            .iter()
            .filter(|outcome| **outcome == CasResult::Changed(Some(theirs.clone())))
            .count();
        assert_eq!(
            informed,
            RACERS - 1,
            "every other caller gets the winner's value"
        );
    }
}

/// Each caller increments a number by reading, swapping, and trying again with the current value.
pub(crate) async fn no_swap_is_lost(store: Store) {
    store
        .insert("sum", b"0", Ttl::Forever)
        .await
        .expect("insert");
    race(&store, |store, _| async move {
        let mut there = store.get("sum").await.expect("get").expect("a number");
        loop {
            let number: usize = std::str::from_utf8(&there)
                .expect("digits")
                .parse()
                .expect("a number");
            let next = (number + 1).to_string();
            match store
                .compare_and_swap("sum", &there, next.as_bytes(), Ttl::Forever)
                .await
                .expect("swap")
            {
                CasResult::Done => break,
                CasResult::Changed(other) => there = other.expect("a number"),
            }
        }
    })
    .await;
    assert_eq!(
        store.get("sum").await.expect("get"),
        Some(RACERS.to_string().into_bytes())
    );
}

pub(crate) async fn one_take_wins(store: Store) {
    for _ in 0..ROUNDS {
        store.insert("k", b"prize", MINUTE).await.expect("insert");
        let taken = race(&store, |store, _| async move {
            store.take("k").await.expect("take")
        })
        .await;
        let prizes: Vec<_> = taken.into_iter().flatten().collect();
        assert_eq!(prizes, [b"prize"]);
    }
}

pub(crate) async fn one_remove_wins(store: Store) {
    for _ in 0..ROUNDS {
        store.insert("k", b"v", MINUTE).await.expect("insert");
        let outcomes = race(&store, |store, _| async move {
            store.remove("k").await.expect("remove")
        })
        .await;
        assert_eq!(winners(&outcomes).len(), 1);
    }
}

pub(crate) async fn every_count_is_counted(store: Store) {
    let mut seen = Vec::new();
    for _ in 0..ROUNDS {
        seen.extend(
            race(&store, |store, _| async move {
                store
                    .count("k", Duration::from_mins(1))
                    .await
                    .expect("count")
            })
            .await,
        );
    }
    seen.sort_unstable();
    let exact: Vec<u64> = (1..).take(RACERS * ROUNDS).collect();
    assert_eq!(seen, exact, "each number exactly once");
}

pub(crate) async fn one_set_add_wins(store: Store) {
    let entered = race(&store, |store, _| async move {
        store.set_add("l", "name").await.expect("set_add")
    })
    .await;
    assert_eq!(winners(&entered).len(), 1);
    let left = race(&store, |store, _| async move {
        store.set_remove("l", "name").await.expect("set_remove")
    })
    .await;
    assert_eq!(winners(&left).len(), 1);
}

/// Changes that fail or change nothing, together with changes that must succeed.
pub(crate) async fn different_operations_do_not_interfere(store: Store) {
    store
        .insert("words", b"not a number", MINUTE)
        .await
        .expect("insert");
    let outcomes = race(&store, |store, number| async move {
        let key = format!("own {number}");
        match number % 4 {
            0 => store.count("words", Duration::from_mins(1)).await.is_err(),
            1 => !store
                .insert("words", b"other", MINUTE)
                .await
                .expect("insert"),
            2 => {
                store.insert(&key, b"v", MINUTE).await.expect("insert")
                    && store.take(&key).await.expect("take").is_some()
            }
            _ => store.set_add("all", &key).await.expect("set_add"),
        }
    });
    assert_eq!(winners(&outcomes.await).len(), RACERS);
    assert_eq!(
        store
            .set_range("all", None, 100)
            .await
            .expect("members")
            .len(),
        RACERS / 4
    );
    assert_eq!(
        store.get("words").await.expect("get").as_deref(),
        Some(&b"not a number"[..])
    );
}
