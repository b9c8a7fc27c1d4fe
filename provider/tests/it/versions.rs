//! Servers of two versions over one store, and unreadable records.

use std::time::Duration;

use provider::{AuditAction, Role};
use serde_json::{Value, json};
use store::{Store, StoreLocation, Ttl};
use testkit::{
    RedisServer,
    direct::{ADA, BOB, ON_THE_WEB, PASSWORD, TestClient, TestProvider},
};

/// A server on each engine, and what lives as long.
async fn servers() -> [(TestProvider, Option<RedisServer>); 2] {
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let store = Store::open(&StoreLocation::Redis(redis.url()))
        .await
        .expect("a store");
    [
        (TestProvider::new().await, None),
        (TestProvider::over(store).await, Some(redis)),
    ]
}

async fn read(server: &TestProvider, key: &str) -> Value {
    let bytes = server
        .store
        .get(key)
        .await
        .expect("the store answers")
        .unwrap_or_else(|| panic!("no {key}"));
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn write(server: &TestProvider, key: &str, bytes: &[u8]) {
    server.store.remove(key).await.expect("removed");
    assert!(
        server
            .store
            .insert(key, bytes, Ttl::For(Duration::from_hours(24 * 300)))
            .await
            .expect("written")
    );
}

/// Changes a record as a newer version might have written it.
async fn renew(server: &TestProvider, key: &str, change: impl FnOnce(&mut Value)) {
    let mut value = read(server, key).await;
    change(&mut value);
    write(server, key, value.to_string().as_bytes()).await;
}

async fn names(server: &TestProvider, list: &str) -> Vec<String> {
    server
        .store
        .set_range(list, None, 100)
        .await
        .expect("the store answers")
}

#[tokio::test]
async fn what_a_newer_version_adds_survives_the_writes_of_this_one() {
    for (server, _redis) in servers().await {
        let ada = server.ada().await;
        let account = server.user(&ada).await.expect("signed in").account;
        let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
        let tokens = client.connects(&server, &ada).await;
        let grant = names(&server, &format!("grants:{account}")).await.remove(0);
        let (account, grant) = (
            format!("account:{account}"),
            format!("grant:{account}:{grant}"),
        );
        let activity = account.replace("account:", "activity:");
        renew(&server, &account, |value| {
            value["phone"] = json!({"number": "+1"});
        })
        .await;
        renew(&server, &grant, |value| {
            value["bound_to"] = json!("key");
            value["terms"]["purpose"] = json!(["a"]);
            value["state"]["refresh"]["proof"] = json!(7);
        })
        .await;
        renew(&server, &activity, |value| {
            value[0]["risk"] = json!(0.5);
            value[1]["deed"] = json!("a_deed_of_tomorrow");
        })
        .await;
        server.sign_in(ADA, PASSWORD).await;
        client
            .refreshes(&server, &tokens.refresh)
            .await
            .expect("tokens");
        let stored = read(&server, &account).await;
        assert_eq!(stored["phone"]["number"], "+1");
        let stored = read(&server, &grant).await;
        assert_eq!(
            (&stored["bound_to"], &stored["terms"]["purpose"][0]),
            (&json!("key"), &json!("a"))
        );
        assert_eq!(stored["state"]["refresh"]["proof"], json!(7), "{stored}");
        let stored = read(&server, &activity).await;
        let stored = stored.as_array().expect("a list");
        assert!(
            stored.iter().any(|event| event["risk"] == json!(0.5)),
            "{stored:?}"
        );
        assert!(
            stored
                .iter()
                .any(|event| event["deed"] == "a_deed_of_tomorrow"),
            "{stored:?}"
        );
        let seen = server
            .provider
            .sessions()
            .activity(&ada)
            .await
            .expect("the store answers")
            .expect("signed in");
        assert!(
            seen.iter()
                .any(|event| event.action.as_str() == "a_deed_of_tomorrow")
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over_and_counted() {
    for (server, _redis) in servers().await {
        let ada = server.ada().await;
        let id = server.user(&ada).await.expect("signed in").account;
        server.bob().await;
        let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
        client.connects(&server, &ada).await;
        let bob = server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list");
        let bob = bob
            .iter()
            .find(|account| account.email == BOB)
            .expect("he is listed")
            .id;
        for junk in [&b"junk"[..], br#"{"state":{"state":"paused"}}"#] {
            write(&server, &format!("account:{bob}"), junk).await;
            write(&server, &format!("client:{}", client.id), junk).await;
            for (list, record) in [
                ("sessions", "session:"),
                ("grants", "grant:ID:"),
                ("consents", "consent:ID:"),
            ] {
                let own = format!("{list}:{id}");
                server
                    .store
                    .set_add(&own, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
                    .await
                    .expect("listed");
                let name = if list == "consents" {
                    &"a".repeat(43)
                } else {
                    &"a".repeat(51)
                };
                let key = format!("{}{name}", record.replace("ID", &id.to_string()));
                write(&server, &key, junk).await;
            }
            let member = format!("{}0000000000{}", "a".repeat(43), "a".repeat(51));
            let by_connection = format!("grants-by-connection:{id}");
            let listed = server.store.set_add(&by_connection, &member).await;
            listed.expect("the store answers");
            let accounts = server
                .provider
                .terminal()
                .accounts()
                .list()
                .await
                .expect("a list");
            assert_eq!((accounts.len(), accounts.unreadable), (1, 1));
            let clients = server
                .provider
                .terminal()
                .clients()
                .list()
                .await
                .expect("a list");
            assert_eq!((clients.len(), clients.unreadable), (0, 1));
            let sessions = server
                .provider
                .sessions()
                .list(&ada)
                .await
                .expect("the store answers")
                .expect("signed in");
            assert_eq!((sessions.len(), sessions.unreadable), (1, 1));
            let connections = server
                .provider
                .connections()
                .page(&ada, None)
                .await
                .expect("the store answers")
                .expect("signed in");
            assert_eq!((connections.active.len(), connections.unreadable), (1, 2));
            write(&server, &format!("activity:{id}"), b"junk").await;
            assert!(
                server
                    .provider
                    .sessions()
                    .activity(&ada)
                    .await
                    .expect("the store answers")
                    .is_some()
            );
        }
        // A browser whose own session cannot be read is signed out, and may sign in again.
        server
            .provider
            .connections()
            .disconnect_all(&ada)
            .await
            .expect("ended");
        assert_eq!(
            server
                .provider
                .connections()
                .page(&ada, None)
                .await
                .expect("answers")
                .expect("signed in")
                .active
                .len(),
            0
        );
    }
}

#[tokio::test]
async fn an_account_is_stopped_whatever_else_its_record_says() {
    for (server, _redis) in servers().await {
        server.add(ADA).await;
        let bob = server.bob().await;
        let id = server.user(&bob).await.expect("signed in").account;
        let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
        let refresh = client.connects(&server, &bob).await.refresh;
        let grant = format!(
            "grant:{id}:{}",
            names(&server, &format!("grants:{id}")).await[0]
        );
        renew(&server, &format!("account:{id}"), |value| {
            value["created_at"] = json!("yesterday");
        })
        .await;
        renew(&server, &grant, |value| {
            value["last_use"] = json!("yesterday");
        })
        .await;
        let before = server.audit_log().await.len();
        server
            .provider
            .terminal()
            .accounts()
            .disable_account(BOB)
            .await
            .expect("disabled");
        let stored = read(&server, &format!("account:{id}")).await;
        assert_eq!(
            (&stored["disabled"], &stored["created_at"]),
            (&json!(true), &json!("yesterday"))
        );
        assert!(client.refreshes(&server, &refresh).await.is_err());
        server.provider.finish_background_tasks().await;
        assert_eq!(read(&server, &grant).await["state"]["state"], "ended");
        let events = server.audit_log().await;
        assert_eq!(
            (events.len(), events[before].event.action),
            (before + 1, AuditAction::AccountDisabled)
        );
        server
            .provider
            .terminal()
            .accounts()
            .set_role(BOB, Role::Administrator)
            .await
            .expect("changed");
        server
            .provider
            .terminal()
            .accounts()
            .enable_account(BOB)
            .await
            .expect("enabled");
        assert_eq!(
            read(&server, &format!("account:{id}")).await["disabled"],
            json!(false)
        );
        // One that is no record at all can be removed.
        write(&server, &format!("account:{id}"), b"junk").await;
        server
            .provider
            .terminal()
            .accounts()
            .disable_account(BOB)
            .await
            .expect_err("nothing to change");
        server
            .provider
            .terminal()
            .accounts()
            .remove_account(BOB)
            .await
            .expect("removed");
        assert_eq!(
            server
                .audit_log()
                .await
                .last()
                .map(|entry| entry.event.action),
            Some(AuditAction::AccountRemoved)
        );
        server.add(BOB).await;
    }
}
