//! The chain of the audit log: no event is lost, and every change is detected.

use std::time::Duration;

use access_token::SealingKey;
use oauth::Secret;
use provider::{AuditAction, AuditEntry, AuditReport, Role};
use store::Ttl;
use testkit::{
    Fault, FaultPlan,
    direct::{ADA, BOB, SEALING_KEY, TestProvider},
    race,
};

/// A server with an audit log of so many events, and an invited account for further events.
async fn with_events(events: u64) -> TestProvider {
    let server = TestProvider::new().await;
    let invited = server
        .provider
        .terminal()
        .accounts()
        .add_account(ADA, None)
        .await;
    assert!(invited.is_ok_and(|added| added.account.role == Role::Administrator));
    for _ in 1..events {
        add_event(&server).await;
    }
    assert_eq!(server.audit_log().await.len() as u64, events);
    server
}

/// Something that makes one event and changes little else.
async fn add_event(server: &TestProvider) {
    server
        .provider
        .terminal()
        .accounts()
        .reset_account(ADA)
        .await
        .expect("a link");
}

/// The same on a record without other writers, for several at once.
async fn deed_on_its_own(provider: &provider::Provider) {
    let uris = ["https://app.example/callback".to_owned()];
    provider
        .terminal()
        .clients()
        .add_client("App", &uris, false)
        .await
        .map(drop)
        .expect("a client");
}

async fn report(server: &TestProvider) -> AuditReport {
    server
        .provider
        .terminal()
        .verify_audit()
        .await
        .expect("a report")
}

fn key(number: u64) -> String {
    format!("event:{number}")
}

async fn record(server: &TestProvider, key: &str) -> Vec<u8> {
    server
        .store
        .get(key)
        .await
        .expect("the store answers")
        .expect("a record")
}

/// Writes a record directly into the store, as an attacker with access to it might.
async fn write(server: &TestProvider, key: &str, bytes: &[u8]) {
    server.store.remove(key).await.expect("removed");
    assert!(
        server
            .store
            .insert(key, bytes, Ttl::Forever)
            .await
            .expect("written")
    );
}

/// How much a check of the chain finds fault with.
async fn faults(server: &TestProvider) -> usize {
    report(server).await.faults.len()
}

#[tokio::test]
async fn a_chain_that_nobody_touched_is_in_order() {
    let server = with_events(70).await;
    let events = AuditReport {
        events: 70,
        first: Some(1),
        last: Some(70),
        faults: Vec::new(),
    };
    assert_eq!(report(&server).await, events);
    assert_eq!(report(&server.twin().await).await, events);
    let empty = report(&TestProvider::new().await).await;
    assert_eq!(
        empty,
        AuditReport {
            events: 0,
            first: None,
            last: None,
            faults: Vec::new()
        }
    );
}

#[tokio::test]
async fn no_byte_of_an_event_is_changed_unseen() {
    let server = with_events(4).await;
    for number in [1, 3, 4] {
        let untouched = record(&server, &key(number)).await;
        for place in 0..untouched.len() {
            for flipped in [0x01, 0x10] {
                let mut changed = untouched.clone();
                changed[place] ^= flipped;
                write(&server, &key(number), &changed).await;
                assert_ne!(
                    faults(&server).await,
                    0,
                    "event {number}, byte {place}: {}",
                    String::from_utf8_lossy(&changed)
                );
            }
        }
        write(&server, &key(number), &untouched).await;
        assert_eq!(faults(&server).await, 0);
    }
}

#[tokio::test]
async fn no_event_is_taken_out_before_its_time_unseen() {
    for taken in [1, 2, 5, 9, 10] {
        let server = with_events(10).await;
        server.store.remove(&key(taken)).await.expect("removed");
        assert_ne!(faults(&server).await, 0, "event {taken}");
        add_event(&server).await;
        assert_ne!(
            faults(&server).await,
            0,
            "event {taken}, and then another came"
        );
        assert_ne!(
            faults(&server.twin().await).await,
            0,
            "event {taken}, seen by another server"
        );
    }
    let server = with_events(10).await;
    for taken in 1..=10 {
        server.store.remove(&key(taken)).await.expect("removed");
    }
    assert_ne!(faults(&server).await, 0, "all of them");
}

#[tokio::test]
async fn events_that_change_places_or_come_twice_are_seen() {
    for (one, other) in [(1, 2), (2, 3), (4, 5), (1, 5)] {
        let server = with_events(5).await;
        let (first, second) = (
            record(&server, &key(one)).await,
            record(&server, &key(other)).await,
        );
        write(&server, &key(one), &second).await;
        write(&server, &key(other), &first).await;
        assert_ne!(faults(&server).await, 0, "{one} and {other}");
    }
    for (events, copied, to) in [(5, 1, 6), (5, 5, 6), (5, 1, 5), (5, 2, 4), (1, 1, 2)] {
        let server = with_events(events).await;
        write(&server, &key(to), &record(&server, &key(copied)).await).await;
        assert_ne!(faults(&server).await, 0, "a copy of {copied} for {to}");
    }
}

#[tokio::test]
async fn without_the_sealing_key_nobody_makes_an_event() {
    let server = with_events(3).await;
    let other = server.forger().await;
    let genuine: AuditEntry =
        serde_json::from_slice(&record(&server, &key(3)).await).expect("an event");
    // A whole chain of the forger's own, which is in order to them.
    other
        .provider
        .terminal()
        .accounts()
        .add_account(BOB, None)
        .await
        .expect("added");
    other
        .provider
        .terminal()
        .accounts()
        .set_role(BOB, Role::User)
        .await
        .expect("changed");
    for _ in 0..3 {
        other
            .provider
            .terminal()
            .accounts()
            .reset_account(BOB)
            .await
            .expect("a link");
    }
    assert_eq!(faults(&other).await, 0);
    for number in [3, 4] {
        let mut forged: AuditEntry =
            serde_json::from_slice(&record(&other, &key(number)).await).expect("an event");
        for named in [false, true] {
            if named {
                // What the event before it is called is no secret.
                forged.previous = if number == 3 {
                    genuine.previous.clone()
                } else {
                    forged.previous
                };
            }
            let untouched = server
                .store
                .get(&key(number))
                .await
                .expect("the store answers");
            write(
                &server,
                &key(number),
                &serde_json::to_vec(&forged).expect("it serialises"),
            )
            .await;
            let report = report(&server).await;
            let expected = format!("event {number} was changed or was not written by this server");
            assert!(report.faults.contains(&expected), "{:?}", report.faults);
            match untouched {
                Some(untouched) => write(&server, &key(number), &untouched).await,
                None => assert!(server.store.remove(&key(number)).await.expect("removed")),
            }
        }
    }
    write(&server, &key(4), &record(&other, &key(4)).await).await;
    add_event(&server).await;
    assert_ne!(
        faults(&server).await,
        0,
        "a true event does not make the forged one before it true"
    );
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_and_the_rest_is_in_order() {
    let server = with_events(3).await;
    let lifetime = server.provider.settings().lifetimes.audit;
    server.pass_almost(lifetime);
    add_event(&server).await;
    assert_eq!(server.audit_log().await.len(), 4);
    server.pass(Duration::from_secs(1));
    assert_eq!(
        report(&server).await,
        AuditReport {
            events: 1,
            first: Some(4),
            last: Some(4),
            faults: Vec::new()
        }
    );
    let numbers: Vec<_> = server
        .audit_log()
        .await
        .iter()
        .map(|entry| entry.number)
        .collect();
    assert_eq!(numbers, [4]);
    add_event(&server).await;
    server
        .store
        .remove(&key(2))
        .await
        .expect("removed, as the store does in time");
    assert_eq!(faults(&server).await, 0);
    server.pass(lifetime);
    assert_eq!(
        report(&server).await,
        AuditReport {
            events: 0,
            first: None,
            last: None,
            faults: Vec::new()
        }
    );
    add_event(&server).await;
    assert_eq!(
        report(&server.twin().await).await,
        AuditReport {
            events: 1,
            first: Some(6),
            last: Some(6),
            faults: Vec::new()
        }
    );
}

#[tokio::test]
async fn a_shorter_retention_holds_for_what_happened_before_it() {
    const DAY: Duration = Duration::from_hours(24);
    let server = with_events(70).await;
    server.pass(10 * DAY);
    add_event(&server).await;
    let strict = server
        .twin_with(|settings| settings.lifetimes.audit = 2 * DAY)
        .await;
    let newest = AuditReport {
        events: 1,
        first: Some(71),
        last: Some(71),
        faults: Vec::new(),
    };
    assert_eq!(
        (report(&strict).await, strict.audit_log().await.len()),
        (newest.clone(), 1)
    );
    assert_eq!(report(&server).await.events, 71, "they are there still");
    strict
        .provider
        .terminal()
        .forget_old_events()
        .await
        .expect("forgotten");
    assert!(
        server
            .store
            .get(&key(1))
            .await
            .expect("the store answers")
            .is_none()
    );
    assert!(
        server
            .store
            .get(&key(70))
            .await
            .expect("the store answers")
            .is_none()
    );
    assert_eq!(report(&strict).await, newest);
    add_event(&strict).await;
    strict.pass(DAY);
    add_event(&strict).await;
    assert_eq!(
        report(&strict).await,
        AuditReport {
            events: 3,
            first: Some(71),
            last: Some(73),
            faults: Vec::new()
        }
    );
}

#[tokio::test]
async fn what_is_no_event_is_told_and_does_not_stand_in_the_way() {
    for junk in [
        &b"junk"[..],
        b"{}",
        br#"{"number":9,"at":1,"expires_at":2,"hash":""}"#,
    ] {
        let server = with_events(3).await;
        write(&server, &key(4), junk).await;
        add_event(&server).await;
        add_event(&server.twin().await).await;
        let numbers: Vec<_> = server
            .audit_log()
            .await
            .iter()
            .map(|entry| entry.number)
            .collect();
        assert_eq!(numbers, [1, 2, 3, 5, 6]);
        let faults = report(&server).await.faults;
        assert!(
            faults.iter().all(|fault| fault.contains("event 4")) && !faults.is_empty(),
            "{faults:?}"
        );
    }
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_followed() {
    let server = with_events(3).await;
    let newer = server.twin().await;
    add_event(&newer).await;
    let known = String::from_utf8(record(&server, &key(4)).await).expect("text");
    write(
        &server,
        &key(4),
        known
            .replace("reset_link_made", "a_deed_of_tomorrow")
            .as_bytes(),
    )
    .await;
    add_event(&server).await;
    assert_eq!(
        server.audit_log().await.last().map(|entry| entry.number),
        Some(5)
    );
    let faults = report(&server).await.faults;
    assert!(
        faults.iter().all(|fault| fault.contains("event 4")),
        "{faults:?}"
    );
}

/// The key under which these servers chain their events.
fn chain_key() -> Secret {
    let sealing_key = SealingKey::from_bytes(&SEALING_KEY)
        .expect("a key")
        .expose();
    Secret::decode(sealing_key.rsplit('.').next().expect("a body"))
        .expect("a secret")
        .derive("audit trail", b"")
}

/// An event as a newer version may write it, with a hash that is right.
pub(crate) fn signed(unsigned: &str) -> Vec<u8> {
    let hash = chain_key().derive("event", unsigned.as_bytes()).encode();
    unsigned
        .replace(r#""hash":"""#, &format!(r#""hash":"{hash}""#))
        .into_bytes()
}

#[tokio::test]
async fn what_a_newer_version_notes_is_shown_verified_and_followed() {
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
        (
            r#""expires_at""#,
            r#""severity":{"level":3},"expires_at""#,
            "reset_link_made",
        ),
        (r#""whose":{"#, r#""whose":[{"#, "reset_link_made"),
    ] {
        let server = with_events(3).await;
        let newer = server.twin().await;
        deed_of(&newer).await;
        let mut event = String::from_utf8(record(&server, &key(4)).await).expect("text");
        let genuine: AuditEntry = serde_json::from_str(&event).expect("an event");
        event = event.replace(from, to).replace(&genuine.hash, "");
        if to.contains("[{") {
            event = event.replace(r#""},"expires_at""#, r#""}],"expires_at""#);
        }
        write(&server, &key(4), &signed(&event)).await;
        write(&server, "latest-event", br#"{"number":3,"link":null}"#).await;
        let fresh = server.twin().await;
        deed_of(&fresh).await;
        let trail = fresh.audit_log().await;
        let names: Vec<_> = trail
            .iter()
            .map(|entry| entry.event.action.as_str())
            .collect();
        assert_eq!((trail.len(), names[3]), (5, action), "{to}");
        assert_eq!(report(&fresh).await.faults, Vec::<String>::new(), "{to}");
        let shown = serde_json::to_string(&trail[3]).expect("JSON");
        assert!(
            !to.contains("severity") || shown.contains(r#""severity":{"level":3}"#),
            "{shown}"
        );
        // Changed afterwards, it is found out as any other.
        let stored = String::from_utf8(record(&server, &key(4)).await).expect("text");
        write(
            &server,
            &key(4),
            stored
                .replace(r#""number":4,"#, r#""number":4, "#)
                .as_bytes(),
        )
        .await;
        assert_ne!(faults(&fresh).await, 0, "{to}");
    }
}

async fn deed_of(server: &TestProvider) {
    add_event(server).await;
}

/// Whichever note of the newest event is gone or turned back: a server that starts then says so.
#[tokio::test]
async fn a_note_of_the_newest_event_that_is_gone_or_turned_back_is_told() {
    for events in [3, 100, 400] {
        for marked in [true, false] {
            let server = with_events(events).await;
            if marked {
                server
                    .provider
                    .audit()
                    .add_late_events()
                    .await
                    .expect("marked");
            }
            server.store.remove("latest-event").await.expect("removed");
            let fresh = server.twin().await;
            let report = report(&fresh).await;
            assert_eq!(
                (report.events, report.last),
                (events, Some(events)),
                "marked {marked}"
            );
            assert!(
                report
                    .faults
                    .iter()
                    .any(|fault| fault.contains("record of the newest event")),
                "{:?}",
                report.faults
            );
            // It goes on from where the audit log ends, and is whole again.
            add_event(&fresh).await;
            assert_eq!(fresh.audit_log().await.len() as u64, events + 1);
            assert_eq!(faults(&fresh).await, 0);
        }
    }
    let server = with_events(10).await;
    server
        .provider
        .audit()
        .add_late_events()
        .await
        .expect("marked");
    let note = record(&server, "latest-event").await;
    let earlier: AuditEntry =
        serde_json::from_slice(&record(&server, &key(6)).await).expect("an event");
    let turned_back = serde_json::json!({"number": 6, "link": {"hash": earlier.hash, "expires_at": earlier.expires_at.seconds()}});
    write(&server, "latest-event", turned_back.to_string().as_bytes()).await;
    assert_ne!(
        faults(&server.twin().await).await,
        0,
        "it names an event that others follow"
    );
    for number in 7..=10 {
        server.store.remove(&key(number)).await.expect("removed");
    }
    for server in [&server, &server.twin().await] {
        let faults = report(server).await.faults;
        assert!(
            faults.iter().any(|fault| fault.contains("event 10")),
            "the end is cut off: {faults:?}"
        );
    }
    write(&server, "latest-event", &note).await;
    assert_ne!(faults(&server.twin().await).await, 0);
}

/// More at once than wait while the store fails, by a user who is not limited.
#[tokio::test(flavor = "multi_thread")]
async fn no_flood_of_events_pushes_another_one_out() {
    let server = with_events(1).await;
    let outcomes = race(1500, |_| {
        let server = server.clone();
        async move { deed_on_its_own(&server.provider).await }
    })
    .await;
    assert_eq!(server.audit_log().await.len(), outcomes.len() + 1);
    assert_eq!(
        (faults(&server).await, server.provider.audit().late_events()),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_add_at_once_lose_and_double_nothing() {
    let server = with_events(1).await;
    let twin = server.twin().await;
    race(128, |number| {
        let provider = if number % 2 == 0 {
            &server.provider
        } else {
            &twin.provider
        }
        .clone();
        async move { deed_on_its_own(&provider).await }
    })
    .await;
    let in_order = AuditReport {
        events: 129,
        first: Some(1),
        last: Some(129),
        faults: Vec::new(),
    };
    assert_eq!(report(&server).await, in_order);
    let mut ids: Vec<_> = server
        .audit_log()
        .await
        .iter()
        .map(|entry| entry.id.to_string())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 129);
}

/// What comes after an event that is forgotten may be forgotten too, and leaves a free place in the
/// middle of the chain.
#[tokio::test]
async fn a_server_that_slept_follows_the_newest_event() {
    let server = with_events(2).await;
    let sleeper = server.twin().await;
    add_event(&sleeper).await;
    add_event(&server).await;
    add_event(&server).await;
    server.pass(server.provider.settings().lifetimes.audit);
    for number in 1..=5 {
        server
            .store
            .remove(&key(number))
            .await
            .expect("removed, as the store does in time");
    }
    add_event(&server).await;
    add_event(&sleeper).await;
    assert_eq!(
        report(&server).await,
        AuditReport {
            events: 2,
            first: Some(6),
            last: Some(7),
            faults: Vec::new()
        }
    );
}

/// No request waits until the event of another is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn when_all_deeds_are_done_all_are_noted() {
    let server = with_events(1).await;
    for round in 1..=200 {
        race(4, |_| {
            let provider = server.provider.clone();
            async move {
                provider
                    .terminal()
                    .accounts()
                    .reset_account(ADA)
                    .await
                    .map(drop)
                    .expect("a link");
            }
        })
        .await;
        let events = server.audit_log().await.len();
        assert_eq!(events, 1 + 4 * round);
    }
}

/// Whichever step the store fails at, and however, once or for a while, whether or not another
/// server goes on: when it works again, the next operation also writes what is missing, in order and
/// once.
#[tokio::test]
async fn a_store_that_fails_loses_and_doubles_nothing() {
    for (fault, only_once) in [
        (Fault::NotDone, true),
        (Fault::NotDone, false),
        (Fault::AnswerLost, true),
        (Fault::AnswerLost, false),
    ] {
        for (from_the_start, another_goes_on) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let mut step = 0;
            while fails_at(step, only_once, fault, from_the_start, another_goes_on).await {
                step += 1;
            }
            assert!(step > 3, "every step was tried");
        }
    }
}

/// Whether there was such a step.
async fn fails_at(
    step: usize,
    only_once: bool,
    fault: Fault,
    from_the_start: bool,
    another_goes_on: bool,
) -> bool {
    let (store, plan) = FaultPlan::store_of_the_audit_log().await;
    let first = TestProvider::over(store).await;
    first
        .provider
        .terminal()
        .accounts()
        .add_account(ADA, None)
        .await
        .expect("added");
    let server = if from_the_start {
        first.twin().await
    } else {
        first
    };
    let twin = server.twin().await;
    plan.fail(step..if only_once { step + 1 } else { usize::MAX }, fault);
    server
        .provider
        .terminal()
        .accounts()
        .invite(BOB, Some(Role::User))
        .await
        .expect("an operation that the log does not slow");
    server
        .provider
        .terminal()
        .accounts()
        .set_role(BOB, Role::Administrator)
        .await
        .expect("another");
    let failed = plan.mend();
    if another_goes_on {
        add_event(&twin).await;
    }
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(BOB)
        .await
        .expect("the next");
    let case = format!(
        "step {step}, {fault:?}, once {only_once}, from the start {from_the_start}, another {another_goes_on}"
    );
    let log = server.audit_log().await;
    let subject = log.last().and_then(|entry| entry.event.subject.as_ref());
    let account = subject.expect("an account").account;
    let actions: Vec<_> = log.into_iter().map(|entry| entry.event.action).collect();
    let mut own = actions.clone();
    own.retain(|action| *action != AuditAction::ResetLinkMade);
    assert_eq!(
        own,
        [
            AuditAction::AccountAdded,
            AuditAction::AccountAdded,
            AuditAction::RoleChanged,
            AuditAction::AccountDisabled
        ],
        "{case}"
    );
    server.provider.finish_background_tasks().await;
    let activity = server.store.get(&format!("activity:{account}")).await;
    let activity = activity.expect("the store answers").expect("an activity");
    let activity: Vec<serde_json::Value> = serde_json::from_slice(&activity).expect("events");
    let noted: Vec<_> = activity.iter().rev().map(|event| &event["deed"]).collect();
    assert_eq!(
        noted,
        ["account_added", "role_changed", "account_disabled"],
        "{case}"
    );
    assert_eq!(
        actions.len() - own.len(),
        usize::from(another_goes_on),
        "{case}"
    );
    for server in [&server, &twin] {
        assert_eq!(report(server).await.faults, Vec::<String>::new(), "{case}");
    }
    failed
}
