//! Failover of Redis.

use std::time::Duration;

use axum::http::StatusCode;
use store::{Store, StoreLocation};
use testkit::{
    Redirect, RedisServer, native_metadata,
    routed::{ISSUER, McpClient, TestServer, register},
};
use tokio::time::sleep;

/// A server over two Redis servers, where the second is a replica of the first, and the address
/// leads to the first.
async fn server() -> (TestServer, RedisServer, RedisServer, Redirect) {
    let primary = RedisServer::start();
    let replica = RedisServer::start();
    assert_eq!(
        replica.command(&format!("REPLICAOF 127.0.0.1 {}", primary.port())),
        "+OK"
    );
    while !replica
        .command("INFO replication")
        .contains("master_link_status:up")
    {
        sleep(Duration::from_millis(20)).await;
    }
    let address = Redirect::to(primary.port());
    let store = Store::open(&StoreLocation::Redis(address.url()))
        .await
        .expect("a store");
    let server = TestServer::over(store, testkit::direct::settings(ISSUER)).await;
    server.add_alice().await;
    (server, primary, replica, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_everything_works_with_the_new_primary() {
    let (server, old, new, address) = server().await;
    let client = McpClient::native(&server).await;
    let mut browser = testkit::routed::Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    assert_eq!(server.get("/health/ready").await.status, StatusCode::OK);
    // Replication must be complete, as in a planned failover.
    assert_eq!(old.command("WAIT 1 5000"), ":1");
    assert_eq!(new.command("REPLICAOF NO ONE"), "+OK");
    assert_eq!(
        old.command(&format!("REPLICAOF 127.0.0.1 {}", new.port())),
        "+OK"
    );
    server.pass(1);
    // The server is reachable, but not usable.
    server
        .get("/health/ready")
        .await
        .refused(503, "temporarily_unavailable");
    register(&server, [192, 0, 2, 2].into(), native_metadata())
        .await
        .refused(503, "temporarily_unavailable");

    address.lead_to(new.port());
    server.pass(1);
    assert_eq!(
        register(&server, [192, 0, 2, 2].into(), native_metadata())
            .await
            .status,
        StatusCode::CREATED
    );
    client.refresh(&tokens.refresh).await.granted();
    client.exchange(&code).await.granted();
    assert_eq!(server.get("/health/ready").await.status, StatusCode::OK);
}

/// Redis stalls for longer than the server waits for an answer, during a write.
#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_not_treated_as_a_replay() {
    let redis = RedisServer::start();
    let store = Store::open(&StoreLocation::Redis(redis.url()))
        .await
        .expect("a store");
    let server = TestServer::over(store, testkit::direct::settings(ISSUER)).await;
    server.add_alice().await;
    let client = McpClient::native(&server).await;
    let mut browser = testkit::routed::Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    // After this many answers of the store, the next call is the write.
    let stall = || async {
        redis.freeze();
    };
    let thaw = async {
        sleep(Duration::from_secs(3)).await;
        redis.thaw();
    };
    let ((exchanged, reached), ()) =
        tokio::join!(server.between(1, client.exchange(&code), stall()), thaw);
    assert!(reached, "it writes after it has read");
    let tokens = testkit::routed::Tokens::read(&exchanged);
    let thaw = async {
        sleep(Duration::from_secs(3)).await;
        redis.thaw();
    };
    let ((refreshed, reached), ()) = tokio::join!(
        server.between(1, client.refresh(&tokens.refresh), stall()),
        thaw
    );
    assert!(reached, "it writes after it has read");
    let next = testkit::routed::Tokens::read(&refreshed);
    server.pass(3600);
    client.refresh(&next.refresh).await.granted();
    let words = browser.open("/account").await.words();
    assert!(
        !words.contains("was used twice") && !words.contains("one-time key"),
        "{words}"
    );
}
