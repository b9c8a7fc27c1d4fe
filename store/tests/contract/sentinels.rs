//! Redis with sentinels: failovers, and the settings of the connection.

use std::time::{Duration, Instant};

use store::{ConnectionPassword, RedisOptions, Store, StoreLocation, Ttl};
use testkit::{RedisSentinels, RedisServer};

use crate::{MINUTE, open, until};

/// The maximum time from a promotion to the first accepted write.
const TARGET: Duration = Duration::from_secs(5);
const PERSISTENT: [&str; 4] = ["--appendonly", "yes", "--save", ""];

async fn opened(servers: &RedisSentinels) -> Store {
    open(&StoreLocation::Redis(servers.url())).await
}

/// Waits until writes are accepted again, and checks that this was soon after the promotion.
async fn writes_again(store: &Store, promoted: Instant) {
    until("a write", async || {
        store.insert("after", b"v", Ttl::Forever).await.is_ok()
    })
    .await;
    let spent = promoted.elapsed();
    assert!(spent < TARGET, "only after {spent:?}");
    store.probe().await.expect("it works");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_that_is_asked_for_writes_go_to_the_new_primary() {
    let servers = RedisSentinels::start(3, 3, &PERSISTENT);
    let store = opened(&servers).await;
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    let old = servers.primary_port();
    servers.fail_over();
    servers.wait_for_another(old);
    writes_again(&store, Instant::now()).await;
    let value = store.get("k").await.expect("get");
    assert_eq!(value.as_deref(), Some(&b"1"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_of_the_primary_writes_go_to_the_new_one() {
    let mut servers = RedisSentinels::start(3, 3, &PERSISTENT);
    let store = opened(&servers).await;
    assert_eq!(
        store
            .count("c", Duration::from_mins(1))
            .await
            .expect("count"),
        1
    );
    let old = servers.primary_port();
    let index = servers.primary();
    servers.servers[index].kill();
    servers.wait_for_another(old);
    writes_again(&store, Instant::now()).await;
    // The former primary comes back, still believes that it is one, and is not used.
    servers.servers[index].restart();
    assert!(store.insert("later", b"v", MINUTE).await.expect("insert"));
    let primary = &servers.servers[servers.primary()];
    assert_eq!(primary.command("EXISTS vestibule:record:later"), ":1");
}

/// Its connections stay open, and nothing answers over them.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_hangs_is_left() {
    let servers = RedisSentinels::start(3, 3, &PERSISTENT);
    let store = opened(&servers).await;
    assert!(store.insert("k", b"1", MINUTE).await.expect("insert"));
    let old = servers.primary_port();
    let index = servers.primary();
    servers.servers[index].freeze();
    servers.wait_for_another(old);
    writes_again(&store, Instant::now()).await;
    servers.servers[index].thaw();
    assert!(store.insert("later", b"v", MINUTE).await.expect("insert"));
}

/// A former primary that the sentinels no longer name, and that still takes writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_former_primary_that_answers_is_left_too() {
    let servers = RedisSentinels::start(2, 1, &PERSISTENT);
    let store = opened(&servers).await;
    let other = RedisServer::start();
    let sentinel = &servers.sentinels[0];
    assert_eq!(sentinel.command("SENTINEL REMOVE vestibule"), "+OK");
    let monitor = format!("SENTINEL MONITOR vestibule 127.0.0.1 {} 1", other.port());
    assert_eq!(sentinel.command(&monitor), "+OK");
    until("the other one", async || {
        let _ = store.insert("k", b"v", MINUTE).await;
        other.command("EXISTS vestibule:record:k") == ":1"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sentinel_of_three_is_enough() {
    let mut servers = RedisSentinels::start(1, 3, &PERSISTENT);
    servers.sentinels[0].kill();
    servers.sentinels[1].freeze();
    let store = opened(&servers).await;
    assert!(store.insert("k", b"v", MINUTE).await.expect("insert"));
    servers.sentinels[1].thaw();
}

#[tokio::test]
async fn an_unknown_name_and_missing_sentinels_are_errors() {
    let mut servers = RedisSentinels::start(1, 1, &PERSISTENT);
    let wrong = servers.url().replace("/vestibule", "/another");
    let fault = Store::open(&StoreLocation::Redis(wrong)).await;
    let fault = fault.expect_err("an unknown name").to_string();
    assert!(fault.contains("\"another\""), "{fault}");
    servers.sentinels[0].kill();
    let began = Instant::now();
    let fault = Store::open(&StoreLocation::Redis(servers.url())).await;
    fault.expect_err("no sentinel");
    assert!(began.elapsed() < Duration::from_secs(8));
}

/// Servers and sentinels have different users. The password of the servers is in a file, which is
/// read again for a new connection.
#[tokio::test]
async fn servers_and_sentinels_have_their_own_passwords() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "first\n").expect("a file");
    let server = RedisServer::start();
    let rights = "~other:* resetchannels &* +@all";
    let user = |password: &str| format!("ACL SETUSER served on resetpass >{password} {rights}");
    assert_eq!(server.command(&user("first")), "+OK");
    let sentinel = RedisServer::start_sentinel(&format!(
        "sentinel monitor vestibule 127.0.0.1 {} 1\nrequirepass watched\n",
        server.port()
    ));
    let location = format!("redis+sentinel://127.0.0.1:{}/vestibule", sentinel.port());
    let location = StoreLocation::Redis(location);
    let options = RedisOptions {
        username: Some("served".to_owned()),
        password_file: Some(file.clone()),
        prefix: "other:".to_owned(),
        sentinel_password: Some(ConnectionPassword::new("watched")),
        ..RedisOptions::default()
    };
    let store = Store::open_with(&location, &options).await.expect("opened");
    store.probe().await.expect("it works");
    // Another password, and the connections are closed.
    assert_eq!(server.command(&user("second")), "+OK");
    std::fs::write(&file, "second").expect("a file");
    server.command("CLIENT KILL TYPE normal");
    until("the new password", async || store.ping().await.is_ok()).await;

    let without = RedisOptions {
        sentinel_password: None,
        ..options
    };
    let fault = Store::open_with(&location, &without).await;
    let fault = fault
        .expect_err("the sentinel wants a password")
        .to_string();
    assert!(fault.contains("sentinel_password"), "{fault}");
}

/// A replica cannot be the primary yet when the sentinels name it, and stale reads are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_the_sentinels_name_is_not_used() {
    let servers = RedisSentinels::start(2, 1, &PERSISTENT);
    let replica = &servers.servers[1];
    let sentinel = RedisServer::start_sentinel(&format!(
        "sentinel monitor vestibule 127.0.0.1 {} 9\n",
        servers.servers[0].port()
    ));
    // The sentinel that is asked reports what it was told.
    let url = format!("redis+sentinel://127.0.0.1:{}/vestibule", sentinel.port());
    let store = open(&StoreLocation::Redis(url)).await;
    assert!(store.insert("k", b"v", MINUTE).await.expect("insert"));
    let primary = &servers.servers[0];
    let follow = format!("REPLICAOF 127.0.0.1 {}", replica.port());
    assert_eq!(replica.command("REPLICAOF NO ONE"), "+OK");
    assert_eq!(primary.command(&follow), "+OK");
    primary.command("CLIENT KILL TYPE normal");
    let fault = store.get("k").await;
    let fault = fault.expect_err("no primary").to_string();
    assert!(fault.contains("not a primary"), "{fault}");
}
