//! A Redis server that answers but cannot be used: another one is the primary, or its configuration
//! is unsuitable.

use std::time::{Duration, Instant};

use store::{CasResult, Error, Store, StoreLocation, Ttl};
use testkit::{Redirect, RedisServer};

use crate::{open, until};

const MINUTE: Duration = Duration::from_mins(1);
/// The maximum time from the promotion to the first accepted write.
const TARGET: Duration = Duration::from_secs(5);

/// Makes the first server a replica of the second one, and the second one the primary. Existing
/// connections stay open.
fn fail_over(old: &RedisServer, new: &RedisServer) {
    assert_eq!(new.command("REPLICAOF NO ONE"), "+OK");
    assert_eq!(
        old.command(&format!("REPLICAOF 127.0.0.1 {}", new.port())),
        "+OK"
    );
}

/// A primary, and a replica with all its data.
async fn pair() -> (RedisServer, RedisServer) {
    let primary = RedisServer::start();
    let replica = RedisServer::start();
    assert_eq!(
        replica.command(&format!("REPLICAOF 127.0.0.1 {}", primary.port())),
        "+OK"
    );
    until("the replica", async || {
        replica
            .command("INFO replication")
            .contains("master_link_status:up")
    })
    .await;
    (primary, replica)
}

#[tokio::test]
async fn after_a_failover_writes_go_to_the_new_primary() {
    let (old, new) = pair().await;
    let address = Redirect::to(old.port());
    let store = open(&StoreLocation::Redis(address.url())).await;
    assert!(store.insert("k", b"1", Ttl::Forever).await.expect("insert"));
    assert_eq!(store.count("c", MINUTE).await.expect("count"), 1);
    until("replication", async || new.command("DBSIZE") == ":2").await;
    // The old primary refuses a command and a script, while the address still leads to it.
    fail_over(&old, &new);
    for refused in [
        store.insert("l", b"1", Ttl::Forever).await.err(),
        store.count("c", MINUTE).await.err(),
    ] {
        let fault = refused.expect_err_text();
        assert!(
            fault.contains("replica") && fault.contains("address"),
            "{fault}"
        );
    }
    store.probe().await.expect_err("it does not accept writes");

    address.lead_to(new.port());
    let promoted = Instant::now();
    // None of these calls is repeated by the caller.
    assert!(store.insert("l", b"1", Ttl::Forever).await.expect("insert"));
    assert!(
        promoted.elapsed() < TARGET,
        "only after {:?}",
        promoted.elapsed()
    );
    assert_eq!(store.count("c", MINUTE).await.expect("count"), 2);
    assert_eq!(
        store
            .compare_and_swap("k", b"1", b"2", Ttl::Forever)
            .await
            .expect("swap"),
        CasResult::Done
    );
    store.probe().await.expect("it works");
}

#[tokio::test]
async fn a_script_alone_finds_the_new_primary_too() {
    let (old, new) = pair().await;
    let address = Redirect::to(old.port());
    let store = open(&StoreLocation::Redis(address.url())).await;
    assert_eq!(store.count("c", MINUTE).await.expect("count"), 1);
    until("replication", async || new.command("DBSIZE") == ":1").await;
    fail_over(&old, &new);
    address.lead_to(new.port());
    assert_eq!(store.count("c", MINUTE).await.expect("count"), 2);
}

#[tokio::test]
async fn concurrent_writes_make_one_new_connection() {
    let (old, new) = pair().await;
    let address = Redirect::to(old.port());
    let store = open(&StoreLocation::Redis(address.url())).await;
    assert_eq!(address.connections(), 1);
    fail_over(&old, &new);
    address.lead_to(new.port());
    let writes: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.insert(&n.to_string(), b"v", Ttl::Forever).await })
        })
        .collect();
    for write in writes {
        assert!(write.await.expect("a task").expect("insert"));
    }
    assert_eq!(address.connections(), 2);
}

/// A server that is demoted and promoted again at the same address.
#[tokio::test]
async fn a_primary_that_comes_back_is_used_again() {
    let (primary, other) = pair().await;
    let store = open(&StoreLocation::Redis(primary.url())).await;
    fail_over(&primary, &other);
    store
        .insert("k", b"v", Ttl::Forever)
        .await
        .expect_err("a replica");
    assert_eq!(primary.command("REPLICAOF NO ONE"), "+OK");
    assert!(store.insert("k", b"v", Ttl::Forever).await.expect("insert"));
}

#[tokio::test]
async fn a_primary_without_its_replicas_is_replaced() {
    let (old, new) = pair().await;
    let address = Redirect::to(old.port());
    let store = open(&StoreLocation::Redis(address.url())).await;
    assert_eq!(new.command("REPLICAOF NO ONE"), "+OK");
    assert_eq!(old.command("CONFIG SET min-replicas-to-write 1"), "+OK");
    until("the loss", async || {
        old.command("SET other 1").starts_with("-NOREPLICAS")
    })
    .await;
    address.lead_to(new.port());
    assert!(store.insert("k", b"v", Ttl::Forever).await.expect("insert"));
}

/// A store that answers PING; returns the error of a probe.
async fn probed(server: &RedisServer, url: &str) -> String {
    let store = Store::open(&StoreLocation::Redis(url.to_owned()))
        .await
        .expect("it accepts connections");
    store.ping().await.expect("it answers");
    let fault = store.probe().await.expect_err("it cannot be used");
    drop(server.command("PING"));
    fault.to_string()
}

#[tokio::test]
async fn a_probe_names_why_a_server_cannot_be_used() {
    let full = RedisServer::start();
    assert_eq!(full.command("CONFIG SET maxmemory 100kb"), "+OK");
    let replica = pair().await;
    let part = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    let whole = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    assert_eq!(whole.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    until("the cluster", async || {
        whole.command("CLUSTER INFO").contains("cluster_state:ok")
    })
    .await;
    let limited = RedisServer::start();
    for (user, rights) in [
        ("scripts", "-@scripting"),
        ("takes", "-getdel"),
        ("counts", "-pexpire"),
        ("lists", "-zrangebylex"),
    ] {
        assert_eq!(
            limited.command(&format!("ACL SETUSER {user} on >word ~* &* +@all {rights}")),
            "+OK"
        );
    }
    assert_eq!(
        limited.command("ACL SETUSER keys on >word ~other:* &* +@all"),
        "+OK"
    );
    let user = |name: &str| {
        limited
            .url()
            .replace("redis://", &format!("redis://{name}:word@"))
    };
    for (server, url, cure) in [
        (&full, full.url(), "maxmemory"),
        (&replica.1, replica.1.url(), "replica"),
        (&part, part.url(), "cluster-enabled no"),
        (&whole, whole.url(), "cluster-enabled no"),
        (&limited, user("scripts"), "+evalsha"),
        (&limited, user("takes"), "+getdel"),
        (&limited, user("counts"), "+pexpire"),
        (&limited, user("lists"), "+zrangebylex"),
        (&limited, user("keys"), "~vestibule:*"),
    ] {
        let fault = probed(server, &url).await;
        assert!(
            fault.contains(cure) && !fault.contains("word@"),
            "{url}: {fault}"
        );
    }
}

trait ErrorText {
    fn expect_err_text(self) -> String;
}

impl ErrorText for Option<Error> {
    fn expect_err_text(self) -> String {
        self.expect("it is refused").to_string()
    }
}
