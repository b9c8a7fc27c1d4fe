//! Servers of two versions over one store, and records that nobody can read.

use std::time::Duration;

use provider::{AuditAction, Role};
use serde_json::{Value, json};
use store::{Keep, Location, Store, testing::RedisServer};

use crate::{
    client::{Client, ON_THE_WEB},
    house::{ADA, BOB, House, PASSWORD},
};

/// A house on each engine, and what lives as long.
async fn houses() -> [(House, Option<RedisServer>); 2] {
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let store = Store::open(&Location::Redis(redis.url()))
        .await
        .expect("a store");
    [
        (House::new().await, None),
        (House::over(store).await, Some(redis)),
    ]
}

async fn read(house: &House, key: &str) -> Value {
    let bytes = house
        .store
        .get(key)
        .await
        .expect("the store answers")
        .unwrap_or_else(|| panic!("no {key}"));
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn write(house: &House, key: &str, bytes: &[u8]) {
    house.store.remove(key).await.expect("removed");
    assert!(
        house
            .store
            .insert(key, bytes, Keep::For(Duration::from_hours(24 * 300)))
            .await
            .expect("written")
    );
}

/// Changes a record as a newer version might have written it.
async fn renew(house: &House, key: &str, change: impl FnOnce(&mut Value)) {
    let mut value = read(house, key).await;
    change(&mut value);
    write(house, key, value.to_string().as_bytes()).await;
}

async fn names(house: &House, list: &str) -> Vec<String> {
    house
        .store
        .members(list, None, 100)
        .await
        .expect("the store answers")
}

#[tokio::test]
async fn what_a_newer_version_adds_survives_the_writes_of_this_one() {
    for (house, _redis) in houses().await {
        let ada = house.ada().await;
        let account = house.person(&ada).await.expect("signed in").account;
        let client = Client::added(&house, "Claude", ON_THE_WEB).await;
        let tokens = client.connects(&house, &ada).await;
        let grant = names(&house, &format!("grants:{account}")).await.remove(0);
        let (account, grant) = (
            format!("account:{account}"),
            format!("grant:{account}:{grant}"),
        );
        let activity = account.replace("account:", "activity:");
        renew(&house, &account, |value| {
            value["phone"] = json!({"number": "+1"});
        })
        .await;
        renew(&house, &grant, |value| {
            value["bound_to"] = json!("key");
            value["terms"]["purpose"] = json!(["a"]);
            value["state"]["refresh"]["proof"] = json!(7);
        })
        .await;
        renew(&house, &activity, |value| {
            value[0]["risk"] = json!(0.5);
            value[1]["deed"] = json!("a_deed_of_tomorrow");
        })
        .await;
        house.sign_in(ADA, PASSWORD).await;
        client
            .refreshes(&house, &tokens.refresh)
            .await
            .expect("tokens");
        let stored = read(&house, &account).await;
        assert_eq!(stored["phone"]["number"], "+1");
        let stored = read(&house, &grant).await;
        assert_eq!(
            (&stored["bound_to"], &stored["terms"]["purpose"][0]),
            (&json!("key"), &json!("a"))
        );
        assert_eq!(stored["state"]["refresh"]["proof"], json!(7), "{stored}");
        let stored = read(&house, &activity).await;
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
        let seen = house
            .provider
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
    for (house, _redis) in houses().await {
        let ada = house.ada().await;
        let id = house.person(&ada).await.expect("signed in").account;
        house.bob().await;
        let client = Client::added(&house, "Claude", ON_THE_WEB).await;
        client.connects(&house, &ada).await;
        let bob = house.provider.terminal().accounts().await.expect("a list");
        let bob = bob
            .iter()
            .find(|account| account.email == BOB)
            .expect("he is listed")
            .id;
        for junk in [&b"junk"[..], br#"{"state":{"state":"paused"}}"#] {
            write(&house, &format!("account:{bob}"), junk).await;
            write(&house, &format!("client:{}", client.id), junk).await;
            for (list, record) in [
                ("sessions", "session:"),
                ("grants", "grant:ID:"),
                ("consents", "consent:ID:"),
            ] {
                let own = format!("{list}:{id}");
                house
                    .store
                    .enlist(&own, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
                    .await
                    .expect("listed");
                let name = if list == "consents" {
                    &"a".repeat(43)
                } else {
                    &"a".repeat(51)
                };
                let key = format!("{}{name}", record.replace("ID", &id.to_string()));
                write(&house, &key, junk).await;
            }
            let accounts = house.provider.terminal().accounts().await.expect("a list");
            assert_eq!((accounts.len(), accounts.unreadable), (1, 1));
            let clients = house.provider.terminal().clients().await.expect("a list");
            assert_eq!((clients.len(), clients.unreadable), (0, 1));
            let sessions = house
                .provider
                .sessions(&ada)
                .await
                .expect("the store answers")
                .expect("signed in");
            assert_eq!((sessions.len(), sessions.unreadable), (1, 1));
            let connections = house
                .provider
                .connections(&ada)
                .await
                .expect("the store answers")
                .expect("signed in");
            assert_eq!((connections.standing.len(), connections.unreadable), (1, 2));
            write(&house, &format!("activity:{id}"), b"junk").await;
            assert!(
                house
                    .provider
                    .activity(&ada)
                    .await
                    .expect("the store answers")
                    .is_some()
            );
        }
        // A browser whose own session cannot be read is signed out, and may sign in again.
        house.provider.disconnect_all(&ada).await.expect("ended");
        assert_eq!(
            house
                .provider
                .connections(&ada)
                .await
                .expect("answers")
                .expect("signed in")
                .standing
                .len(),
            0
        );
    }
}

#[tokio::test]
async fn an_account_is_stopped_whatever_else_its_record_says() {
    for (house, _redis) in houses().await {
        house.add(ADA).await;
        let bob = house.bob().await;
        let id = house.person(&bob).await.expect("signed in").account;
        let client = Client::added(&house, "Claude", ON_THE_WEB).await;
        let refresh = client.connects(&house, &bob).await.refresh;
        let grant = format!(
            "grant:{id}:{}",
            names(&house, &format!("grants:{id}")).await[0]
        );
        renew(&house, &format!("account:{id}"), |value| {
            value["created_at"] = json!("yesterday");
        })
        .await;
        renew(&house, &grant, |value| {
            value["last_use"] = json!("yesterday");
        })
        .await;
        let before = house.audit_log().await.len();
        house
            .provider
            .terminal()
            .disable_account(BOB)
            .await
            .expect("disabled");
        let stored = read(&house, &format!("account:{id}")).await;
        assert_eq!(
            (&stored["disabled"], &stored["created_at"]),
            (&json!(true), &json!("yesterday"))
        );
        assert_eq!(read(&house, &grant).await["state"]["state"], "ended");
        assert!(client.refreshes(&house, &refresh).await.is_err());
        let events = house.audit_log().await;
        assert_eq!(
            (events.len(), events[before].event.action),
            (before + 1, AuditAction::AccountDisabled)
        );
        house
            .provider
            .terminal()
            .set_role(BOB, Role::Administrator)
            .await
            .expect("changed");
        house
            .provider
            .terminal()
            .enable_account(BOB)
            .await
            .expect("enabled");
        assert_eq!(
            read(&house, &format!("account:{id}")).await["disabled"],
            json!(false)
        );
        // One that is no record at all can be removed.
        write(&house, &format!("account:{id}"), b"junk").await;
        house
            .provider
            .terminal()
            .disable_account(BOB)
            .await
            .expect_err("nothing to change");
        house
            .provider
            .terminal()
            .remove_account(BOB)
            .await
            .expect("removed");
        assert_eq!(
            house
                .audit_log()
                .await
                .last()
                .map(|entry| entry.event.action),
            Some(AuditAction::AccountRemoved)
        );
        house.add(BOB).await;
    }
}
