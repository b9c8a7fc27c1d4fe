//! One suite for every engine, and what each engine must survive.

#![expect(
    clippy::disallowed_methods,
    reason = "what expires, and what must answer soon, is watched in real time"
)]

mod expiry;
mod export;
mod failover;
mod outage;
mod races;
mod resolving;
mod secured;
mod sets;
mod survival;
mod verbs;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use store::{Location, Store, Ttl};
use testkit::RedisServer;

/// A minute: longer than any test.
const MINUTE: Ttl = Ttl::For(Duration::from_mins(1));

/// Short enough to wait for, long enough for a slow machine to read a record before it goes.
const SHORT: Duration = Duration::from_millis(400);

/// A store to test, and what must live as long.
struct Fixture {
    store: Store,
    _folder: Option<tempfile::TempDir>,
    _server: Option<RedisServer>,
}

async fn memory() -> Fixture {
    Fixture {
        store: open(&Location::Memory).await,
        _folder: None,
        _server: None,
    }
}

async fn file() -> Fixture {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&Location::File(folder.path().join("data"))).await;
    Fixture {
        store,
        _folder: Some(folder),
        _server: None,
    }
}

async fn redis() -> Fixture {
    let server = RedisServer::start();
    let store = open(&Location::Redis(server.url())).await;
    Fixture {
        store,
        _folder: None,
        _server: Some(server),
    }
}

async fn open(location: &Location) -> Store {
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

/// Makes of each case, a function of a store, one test for each engine:
/// `file::races::one_insert_wins`.
macro_rules! contract {
    ($($topic:ident: $cases:tt)*) => {
        contract!(@engine memory $($topic: $cases)*);
        contract!(@engine file $($topic: $cases)*);
        contract!(@engine redis $($topic: $cases)*);
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
    verbs: [
        nothing_is_there_at_first,
        insert_keeps_the_first,
        swap_replaces_what_was_expected,
        swap_tells_what_is_there,
        take_takes_once,
        remove_removes,
        count_counts,
        a_counter_is_a_record,
        any_bytes_and_any_key,
        large_values,
        a_ready_store_answers,
    ]
    expiry: [
        an_expired_record_is_gone_for_every_verb,
        nothing_goes_early,
        a_swap_sets_the_time_anew,
        a_counter_lives_from_its_first_count,
        times_beyond_reason,
    ]
    sets: [
        names_are_in_once,
        pages_in_byte_order,
        lists_and_records_share_no_names,
    ]
    export: [
        an_empty_store_exports_nothing,
        everything_comes_with_the_time_that_is_left,
        what_has_expired_does_not_come,
        a_store_that_changes_meanwhile_is_read_and_goes_on,
        an_export_that_nobody_reads_to_its_end_is_in_nobodys_way,
    ]
    resolving: [
        a_lost_answer_is_found,
        what_did_not_happen_is_an_error_and_did_not_happen,
    ]
    races: [
        one_insert_wins,
        one_swap_wins,
        no_swap_is_lost,
        one_take_wins,
        one_remove_wins,
        every_count_is_counted,
        one_enlistment_wins,
        unlike_verbs_do_not_disturb_each_other,
    ]
}
