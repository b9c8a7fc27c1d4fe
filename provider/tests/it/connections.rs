//! The connections of a user: who may list and end them.

use std::time::Duration;

use provider::{AccountError, BrowserContext, Connection};

use testkit::direct::{ADA, ON_THE_WEB, ON_THIS_COMPUTER, PASSWORD, TestClient, TestProvider};

/// A client that a user has allowed.
struct Connected {
    client: TestClient,
    refresh_token: String,
}

impl Connected {
    /// Allows a new client, up to its first tokens.
    async fn new(
        server: &TestProvider,
        context: &BrowserContext,
        name: &str,
        redirect_uri: &str,
    ) -> Self {
        let client = TestClient::added(server, name, redirect_uri).await;
        let refresh_token = client.connects(server, context).await.refresh;
        Self {
            client,
            refresh_token,
        }
    }

    /// Whether its refresh token is still good.
    async fn goes_on(&self, server: &TestProvider) -> bool {
        self.client
            .refreshes(server, &self.refresh_token)
            .await
            .is_ok()
    }
}

async fn connections(server: &TestProvider, context: &BrowserContext) -> Vec<Connection> {
    server
        .provider
        .connections()
        .page(context, None)
        .await
        .expect("the store answers")
        .expect("signed in")
        .active
}

#[tokio::test]
async fn connections_are_listed_newest_first_and_ended_one_by_one() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    assert_eq!(connections(&server, &ada).await, []);
    let web = Connected::new(&server, &ada, "Claude", ON_THE_WEB).await;
    server.pass(Duration::from_mins(1));
    let local = Connected::new(&server, &ada, "Claude Code", ON_THIS_COMPUTER).await;

    let listed = connections(&server, &ada).await;
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
        ("Notes", server.provider.now())
    );
    assert_eq!((listed[0].times, listed[1].times), (1, 1));
    assert_eq!(listed[0].scopes, ["See who you are and read your notes"]);

    for _ in 0..2 {
        server
            .provider
            .connections()
            .disconnect(&ada, &listed[0].name)
            .await
            .expect("ended, or ended already");
        assert_eq!(connections(&server, &ada).await, listed[1..]);
    }
    assert!(!local.goes_on(&server).await);
    assert!(web.goes_on(&server).await);
}

/// The list is read whole for every look at the account.
#[tokio::test]
async fn a_client_that_is_allowed_again_is_listed_once() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let account = server.user(&ada).await.expect("signed in").account;
    let client = TestClient::added(&server, "Claude", ON_THIS_COMPUTER).await;
    for _ in 0..5 {
        client.connects(&server, &ada).await;
        let listed = server
            .store
            .set_range(&format!("consents:{account}"), None, 100)
            .await
            .expect("a list");
        assert_eq!(listed.len(), 1);
    }
    server
        .provider
        .connections()
        .disconnect_all(&ada)
        .await
        .expect("ended");
    let listed = server
        .store
        .set_range(&format!("consents:{account}"), None, 100)
        .await
        .expect("a list");
    assert_eq!(listed, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_sees_or_ends_what_another_has_connected() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let bob = server.bob().await;
    let client = Connected::new(&server, &ada, "Claude", ON_THE_WEB).await;
    let name = connections(&server, &ada).await[0].name.clone();

    assert_eq!(connections(&server, &bob).await, []);
    for name in [name.as_str(), "", "x", "*", &format!("{name}:{name}")] {
        server
            .provider
            .connections()
            .disconnect(&bob, name)
            .await
            .expect("nothing to do");
    }
    let stranger = server.browser();
    assert!(
        server
            .provider
            .connections()
            .page(&stranger, None)
            .await
            .expect("the store answers")
            .is_none()
    );
    let refused = server
        .provider
        .connections()
        .disconnect(&stranger, &name)
        .await;
    assert!(matches!(refused, Err(AccountError::NotSignedIn)));
    assert!(client.goes_on(&server).await);
    assert_eq!(connections(&server, &ada).await.len(), 1);
}

#[tokio::test]
async fn what_a_removed_client_held_is_over_and_so_is_an_expired_grant() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let client = Connected::new(&server, &ada, "Claude", ON_THE_WEB).await;
    let other = Connected::new(&server, &ada, "Codex", ON_THE_WEB).await;
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&client.client.id)
        .await
        .expect("removed");
    let [connection] = &connections(&server, &ada).await[..] else {
        panic!("one connection")
    };
    assert_eq!(
        (
            connection.client.name.as_str(),
            connection.client.host.as_deref()
        ),
        ("Codex", Some("app.example"))
    );
    assert!(other.goes_on(&server).await && !client.goes_on(&server).await);

    let lifetimes = server.provider.settings().lifetimes;
    server.pass(lifetimes.refresh_token + lifetimes.access_token);
    assert_eq!(
        connections(&server, &server.sign_in(ADA, PASSWORD).await).await,
        []
    );
}
