//! One contract suite for all engines, and the failures that each engine must survive.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests measure expiry and response times in real time"
)]

mod batches;
mod cluster;
mod expiry;
mod export;
mod failover;
mod kept;
mod operations;
mod outage;
mod races;
mod resolving;
mod secured;
mod sentinels;
mod sets;
mod setups;
mod survival;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use store::{Store, StoreLocation, Ttl};
use testkit::RedisServer;

/// A minute: longer than any test.
const MINUTE: Ttl = Ttl::For(Duration::from_mins(1));

/// Short enough to wait for, long enough for a slow machine to read a record before it expires.
const SHORT: Duration = Duration::from_millis(400);

/// A store to test, and its resources.
struct Fixture {
    store: Store,
    _folder: Option<tempfile::TempDir>,
    _server: Option<RedisServer>,
}

async fn memory() -> Fixture {
    Fixture {
        store: open(&StoreLocation::Memory).await,
        _folder: None,
        _server: None,
    }
}

async fn file() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&StoreLocation::File(folder.path().join("data"))).await;
    Fixture {
        store,
        _folder: Some(folder),
        _server: None,
    }
}

async fn redis() -> Fixture {
    let server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    Fixture {
        store,
        _folder: None,
        _server: Some(server),
    }
}

async fn open(location: &StoreLocation) -> Store {
    Store::open(location).await.expect("the store opens")
}

/// Waits until `done` is true; panics after ten seconds.
async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let began = Instant::now();
    while !done().await {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{what}: not within ten seconds"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Declares one test for each engine from each case, a function of a store:
/// `file::races::one_insert_wins`. A set-up of several servers runs all cases of a topic one after the
/// other, each with a prefix of its own: `cluster::races`.
macro_rules! contract {
    ($($topic:ident: $cases:tt)*) => {
        contract!(@engine memory $($topic: $cases)*);
        contract!(@engine file $($topic: $cases)*);
        contract!(@engine redis $($topic: $cases)*);
        mod contract_of {
            contract!(@setup one_sentinel $($topic: $cases)*);
            contract!(@setup three_nodes $($topic: $cases)*);
            contract!(@setup with_replica $($topic: $cases)*);
            contract!(@setup valkey $($topic: $cases)*);
            contract!(@setup without_scripts $($topic: $cases)*);
            contract!(@setup redis_6 $($topic: $cases)*);
        }
    };
    (@setup $setup:ident $($topic:ident: [$($case:ident),* $(,)?])*) => {
        mod $setup {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $topic() {
                    let setup = crate::setups::$setup();
                    $(
                        let store = setup.store(stringify!($case)).await;
                        crate::$topic::$case(store).await;
                    )*
                }
            )*
        }
    };
    (@engine $engine:ident $($topic:ident: [$($case:ident),* $(,)?])*) => {
        mod $engine {
            $(mod $topic {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                    async fn $case() {
                        let fixture = crate::$engine().await;
                        crate::$topic::$case(fixture.store.clone()).await;
                    }
                )*
            })*
        }
    };
}

contract! {
operations: [
        an_empty_store_has_no_records,
        insert_keeps_the_first,
        swap_replaces_the_expected_value,
        swap_returns_the_current_value,
        take_takes_once,
        remove_removes,
        count_counts,
        a_counter_is_a_record,
        any_bytes_and_any_key,
        large_values,
        a_ready_store_answers,
    ]
    batches: [
        a_batch_carries_out_every_step_in_order,
        each_step_of_concurrent_batches_has_one_winner,
        a_step_that_cannot_be_done_is_an_error,
        a_batch_with_a_lost_answer_is_resolved,
        a_condition_ends_a_batch_unless_the_step_before_it_changed_something,
        one_of_concurrent_batches_passes_their_condition,
        conditions_of_a_batch_with_a_lost_answer_are_resolved,
    ]
    expiry: [
        an_expired_record_does_not_exist_for_any_operation,
        no_record_expires_early,
        a_swap_sets_a_new_expiry,
        a_counter_expires_after_its_first_count,
        counters_of_one_batch_expire_each_in_its_own_time,
        extreme_lifetimes,
    ]
    sets: [
        members_are_unique,
        pages_in_byte_order,
        lists_and_records_have_separate_namespaces,
    ]
    export: [
        an_empty_store_exports_nothing,
        an_export_has_all_entries_with_their_lifetimes,
        expired_records_are_not_exported,
        a_store_can_change_during_an_export,
        an_abandoned_export_blocks_nothing,
    ]
    resolving: [
        a_write_with_a_lost_answer_is_resolved,
        a_failed_write_is_an_error_without_effect,
    ]
    races: [
        one_insert_wins,
        one_swap_wins,
        no_swap_is_lost,
        one_take_wins,
        one_remove_wins,
        every_count_is_counted,
        one_set_add_wins,
        different_operations_do_not_interfere,
    ]
}
