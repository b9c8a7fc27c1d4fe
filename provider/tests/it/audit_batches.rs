//! Events that waited together are one record of the audit log, and every change of it is detected.

use std::time::Duration;

use provider::{AuditEntry, AuditFilter, AuditReport};
use serde_json::Value;
use store::Ttl;
use testkit::{
    Fault, FaultPlan,
    direct::{ADA, TestProvider},
};

use crate::chain::signed;

/// A server whose audit log has single events up to 4, then one record of `together` events, and
/// one event after it. The store failed when the fourth was written, which is tried again alone.
async fn with_a_batch(together: u64) -> TestProvider {
    let (store, plan) = FaultPlan::store_of_the_audit_log().await;
    let server = TestProvider::over(store).await;
    let terminal = server.provider.terminal();
    terminal
        .accounts()
        .add_account(ADA, None)
        .await
        .expect("added");
    deeds(&server, 2).await;
    server.provider.finish_background_tasks().await;
    plan.fail(0..usize::MAX, Fault::NotDone);
    deeds(&server, together).await;
    assert!(plan.mend());
    deeds(&server, 2).await;
    server.provider.finish_background_tasks().await;
    server
}

async fn deeds(server: &TestProvider, number: u64) {
    for _ in 0..number {
        let terminal = server.provider.terminal();
        let reset = terminal.accounts().reset_account(ADA).await;
        reset.expect("a link");
    }
}

async fn report(server: &TestProvider) -> AuditReport {
    let report = server.provider.terminal().verify_audit().await;
    report.expect("a report")
}

async fn record(server: &TestProvider, number: u64) -> Option<Vec<u8>> {
    let record = server.store.get(&format!("event:{number}")).await;
    record.expect("the store answers")
}

async fn write(server: &TestProvider, number: u64, bytes: &[u8]) {
    let key = format!("event:{number}");
    server.store.remove(&key).await.expect("removed");
    let written = server.store.insert(&key, bytes, Ttl::Forever).await;
    assert!(written.expect("written"));
}

fn numbers(entries: &[AuditEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.number).collect()
}

#[tokio::test]
async fn events_that_waited_together_are_one_record_in_their_order() {
    let server = with_a_batch(10).await;
    let batch = record(&server, 5).await.expect("a record");
    let batch: Value = serde_json::from_slice(&batch).expect("JSON");
    assert_eq!((&batch["number"], &batch["last"]), (&5.into(), &14.into()));
    assert_eq!(batch["events"].as_array().map(Vec::len), Some(10));
    for within in 6..=14 {
        assert_eq!(record(&server, within).await, None, "event {within}");
    }
    assert!(record(&server, 15).await.is_some());
    for server in [&server, &server.twin().await] {
        let all = server.audit_log().await;
        assert_eq!(numbers(&all), (1..=15).collect::<Vec<_>>());
        let expected = AuditReport {
            events: 15,
            first: Some(1),
            last: Some(15),
            faults: Vec::new(),
        };
        assert_eq!(report(server).await, expected);
    }
}

/// Wherever a page or an export begins or ends: also within a record of several events.
#[tokio::test]
async fn pages_and_exports_may_begin_within_a_record() {
    let server = with_a_batch(70).await;
    let end = 4 + 70 + 1;
    let every = AuditFilter::default();
    for limit in [1, 7, 64, 200] {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let terminal = server.provider.terminal();
            let page = terminal.audit(&every, before, limit).await;
            let page = page.expect("a page");
            assert!(page.events.len() <= limit);
            pages.extend(numbers(&page.events));
            before = page.before;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(pages, (1..=end).rev().collect::<Vec<_>>(), "{limit}");
        let mut exported = Vec::new();
        loop {
            let after = exported.last().copied().unwrap_or(0);
            let terminal = server.provider.terminal();
            let part = terminal.audit_export(&every, after, limit).await;
            let part = numbers(&part.expect("events"));
            if part.is_empty() {
                break;
            }
            exported.extend(part);
        }
        assert_eq!(exported, (1..=end).collect::<Vec<_>>(), "{limit}");
    }
}

/// Events of a time, whatever else is in the log: batches, a gap of a day, the oldest ones deleted, one
/// that cannot be read.
#[tokio::test]
async fn a_time_is_found_wherever_it_begins() {
    let server = with_a_batch(70).await;
    let last_of_first_day = 4 + 70 + 1;
    let began = server.provider.now();
    for _ in 0..3 {
        server.pass(Duration::from_hours(24));
        deeds(&server, 100).await;
    }
    server.provider.finish_background_tasks().await;
    let day = |days: u64| Some(began.after(Duration::from_hours(24 * days)));
    let first_of = |day: u64| last_of_first_day + 1 + (day - 1) * 100;
    let check = async |deleted: u64, unreadable: u64| {
        for (since, until, first, last) in [
            (None, None, 1, first_of(4) - 1),
            (None, day(1), 1, last_of_first_day),
            (day(1), day(2), first_of(1), first_of(2) - 1),
            (day(2), None, first_of(2), first_of(4) - 1),
            (day(3), day(4), first_of(3), first_of(4) - 1),
            (day(4), None, 1, 0),
            (day(2), day(1), 1, 0),
        ] {
            let filter = AuditFilter {
                since,
                until,
                ..AuditFilter::default()
            };
            let first = first.max(deleted + 1);
            let wanted: Vec<_> = (first..=last).filter(|own| *own != unreadable).collect();
            let terminal = server.provider.terminal();
            let exported = terminal.audit_export(&filter, 0, 1000).await;
            assert_eq!(numbers(&exported.expect("events")), wanted, "{filter:?}");
            let mut pages = Vec::new();
            let mut before = None;
            loop {
                let page = terminal.audit(&filter, before, 64).await;
                let page = page.expect("a page");
                pages.extend(numbers(&page.events));
                before = page.before;
                if before.is_none() {
                    break;
                }
            }
            pages.reverse();
            assert_eq!(pages, wanted, "{filter:?}");
        }
    };
    check(0, 0).await;
    // The search looks at the middle first.
    let middle = 1 + (first_of(4) - 1) / 2;
    write(&server, middle, b"junk").await;
    check(0, middle).await;
    for number in 1..=3 {
        let key = format!("event:{number}");
        server.store.remove(&key).await.expect("removed");
    }
    check(3, middle).await;
}

#[tokio::test]
async fn no_byte_of_a_record_of_several_events_is_changed_unseen() {
    let server = with_a_batch(3).await;
    let untouched = record(&server, 5).await.expect("a record");
    for place in 0..untouched.len() {
        let mut changed = untouched.clone();
        changed[place] ^= 0x01;
        write(&server, 5, &changed).await;
        assert!(
            !report(&server).await.faults.is_empty(),
            "byte {place}: {}",
            String::from_utf8_lossy(&changed)
        );
    }
    write(&server, 5, &untouched).await;
    assert_eq!(report(&server).await.faults, Vec::<String>::new());
    server.store.remove("event:5").await.expect("removed");
    for server in [&server, &server.twin().await] {
        let faults = report(server).await.faults;
        assert!(
            faults.iter().any(|fault| fault.contains("missing")),
            "{faults:?}"
        );
    }
}

/// A record at the end that is gone, or an event that was taken out of a record.
#[tokio::test]
async fn an_end_that_is_cut_off_and_a_record_with_fewer_events_are_seen() {
    let server = with_a_batch(3).await;
    for number in [5, 8] {
        server
            .store
            .remove(&format!("event:{number}"))
            .await
            .expect("removed");
    }
    let faults = report(&server.twin().await).await.faults;
    assert!(
        faults.iter().any(|fault| fault.contains("event 8")),
        "{faults:?}"
    );
    let server = with_a_batch(3).await;
    let batch = record(&server, 5).await.expect("a record");
    let mut batch: Value = serde_json::from_slice(&batch).expect("JSON");
    batch["events"].as_array_mut().expect("events").pop();
    for last in [7, 6] {
        batch["last"] = last.into();
        write(&server, 5, batch.to_string().as_bytes()).await;
        assert!(!report(&server).await.faults.is_empty(), "last {last}");
    }
}

#[tokio::test]
async fn what_a_newer_version_writes_together_is_shown_verified_and_followed() {
    for (from, to, action) in [
        (
            r#""deed":"reset_link_made""#,
            r#""deed":"a_deed_of_tomorrow""#,
            "a_deed_of_tomorrow",
        ),
        (
            r#""by":"terminal""#,
            r#""by":{"service":{"name":"robot"}}"#,
            "reset_link_made",
        ),
        (r#""whose":{"#, r#""whose":[1],"whom":{"#, "reset_link_made"),
        (
            r#""previous""#,
            r#""severity":{"level":3},"previous""#,
            "reset_link_made",
        ),
    ] {
        let server = with_a_batch(3).await;
        server.store.remove("event:8").await.expect("removed");
        let stored = String::from_utf8(record(&server, 5).await.expect("a record"));
        let stored = stored.expect("text");
        let batch: Value = serde_json::from_str(&stored).expect("JSON");
        let hash = batch["hash"].as_str().expect("a hash");
        write(
            &server,
            5,
            &signed(&stored.replace(from, to).replace(hash, "")),
        )
        .await;
        let note = br#"{"number":4,"link":null}"#;
        server.store.remove("latest-event").await.expect("removed");
        let noted = server
            .store
            .insert("latest-event", note, Ttl::Forever)
            .await;
        assert!(noted.expect("noted"));
        let fresh = server.twin().await;
        deeds(&fresh, 1).await;
        let all = fresh.audit_log().await;
        assert_eq!(numbers(&all), [1, 2, 3, 4, 5, 6, 7, 8], "{to}");
        assert_eq!(all[5].event.action.as_str(), action, "{to}");
        assert_eq!(report(&fresh).await.faults, Vec::<String>::new(), "{to}");
    }
}
