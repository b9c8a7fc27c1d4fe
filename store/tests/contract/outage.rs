//! Redis that stops, comes back, or is configured so that it would lose data.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use store::{Error, Result, Store, StoreLocation, Ttl};
use testkit::RedisServer;

use crate::{MINUTE, open, until};

/// The maximum for "a few seconds", on a slow machine.
const SOON: Duration = Duration::from_secs(8);

async fn fails_soon<T: std::fmt::Debug>(verb: impl Future<Output = Result<T>>) {
    let began = Instant::now();
    let fault = verb.await.expect_err("Redis is gone");
    assert!(matches!(fault, Error::Unavailable(_)), "{fault}");
    assert!(began.elapsed() < SOON, "only after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_killed_server_is_unavailable_until_it_is_back() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = open(&StoreLocation::Redis(server.url())).await;
    store
        .insert("before", b"v", Ttl::Forever)
        .await
        .expect("insert");
    assert_eq!(
        store
            .count("counter", Duration::from_mins(1))
            .await
            .expect("count"),
        1
    );

    server.kill();
    fails_soon(store.get("before")).await;
    fails_soon(store.insert("during", b"v", MINUTE)).await;
    fails_soon(store.take("before")).await;
    fails_soon(store.count("counter", Duration::from_mins(1))).await;
    fails_soon(store.set_range("l", None, 1)).await;
    fails_soon(store.ping()).await;
    fails_soon(store.durability_warnings()).await;

    server.restart();
    until("the connection", async || store.ping().await.is_ok()).await;
    assert_eq!(
        store.get("before").await.expect("get").as_deref(),
        Some(&b"v"[..])
    );
    // The new process does not know the scripts yet.
    assert_eq!(
        store
            .count("counter", Duration::from_mins(1))
            .await
            .expect("count"),
        2
    );
    assert_eq!(store.get("during").await.expect("get"), None);
}

/// The lost connection is detected at once, so that the next write does not fail.
#[tokio::test]
async fn a_restart_while_idle_causes_no_error() {
    let mut server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    store.ping().await.expect("ping");
    server.stop();
    server.restart();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(store.insert("k", b"v", MINUTE).await.expect("insert"));
}

/// The automatic attempts to reconnect have ended by then.
#[tokio::test]
async fn the_first_write_after_a_long_outage_succeeds() {
    let mut server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    for verb in [0, 1] {
        server.kill();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        server.restart();
        match verb {
            0 => assert!(store.insert("k", b"v", MINUTE).await.expect("insert")),
            _ => assert_eq!(
                store
                    .count("c", Duration::from_mins(1))
                    .await
                    .expect("count"),
                1
            ),
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_soon() {
    let server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    store
        .count("counter", Duration::from_mins(1))
        .await
        .expect("count");
    assert_eq!(server.command("CLIENT PAUSE 4000 ALL"), "+OK");
    fails_soon(store.get("k")).await;
    until("the end of the pause", async || store.ping().await.is_ok()).await;
    assert_eq!(
        store
            .count("counter", Duration::from_mins(1))
            .await
            .expect("count"),
        2
    );
}

/// A count whose answer timed out is carried out once at most. The connection is given up, so that the
/// server may never read it.
#[tokio::test]
async fn a_write_without_an_answer_is_not_repeated() {
    let server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    // The server learns the script, so that one round trip is enough for the next count.
    store
        .count("other", Duration::from_mins(1))
        .await
        .expect("count");
    assert_eq!(server.command("CLIENT PAUSE 3000 ALL"), "+OK");
    fails_soon(store.count("counter", Duration::from_mins(1))).await;
    until("the end of the pause", async || store.ping().await.is_ok()).await;
    let count = store.get("counter").await.expect("get");
    assert!(matches!(count.as_deref(), None | Some(b"1")), "{count:?}");
}

#[tokio::test]
async fn no_server_at_the_start_is_an_error() {
    let mut server = RedisServer::start();
    server.kill();
    fails_soon(Store::open(&StoreLocation::Redis(server.url()))).await;
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_repeat_it() {
    let server = RedisServer::start_with(&["--requirepass", "right"]);
    let there = server.url().replace("redis://", "redis://:hush@");
    let fault = Store::open(&StoreLocation::Redis(there))
        .await
        .expect_err("a wrong password");
    assert!(
        matches!(fault, Error::Unavailable(_)) && !fault.to_string().contains("hush"),
        "{fault}"
    );
    let there = server.url().replace("redis://", "redis://:right@");
    open(&StoreLocation::Redis(there))
        .await
        .ping()
        .await
        .expect("the right password");
}

/// A server without TLS is refused.
#[tokio::test]
async fn rediss_does_not_fall_back_to_plain_text() {
    let server = RedisServer::start();
    let there = server.url().replace("redis://", "rediss://");
    fails_soon(Store::open(&StoreLocation::Redis(there))).await;
}

#[tokio::test]
async fn each_operation_uses_one_prefixed_key() {
    let server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    store.insert("a", b"1", Ttl::Forever).await.expect("insert");
    store
        .count("b", Duration::from_mins(1))
        .await
        .expect("count");
    store.set_add("c", "member").await.expect("set_add");
    assert_eq!(server.command("DBSIZE"), ":3");
    for key in [
        "vestibule:record:a",
        "vestibule:record:b",
        "vestibule:list:c",
    ] {
        assert_eq!(server.command(&format!("EXISTS {key}")), ":1", "{key}");
    }
}

#[tokio::test]
async fn unsafe_settings_are_reported() {
    let server = RedisServer::start();
    let store = open(&StoreLocation::Redis(server.url())).await;
    assert_eq!(
        store.durability_warnings().await.expect("warnings"),
        [""; 0]
    );

    for (setting, words) in [
        ("maxmemory 100mb", None),
        ("maxmemory-policy allkeys-lru", Some("allkeys-lru")),
        ("appendfsync no", Some("appendfsync no")),
    ] {
        assert_eq!(server.command(&format!("CONFIG SET {setting}")), "+OK");
        let warnings = store.durability_warnings().await.expect("warnings");
        assert!(
            words.is_none_or(|words| warnings.iter().any(|warning| warning.contains(words))),
            "{setting}: {warnings:?}"
        );
    }
    assert_eq!(
        store.durability_warnings().await.expect("warnings").len(),
        2
    );
}

#[tokio::test]
async fn a_server_without_persistence_is_reported_prominently() {
    let server = RedisServer::start_with(&["--appendonly", "no", "--save", ""]);
    let store = open(&StoreLocation::Redis(server.url())).await;
    let warnings = store.durability_warnings().await.expect("warnings");
    assert!(
        warnings.len() == 1 && warnings[0].contains("ALL DATA IS LOST"),
        "{warnings:?}"
    );

    let server = RedisServer::start_with(&["--appendonly", "no"]);
    let store = open(&StoreLocation::Redis(server.url())).await;
    let warnings = store.durability_warnings().await.expect("warnings");
    assert!(
        warnings.len() == 1 && warnings[0].contains("snapshots"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_user_without_config_get_gets_a_warning() {
    let server = RedisServer::start();
    server.command("ACL SETUSER plain on >word ~vestibule:* +@all -config");
    let there = server.url().replace("redis://", "redis://plain:word@");
    let store = open(&StoreLocation::Redis(there)).await;
    assert!(
        store
            .insert("k", b"v", MINUTE)
            .await
            .expect("these rights are enough")
    );
    let warnings = store.durability_warnings().await.expect("warnings");
    assert!(
        warnings.len() == 1 && warnings[0].contains("could not be checked"),
        "{warnings:?}"
    );
}

/// Environment variable with the file in which the child process writes the URL of its server.
const PORT_FILE: &str = "STORE_TEST_PORT_FILE";

/// Not a test: it starts a server and waits to be killed.
#[test]
#[ignore = "the child process of another test"]
fn server_child() {
    if let Ok(file) = std::env::var(PORT_FILE) {
        let server = RedisServer::start();
        std::fs::write(file, server.url()).expect("a file for the port");
        std::thread::sleep(Duration::from_mins(1));
    }
}

#[tokio::test]
async fn the_server_of_a_killed_test_ends_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("port");
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "outage::server_child", "--ignored"])
        .env(PORT_FILE, &file)
        .stdout(Stdio::null())
        .spawn()
        .expect("the child starts");
    let url = async || std::fs::read_to_string(&file).unwrap_or_default();
    until("the server", async || !url().await.is_empty()).await;
    let address = url().await.replace("redis://", "");
    std::net::TcpStream::connect(&address).expect("the server runs");
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    until("its end", async || {
        std::net::TcpStream::connect(&address).is_err()
    })
    .await;
}
