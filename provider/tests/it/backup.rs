//! Backups of a store that is in use, and what a restored one is worth.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use oauth::Secret;
use provider::{
    AuditAction, EnrolError,
    backup::{Backup, Outstanding, Reader, RestoreError, Restored, Stored, Unfinished, restore},
};
use store::{Entry, Store, StoreLocation, Ttl};
use testkit::{
    Fault, FaultPlan, RedisServer,
    direct::{ADA, BOB, ON_THE_WEB, PASSWORD, TestClient, TestProvider},
};

/// An engine, and what must live as long as its store.
#[derive(Clone, Copy, Debug)]
enum Engine {
    Embedded,
    Redis,
}

impl Engine {
    async fn open(self) -> (Store, Option<RedisServer>) {
        let redis = matches!(self, Self::Redis).then(RedisServer::start);
        let location = redis.as_ref().map_or(StoreLocation::Memory, |redis| {
            StoreLocation::Redis(redis.url())
        });
        (Store::open(&location).await.expect("a store"), redis)
    }

    const fn other(self) -> Self {
        match self {
            Self::Embedded => Self::Redis,
            Self::Redis => Self::Embedded,
        }
    }
}

async fn whole(mut backup: Backup) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(line) = backup.next_line().await.expect("a line") {
        bytes.extend_from_slice(&line);
    }
    bytes
}

async fn backup(server: &TestProvider) -> Vec<u8> {
    whole(server.provider.backup("embedded").await.expect("begun")).await
}

async fn restored(
    store: &Store,
    bytes: &[u8],
    server: &TestProvider,
) -> Result<Restored, RestoreError> {
    restore(
        store,
        Reader::new(bytes),
        server.provider.now(),
        Outstanding::End,
        Unfinished::Refuse,
    )
    .await
}

/// What a store holds, by name; times are left out, since they pass, and how far a sorted list has
/// been built, which is in no backup.
async fn content(store: &Store) -> BTreeMap<String, Vec<u8>> {
    let mut content = BTreeMap::new();
    let mut export = store.export().await.expect("an export");
    while let Some(entry) = export.next().await {
        match entry.expect("an entry") {
            Entry::Record { key, .. } if key.starts_with("sorting:") => continue,
            Entry::Record { key, value, .. } => content.insert(key, value),
            Entry::Member { list, member } => {
                content.insert(format!("{list}\0{member}"), Vec::new())
            }
        };
    }
    content
}

/// An application that refreshes without end; it keeps all its tokens, oldest first.
fn refreshing(
    server: TestProvider,
    client: TestClient,
    first: String,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut tokens = vec![first];
        while !stop.load(Ordering::SeqCst) {
            let last = tokens.last().expect("one");
            let next = client
                .refreshes(&server, last)
                .await
                .expect("tokens")
                .refresh_token
                .expect("a refresh token");
            tokens.push(next);
        }
        tokens
    })
}

/// Of a history of tokens the one that a store holds as live.
async fn live(store: &Store, history: &[String]) -> String {
    let place = &history[0]["vrt_".len().."vrt_".len() + 44];
    let record = store
        .get(&format!("grant:{}:{}", &place[..22], &place[22..]))
        .await
        .expect("the store answers")
        .expect("a grant");
    let record = String::from_utf8(record).expect("text");
    let is_live = |token: &&String| {
        let digest = Secret::decode(&token[token.len() - 43..])
            .expect("a secret")
            .digest();
        record.contains(&format!("\"current\":\"{}\"", digest.as_str()))
    };
    history
        .iter()
        .find(is_live)
        .expect("one of its tokens")
        .clone()
}

async fn under_load_every_refresh_token_of_a_backup_works_once(engine: Engine) {
    const APPLICATIONS: usize = 12;
    let (store, _server) = engine.open().await;
    let server = TestProvider::over(store).await;
    let ada = server.ada().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = Vec::new();
    let mut clients = Vec::new();
    for n in 0..APPLICATIONS {
        let client = TestClient::added(&server, &format!("Client {n}"), ON_THE_WEB).await;
        let refresh = client.connects(&server, &ada).await.refresh;
        clients.push(client.id.clone());
        running.push(refreshing(server.clone(), client, refresh, stop.clone()));
    }
    // Enough for an export that takes its time.
    for n in 0..400 {
        server
            .store
            .insert(
                &format!("count:filler:{n}:1"),
                b"1",
                Ttl::For(Duration::from_hours(1)),
            )
            .await
            .expect("written");
    }
    let mut backups = Vec::new();
    for _ in 0..3 {
        backups.push(backup(&server).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut histories = Vec::new();
    for application in running {
        histories.push(application.await.expect("it refreshes to the end"));
    }
    assert!(
        histories.iter().all(|history| history.len() > 3),
        "there was a load"
    );

    for bytes in backups {
        let (store, _server) = engine.other().open().await;
        let summary = Reader::new(&bytes[..]).verify().expect("sound");
        let done = restored(&store, &bytes, &server).await.expect("restored");
        assert!(
            done.written + done.expired + done.ended == summary.entries,
            "{done:?} {summary:?}"
        );
        let again = server.over_another(store).await;
        for (id, history) in clients.iter().zip(&histories) {
            let client = TestClient::known(id, ON_THE_WEB);
            let token = live(&again.store, history).await;
            let next = client
                .refreshes(&again, &token)
                .await
                .expect("it works")
                .refresh_token
                .expect("a refresh token");
            client
                .refreshes(&again, &next)
                .await
                .expect("and its successor");
            again.pass(Duration::from_mins(1));
            assert!(client.refreshes(&again, &token).await.is_err(), "once");
        }
        let report = again
            .provider
            .terminal()
            .verify_audit()
            .await
            .expect("a report");
        assert_eq!(report.faults, [""; 0], "the log is whole");
        assert!(
            again
                .user(&again.sign_in(ADA, PASSWORD).await)
                .await
                .is_some()
        );
    }
}

/// Events come from several sides while the store is exported: the chain of the backup has no gap,
/// and goes on.
async fn the_trail_of_a_backup_has_no_gap_and_goes_on(engine: Engine) {
    let (store, _server) = engine.open().await;
    let server = TestProvider::over(store).await;
    server.add(ADA).await;
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let server = server.clone();
            let stop = stop.clone();
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    server
                        .provider
                        .terminal()
                        .accounts()
                        .reset_account(ADA)
                        .await
                        .expect("a link");
                }
            })
        })
        .collect();
    let mut backups = Vec::new();
    for _ in 0..5 {
        backups.push(backup(&server).await);
    }
    stop.store(true, Ordering::SeqCst);
    for task in busy {
        task.await.expect("busy to the end");
    }
    for bytes in backups {
        let (store, _server) = engine.other().open().await;
        restored(&store, &bytes, &server).await.expect("restored");
        let again = server.over_another(store).await;
        let before = again.audit_log().await.len();
        again
            .provider
            .terminal()
            .accounts()
            .reset_account(ADA)
            .await
            .expect("a link");
        let report = again
            .provider
            .terminal()
            .verify_audit()
            .await
            .expect("a report");
        assert_eq!(
            (report.faults, report.events),
            (Vec::new(), before as u64 + 1)
        );
    }
}

async fn a_store_moves_there_and_back_with_everything_and_the_time_that_is_left(engine: Engine) {
    let (store, _server) = engine.open().await;
    let server = TestProvider::over(store).await;
    let ada = server.ada().await;
    let client = TestClient::added(&server, "Notes", ON_THE_WEB).await;
    client.connects(&server, &ada).await;
    server.enrolment_token(BOB).await;
    server
        .store
        .insert("bytes", b"\xff\0", Ttl::Forever)
        .await
        .expect("written");
    server.provider.finish_background_tasks().await;
    let original = content(&server.store).await;
    let (there, _there) = engine.other().open().await;
    let (back, _back) = engine.open().await;
    let mut from = server.store.clone();
    for to in [&there, &back] {
        let bytes = whole(
            Backup::start(&from, "embedded", server.provider.now())
                .await
                .expect("begun"),
        )
        .await;
        restore(
            to,
            Reader::new(&bytes[..]),
            server.provider.now(),
            Outstanding::Keep,
            Unfinished::Refuse,
        )
        .await
        .expect("restored");
        from = to.clone();
    }
    assert_eq!(content(&back).await, original);
    let mut export = back.export().await.expect("an export");
    while let Some(entry) = export.next().await {
        if let Entry::Record {
            key,
            ttl: Ttl::For(left),
            ..
        } = entry.expect("an entry")
        {
            let original = kept(&server.store, &key)
                .await
                .expect("it expires there too");
            assert!(
                left + Duration::from_secs(10) > original
                    && left < original + Duration::from_secs(10),
                "{key}: {left:?}"
            );
        }
    }
}

async fn kept(store: &Store, wanted: &str) -> Option<Duration> {
    let mut export = store.export().await.expect("an export");
    while let Some(entry) = export.next().await {
        match entry.expect("an entry") {
            Entry::Record {
                key,
                ttl: Ttl::For(left),
                ..
            } if key == wanted => return Some(left),
            _ => {}
        }
    }
    None
}

async fn what_works_once_ends_with_a_restore_and_what_has_expired_stays_away(engine: Engine) {
    let (store, _server) = engine.open().await;
    let server = TestProvider::over(store).await;
    let ada = server.ada().await;
    let client = TestClient::added(&server, "Notes", ON_THE_WEB).await;
    client.waits(&server, &ada).await;
    let link = server.enrolment_token(BOB).await;
    let bytes = backup(&server).await;
    server.pass(Duration::from_hours(1));
    let (store, _server) = engine.other().open().await;
    let done = restored(&store, &bytes, &server).await.expect("restored");
    assert!(done.ended >= 2, "{done:?}");
    let again = server.over_another(store).await;
    assert_eq!(
        again.provider.enrolment().invitation(&link).await,
        Err(EnrolError::LinkGone)
    );
    assert!(again.user(&ada).await.is_some(), "a session stays");

    // A month later the session has expired.
    again.pass(Duration::from_hours(24 * 31));
    let (store, _server) = engine.other().open().await;
    let done = restored(&store, &bytes, &again).await.expect("restored");
    assert!(done.expired >= 1, "{done:?}");
    assert!(
        content(&store)
            .await
            .keys()
            .all(|key| !key.starts_with("session:"))
    );
}

async fn a_store_that_holds_something_is_left_alone(engine: Engine) {
    let (store, _server) = engine.open().await;
    let server = TestProvider::over(store).await;
    server.add(ADA).await;
    let bytes = backup(&server).await;
    let before = content(&server.store).await;
    assert!(matches!(
        restored(&server.store, &bytes, &server).await,
        Err(RestoreError::NotEmpty)
    ));
    assert_eq!(content(&server.store).await, before);
    let (store, _server) = engine.other().open().await;
    store.set_add("a list", "alone").await.expect("listed");
    assert!(
        matches!(
            restored(&store, &bytes, &server).await,
            Err(RestoreError::NotEmpty)
        ),
        "a list is something"
    );
}

async fn a_broken_backup_leaves_the_store_empty(engine: Engine) {
    let (store, _server) = engine.open().await;
    let server = TestProvider::over(store).await;
    server.add(ADA).await;
    let bytes = backup(&server).await;
    let (store, _server) = engine.other().open().await;
    let middle = bytes.len() / 2;
    let mut damaged = bytes.clone();
    damaged[middle] ^= 1;
    for broken in [
        &bytes[..middle],
        &bytes[..bytes.len() - 1],
        &damaged,
        b"something else\n",
    ] {
        assert!(matches!(
            restored(&store, broken, &server).await,
            Err(RestoreError::Backup(_))
        ));
        assert!(content(&store).await.is_empty());
    }
    restored(&store, &bytes, &server)
        .await
        .expect("restored after all");
}

/// Makes of each case, a function of an engine, one test for each engine.
macro_rules! on_both_engines {
    ($($case:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                super::$case(super::Engine::Embedded).await;
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                super::$case(super::Engine::Redis).await;
            })*
        }
    };
}

on_both_engines!(
    under_load_every_refresh_token_of_a_backup_works_once,
    the_trail_of_a_backup_has_no_gap_and_goes_on,
    a_store_moves_there_and_back_with_everything_and_the_time_that_is_left,
    what_works_once_ends_with_a_restore_and_what_has_expired_stays_away,
    a_store_that_holds_something_is_left_alone,
    a_broken_backup_leaves_the_store_empty,
);

/// Whichever step of a restore fails, no server starts on half a store, and the restore can be
/// repeated.
#[tokio::test]
async fn a_restore_that_failed_can_be_repeated() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let bytes = backup(&server).await;
    let expected = content(&server.store).await;
    for fault in [Fault::NotDone, Fault::AnswerLost] {
        for step in 0.. {
            let (store, plan) = FaultPlan::store().await;
            plan.fail(step..step + 3, fault);
            let outcome = restored(&store, &bytes, &server).await;
            let failed = plan.mend();
            assert!(failed || outcome.is_ok(), "{fault:?} {step}: {outcome:?}");
            let left = content(&store).await;
            if left == expected {
                if failed {
                    // Only the last answers were lost.
                    continue;
                }
                break;
            }
            if outcome.is_err() && !left.is_empty() {
                assert!(
                    server.opens_over(store.clone()).await.is_err(),
                    "{fault:?} {step}: half a store"
                );
                assert!(
                    Backup::start(&store, "embedded", server.provider.now())
                        .await
                        .is_err(),
                    "nor is it backed up"
                );
                assert!(matches!(
                    restored(&store, &bytes, &server).await,
                    Err(RestoreError::Unfinished | RestoreError::NotEmpty)
                ));
            }
            if outcome.is_err() {
                let repeated = restore(
                    &store,
                    Reader::new(&bytes[..]),
                    server.provider.now(),
                    Outstanding::End,
                    Unfinished::Discard,
                )
                .await;
                repeated.unwrap_or_else(|error| panic!("{fault:?} {step}: {error:?}"));
            }
            assert_eq!(content(&store).await, expected, "{fault:?} {step}");
        }
    }
}

/// A state that was read twice, as Redis may give it: the later one is the newer.
#[tokio::test]
async fn of_a_record_that_comes_twice_the_later_state_counts() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let bytes = backup(&server).await;
    let text = String::from_utf8(bytes).expect("text");
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.pop();
    let header = lines.remove(0);
    let twice = [
        r#"{"record":"odd","value":"older"}"#,
        r#"{"record":"odd","value":"newer"}"#,
    ]
    .map(|line| format!("{line}\n"));
    for between in [0, 600] {
        let filler: Vec<_> = (0..between)
            .map(|n| format!("{{\"record\":\"count:x:{n}:0\",\"value\":\"1\"}}\n"))
            .collect();
        let body = [
            header,
            &lines.concat(),
            &twice[0],
            &filler.concat(),
            &twice[1],
        ]
        .concat();
        let entries = lines.len() + 2 + between;
        let backup = format!(
            "{body}{{\"entries\":{entries},\"sha256\":\"{}\"}}\n",
            sha256(&body)
        );
        let store = Store::open(&StoreLocation::Memory).await.expect("a store");
        restored(&store, backup.as_bytes(), &server)
            .await
            .expect("restored");
        assert_eq!(
            store.get("odd").await.expect("read").as_deref(),
            Some(&b"newer"[..]),
            "{between} between"
        );
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    sha2::Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[tokio::test]
async fn a_backup_holds_no_secret_in_plain_text_and_not_the_sealing_key() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let client = TestClient::added(&server, "Notes", ON_THE_WEB).await;
    let tokens = client.connects(&server, &ada).await;
    let secret = server
        .provider
        .terminal()
        .clients()
        .add_client("Batch", &[ON_THE_WEB.to_owned()], true)
        .await
        .expect("added")
        .client_secret;
    let link = server.enrolment_token(BOB).await;
    let bytes = backup(&server).await;
    let text = String::from_utf8(bytes.clone()).expect("text");
    for secret in [
        &tokens.refresh[..],
        &tokens.access,
        &secret.expect("one"),
        &link,
        PASSWORD,
        "k4.local.",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    let mut reader = Reader::new(&bytes[..]);
    let mut keys = Vec::new();
    while let Some(stored) = reader.next_entry().expect("sound") {
        if let Stored::Record { record, .. } = stored {
            keys.push(record);
        }
    }
    assert!(
        keys.iter().any(|key| key == "key-ring")
            && keys.iter().any(|key| key.starts_with("grant:"))
    );
}

#[tokio::test]
async fn a_restore_is_an_event() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let bytes = backup(&server).await;
    let store = Store::open(&StoreLocation::Memory).await.expect("a store");
    restored(&store, &bytes, &server).await.expect("restored");
    let again = server.over_another(store).await;
    again
        .provider
        .terminal()
        .note_restore(&Reader::new(&bytes[..]).verify().expect("sound"))
        .await;
    assert_eq!(
        again
            .audit_log()
            .await
            .last()
            .map(|entry| entry.event.action),
        Some(AuditAction::StoreRestored)
    );
}
