//! What a person has connected: listed to them, ended by them, and by nobody else.

use std::time::Duration;

use oauth::Parameters;
use provider::{Begun, Connection, Decision, DisconnectError, Visitor};

use crate::house::{House, ISSUER, PASSWORD};

/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const ON_THE_WEB: &str = "https://app.example/callback";
const ON_THIS_COMPUTER: &str = "http://127.0.0.1/callback";

/// A client that somebody has allowed.
struct Connected {
    client_id: String,
    refresh_token: String,
}

impl Connected {
    /// Allows a new client, up to its first tokens.
    async fn new(house: &House, visitor: &Visitor, name: &str, redirect_uri: &str) -> Self {
        let added = house.provider.add_client(name, &[redirect_uri.to_owned()], false).await.expect("a client");
        let client_id = added.client_id;
        let request = format!(
            "response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&code_challenge={CHALLENGE}\
             &code_challenge_method=S256&resource={ISSUER}/mcp&scope=notes:read"
        );
        let begun = house.provider.begin(&Parameters::parse(request.as_bytes()), visitor).await.expect("a good request");
        let Begun::Waiting(page) = begun else { panic!("nothing was allowed before") };
        let id = page.strip_prefix("/consent?request=").expect("the consent page");
        let location = house.provider.decide(id, visitor, Decision::Allow).await.expect("allowed");
        let query = location.as_str().split_once('?').expect("an answer").1;
        let answer = Parameters::parse(query.as_bytes());
        let code = answer.one("code").expect("one").expect("a code");
        let form = format!("grant_type=authorization_code&client_id={client_id}&code={code}&code_verifier={VERIFIER}");
        let tokens = house.provider.token(&Parameters::parse(form.as_bytes()), None, [192, 0, 2, 1].into()).await.expect("tokens");
        Self { client_id, refresh_token: tokens.refresh_token.expect("a refresh token") }
    }

    /// Whether its refresh token is still good.
    async fn goes_on(&self, house: &House) -> bool {
        let Self { client_id, refresh_token } = self;
        let form = format!("grant_type=refresh_token&client_id={client_id}&refresh_token={refresh_token}");
        house.provider.token(&Parameters::parse(form.as_bytes()), None, [192, 0, 2, 1].into()).await.is_ok()
    }
}

async fn connections(house: &House, visitor: &Visitor) -> Vec<Connection> {
    house.provider.connections(visitor).await.expect("the store answers").expect("signed in").standing
}

async fn bob(house: &House) -> Visitor {
    house.add("bob@example.com").await;
    let cookie = house.provider.sign_in_with_password(&house.browser(), "bob@example.com", PASSWORD).await.expect("signed in");
    house.holding(&cookie)
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
    let facts: Vec<_> = clients.map(|one| (one.name.as_str(), one.host.as_deref(), one.on_this_computer)).collect();
    assert_eq!(facts, [("Claude Code", None, true), ("Claude", Some("app.example"), false)]);
    assert_eq!((listed[0].client.resource_name.as_str(), listed[0].since), ("Notes", house.provider.now()));
    assert_eq!((listed[0].times, listed[1].times), (1, 1));
    assert_eq!(listed[0].scopes, ["See who you are and read your notes"]);

    for _ in 0..2 {
        house.provider.disconnect(&ada, &listed[0].name).await.expect("ended, or ended already");
        assert_eq!(connections(&house, &ada).await, listed[1..]);
    }
    assert!(!local.goes_on(&house).await);
    assert!(web.goes_on(&house).await);
}

#[tokio::test]
async fn nobody_sees_or_ends_what_another_has_connected() {
    let house = House::new().await;
    let (ada, bob) = (house.ada().await, bob(&house).await);
    let client = Connected::new(&house, &ada, "Claude", ON_THE_WEB).await;
    let name = connections(&house, &ada).await[0].name.clone();

    assert_eq!(connections(&house, &bob).await, []);
    for name in [name.as_str(), "", "x", "*", &format!("{name}:{name}")] {
        house.provider.disconnect(&bob, name).await.expect("nothing to do");
    }
    let stranger = house.browser();
    assert!(house.provider.connections(&stranger).await.expect("the store answers").is_none());
    let refused = house.provider.disconnect(&stranger, &name).await;
    assert!(matches!(refused, Err(DisconnectError::NotSignedIn)));
    assert!(client.goes_on(&house).await);
    assert_eq!(connections(&house, &ada).await.len(), 1);
}

#[tokio::test]
async fn a_removed_client_is_still_shown_and_an_expired_grant_is_not() {
    let house = House::new().await;
    let ada = house.ada().await;
    let client = Connected::new(&house, &ada, "Claude", ON_THE_WEB).await;
    house.provider.remove_client(&client.client_id).await.expect("removed");
    let [connection] = &connections(&house, &ada).await[..] else { panic!("one connection") };
    assert_eq!((&connection.client.name, connection.client.host.as_deref()), (&client.client_id, Some("app.example")));

    let lifetimes = house.provider.settings().lifetimes;
    house.pass(lifetimes.refresh_token + lifetimes.access_token);
    let cookie = house.provider.sign_in_with_password(&house.browser(), crate::house::ADA, PASSWORD).await.expect("signed in");
    assert_eq!(connections(&house, &house.holding(&cookie)).await, []);
}
