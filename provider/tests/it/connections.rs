//! What a person has connected: listed to them, ended by them, and by nobody else.

use std::time::Duration;

use provider::{AccountError, Connection, Visitor};

use crate::{
    client::{Client, ON_THE_WEB, ON_THIS_COMPUTER},
    house::{ADA, House, PASSWORD},
};

/// A client that somebody has allowed.
struct Connected {
    client: Client,
    refresh_token: String,
}

impl Connected {
    /// Allows a new client, up to its first tokens.
    async fn new(house: &House, visitor: &Visitor, name: &str, redirect_uri: &str) -> Self {
        let client = Client::added(house, name, redirect_uri).await;
        let refresh_token = client.connects(house, visitor).await.refresh;
        Self {
            client,
            refresh_token,
        }
    }

    /// Whether its refresh token is still good.
    async fn goes_on(&self, house: &House) -> bool {
        self.client
            .refreshes(house, &self.refresh_token)
            .await
            .is_ok()
    }
}

async fn connections(house: &House, visitor: &Visitor) -> Vec<Connection> {
    house
        .provider
        .connections(visitor)
        .await
        .expect("the store answers")
        .expect("signed in")
        .standing
}

#[tokio::test]
async fn connections_are_listed_newest_first_and_ended_one_by_one() {
    let house = House::new().await;
    let ada = house.ada().await;
    assert_eq!(connections(&house, &ada).await, []);
    let web = Connected::new(&house, &ada, "Claude", ON_THE_WEB).await;
    house.pass(Duration::from_mins(1));
    let local = Connected::new(&house, &ada, "Claude Code", ON_THIS_COMPUTER).await;

    let listed = connections(&house, &ada).await;
    let clients = listed.iter().map(|one| &one.client);
    let facts: Vec<_> = clients
        .map(|one| (one.name.as_str(), one.host.as_deref(), one.on_this_computer))
        .collect();
    assert_eq!(
        facts,
        [
            ("Claude Code", None, true),
            ("Claude", Some("app.example"), false)
        ]
    );
    assert_eq!(
        (listed[0].client.resource_name.as_str(), listed[0].since),
        ("Notes", house.provider.now())
    );
    assert_eq!((listed[0].times, listed[1].times), (1, 1));
    assert_eq!(listed[0].scopes, ["See who you are and read your notes"]);

    for _ in 0..2 {
        house
            .provider
            .disconnect(&ada, &listed[0].name)
            .await
            .expect("ended, or ended already");
        assert_eq!(connections(&house, &ada).await, listed[1..]);
    }
    assert!(!local.goes_on(&house).await);
    assert!(web.goes_on(&house).await);
}

/// The list is read whole for every look at the account.
#[tokio::test]
async fn a_client_that_is_allowed_again_is_listed_once() {
    let house = House::new().await;
    let ada = house.ada().await;
    let account = house.person(&ada).await.expect("signed in").account;
    let client = Client::added(&house, "Claude", ON_THIS_COMPUTER).await;
    for _ in 0..5 {
        client.connects(&house, &ada).await;
        let listed = house
            .store
            .members(&format!("consents:{account}"), None, 100)
            .await
            .expect("a list");
        assert_eq!(listed.len(), 1);
    }
    house.provider.disconnect_all(&ada).await.expect("ended");
    let listed = house
        .store
        .members(&format!("consents:{account}"), None, 100)
        .await
        .expect("a list");
    assert_eq!(listed, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_sees_or_ends_what_another_has_connected() {
    let house = House::new().await;
    let (ada, bob) = (house.ada().await, house.bob().await);
    let client = Connected::new(&house, &ada, "Claude", ON_THE_WEB).await;
    let name = connections(&house, &ada).await[0].name.clone();

    assert_eq!(connections(&house, &bob).await, []);
    for name in [name.as_str(), "", "x", "*", &format!("{name}:{name}")] {
        house
            .provider
            .disconnect(&bob, name)
            .await
            .expect("nothing to do");
    }
    let stranger = house.browser();
    assert!(
        house
            .provider
            .connections(&stranger)
            .await
            .expect("the store answers")
            .is_none()
    );
    let refused = house.provider.disconnect(&stranger, &name).await;
    assert!(matches!(refused, Err(AccountError::NotSignedIn)));
    assert!(client.goes_on(&house).await);
    assert_eq!(connections(&house, &ada).await.len(), 1);
}

#[tokio::test]
async fn what_a_removed_client_held_is_over_and_so_is_an_expired_grant() {
    let house = House::new().await;
    let ada = house.ada().await;
    let client = Connected::new(&house, &ada, "Claude", ON_THE_WEB).await;
    let other = Connected::new(&house, &ada, "Codex", ON_THE_WEB).await;
    house
        .provider
        .terminal()
        .remove_client(&client.client.id)
        .await
        .expect("removed");
    let [connection] = &connections(&house, &ada).await[..] else {
        panic!("one connection")
    };
    assert_eq!(
        (
            connection.client.name.as_str(),
            connection.client.host.as_deref()
        ),
        ("Codex", Some("app.example"))
    );
    assert!(other.goes_on(&house).await && !client.goes_on(&house).await);

    let lifetimes = house.provider.settings().lifetimes;
    house.pass(lifetimes.refresh_token + lifetimes.access_token);
    assert_eq!(
        connections(&house, &house.sign_in(ADA, PASSWORD).await).await,
        []
    );
}
