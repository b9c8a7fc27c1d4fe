//! Hosts that an administrator keeps out, whatever they vouch for and wherever they answer.

use oauth::{Digest, Parameters, ProtocolError as _, error::RedirectUriError};
use oauth_clients::error::{MetadataError, RegistrationError};
use provider::{
    AdministrationError, AuthorizeError, BrowserContext, ConsentError, Decision, FailureKind,
    ProblemKind, RegisterError, Settings, TokenError,
};
use testkit::{
    Reply, Site,
    direct::{
        ADDRESS, ON_THE_WEB, ON_THIS_COMPUTER, TestClient, TestProvider, Tokens, with_passkey,
    },
};

const SECRET: &str = "vis_the-secret-of-the-demonstration-server";
const DOCUMENT: &str = "https://vouches.example/client.json";

fn with_introspection(settings: &mut Settings) {
    settings.resources[0].introspection_secret = Some(Digest::of(SECRET.as_bytes()));
}

/// Whether the resource is told that a token is good.
async fn is_active(server: &TestProvider, access_token: &str) -> bool {
    let resource = server.provider.settings().resources[0].identifier.as_str();
    let form = format!("token={access_token}&client_id={resource}&client_secret={SECRET}");
    let answer = server
        .provider
        .token_endpoint()
        .introspect(&Parameters::parse(form.as_bytes()), None, ADDRESS)
        .await
        .expect("an answer");
    serde_json::to_value(&answer).expect("it serialises")["active"] == true
}

/// Whether a blocked client is refused where it asks.
async fn is_kept_out(server: &TestProvider, ada: &BrowserContext, client: &TestClient) -> bool {
    match client.asks(server, ada).await {
        Err(AuthorizeError::Problem(problem)) => problem.kind == ProblemKind::NotAllowed,
        Err(error) => panic!("{error:?}"),
        Ok(_) => false,
    }
}

/// What a blocked client meets at each door: whether it is refused there.
async fn doors(
    server: &TestProvider,
    ada: &BrowserContext,
    client: &TestClient,
    tokens: &Tokens,
) -> [bool; 3] {
    let is_kept_out = is_kept_out(server, ada, client).await;
    let refreshes = client.refreshes(server, &tokens.refresh).await;
    let is_unknown = matches!(refreshes, Err(TokenError::Refused(ref reason)) if reason.code().as_str() == "invalid_client");
    assert!(is_unknown || refreshes.is_ok());
    [
        is_kept_out,
        is_unknown,
        !is_active(server, &tokens.access).await,
    ]
}

/// A server with a client whose document is at one host and whose answers go to another.
async fn with_document() -> (TestProvider, BrowserContext, TestClient, Site) {
    let site = Site::open(&["vouches.example"]).await;
    let document = format!(
        r#"{{"client_id": "{DOCUMENT}", "client_name": "App", "redirect_uris": ["{ON_THE_WEB}"]}}"#
    );
    site.put(
        DOCUMENT,
        Reply::json(&document).with("cache-control", "max-age=600"),
    );
    let server = TestProvider::on_this_computer(site.web(), with_introspection).await;
    let ada = server.ada().await;
    (server, ada, TestClient::known(DOCUMENT, ON_THE_WEB), site)
}

#[tokio::test]
async fn t_e39_an_application_of_a_blocked_host_is_refused_at_every_door_until_it_is_let_in_again()
{
    let server = TestProvider::set_up(with_introspection).await;
    let ada = server.ada().await;
    let (client, registration) =
        TestClient::registered(&server, "https://app.evil.example/callback")
            .await
            .expect("registered");
    let provider = &server.provider;
    let admin = server.provider.terminal();
    for host in [
        "app.evil.example",
        "evil.example",
        "EVIL.Example",
        " evil.example. ",
    ] {
        let tokens = client.connects(&server, &ada).await;
        assert_eq!(doors(&server, &ada, &client, &tokens).await, [false; 3]);
        assert!(
            provider
                .clients()
                .registration(&client.id, Some(&registration))
                .await
                .is_ok()
        );
        admin.clients().block_host(host).await.expect("blocked");
        assert_eq!(
            doors(&server, &ada, &client, &tokens).await,
            [true; 3],
            "{host}"
        );
        assert!(
            provider
                .clients()
                .registration(&client.id, Some(&registration))
                .await
                .is_err()
        );
        assert!(admin.clients().list().await.expect("a list")[0].blocked);
        admin
            .clients()
            .unblock_host(host)
            .await
            .expect("let in again");
        assert_eq!(
            doors(&server, &ada, &client, &tokens).await,
            [false; 3],
            "{host}"
        );
        assert!(!admin.clients().list().await.expect("a list")[0].blocked);
        server
            .provider
            .connections()
            .disconnect_all(&ada)
            .await
            .expect("ended");
    }
}

#[tokio::test]
async fn t_e39_nothing_registers_from_a_blocked_host_however_it_is_written() {
    let server = TestProvider::new().await;
    server
        .provider
        .terminal()
        .clients()
        .block_host("evil.example")
        .await
        .expect("blocked");
    for uri in [
        "https://evil.example/callback",
        "https://app.evil.example/callback",
        "https://evil.example:8443/callback",
        "https://evil.example./callback",
        "https://app.evil.example./callback",
    ] {
        let refused = TestClient::registered(&server, uri).await.err();
        assert!(
            matches!(
                refused,
                Some(RegisterError::Refused(RegistrationError::Metadata(
                    MetadataError::RedirectUri(RedirectUriError::Unsafe(_))
                )))
            ),
            "{uri}: {refused:?}"
        );
    }
    for uri in [
        "https://notevil.example/callback",
        "https://evil.example.com/callback",
        ON_THIS_COMPUTER,
    ] {
        assert!(TestClient::registered(&server, uri).await.is_ok(), "{uri}");
    }
    let kinds: Vec<_> = server
        .provider
        .terminal()
        .failures()
        .await
        .expect("failures")
        .iter()
        .map(|one| one.failure.kind)
        .collect();
    assert_eq!(kinds, [FailureKind::BadRegistration]);
}

#[tokio::test]
async fn t_e39_a_client_is_kept_out_by_the_host_of_its_document_and_by_that_of_its_answers() {
    let (server, ada, client, site) = with_document().await;
    let admin = server.provider.terminal();
    let mut tokens = client.connects(&server, &ada).await;
    for host in ["vouches.example", "app.example"] {
        assert_eq!(doors(&server, &ada, &client, &tokens).await, [false; 3]);
        admin.clients().block_host(host).await.expect("blocked");
        assert_eq!(
            doors(&server, &ada, &client, &tokens).await,
            [true; 3],
            "{host}"
        );
        admin
            .clients()
            .unblock_host(host)
            .await
            .expect("let in again");
        server
            .provider
            .connections()
            .disconnect_all(&ada)
            .await
            .expect("ended");
        tokens = client.connects(&server, &ada).await;
    }
    // Nothing is asked of a blocked host, nor taken from it where nothing is stored.
    admin
        .clients()
        .remove_client(DOCUMENT)
        .await
        .expect("forgotten");
    let before = site.requests(DOCUMENT);
    admin
        .clients()
        .block_host("vouches.example")
        .await
        .expect("blocked");
    assert!(is_kept_out(&server, &ada, &client).await);
    assert_eq!(site.requests(DOCUMENT), before);
    admin
        .clients()
        .unblock_host("vouches.example")
        .await
        .expect("let in again");
    admin
        .clients()
        .block_host("app.example")
        .await
        .expect("blocked");
    assert!(is_kept_out(&server, &ada, &client).await);
}

#[tokio::test]
async fn t_e39_a_person_who_is_being_asked_can_allow_nothing_any_more() {
    let (server, _, ada) = with_passkey().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    let waiting = client.waits(&server, &ada).await;
    let code = client.is_allowed(&server, &ada).await;
    server
        .provider
        .terminal()
        .clients()
        .block_host("app.example")
        .await
        .expect("blocked");
    assert!(matches!(
        server
            .provider
            .authorization()
            .consent(&waiting, &ada)
            .await,
        Err(ConsentError::Gone)
    ));
    assert!(matches!(
        server
            .provider
            .authorization()
            .decide(&waiting, &ada, Decision::Allow, "form")
            .await,
        Err(ConsentError::Gone)
    ));
    assert!(client.redeems(&server, &code).await.is_err());
    let noted = server
        .provider
        .terminal()
        .failures()
        .await
        .expect("failures");
    assert_eq!(
        (noted.len(), noted[0].failure.kind),
        (1, FailureKind::KeptOut),
        "said as it is where it is of use"
    );
    assert_eq!(
        (
            noted[0].failure.client_name.as_deref(),
            noted[0].failure.code.as_str()
        ),
        (Some("Claude"), "invalid_client")
    );
}

#[tokio::test]
async fn t_e39_another_server_follows_at_once_where_people_are_asked_and_soon_elsewhere() {
    let server = TestProvider::set_up(with_introspection).await;
    let twin = server.twin().await;
    let ada = server.ada().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    let tokens = client.connects(&server, &ada).await;
    server
        .provider
        .terminal()
        .clients()
        .block_host("app.example")
        .await
        .expect("blocked");
    assert!(
        client.refreshes(&twin, &tokens.refresh).await.is_ok(),
        "it has not looked yet"
    );
    assert!(
        client.asks(&twin, &ada).await.is_err(),
        "it looks whenever a person is asked"
    );
    assert!(client.refreshes(&twin, &tokens.refresh).await.is_err());
    server
        .provider
        .terminal()
        .clients()
        .unblock_host("app.example")
        .await
        .expect("let in again");
    assert!(client.refreshes(&twin, &tokens.refresh).await.is_err());
    twin.provider
        .blocked_hosts()
        .refresh_blocked()
        .await
        .expect("the store answers");
    assert_eq!(doors(&twin, &ada, &client, &tokens).await, [false; 3]);
    server
        .provider
        .terminal()
        .clients()
        .block_host("app.example")
        .await
        .expect("blocked");
    twin.provider
        .blocked_hosts()
        .refresh_blocked()
        .await
        .expect("the store answers");
    assert_eq!(doors(&twin, &ada, &client, &tokens).await, [true; 3]);
    let restarted = server.twin().await;
    assert!(
        client.refreshes(&restarted, &tokens.refresh).await.is_err(),
        "one that starts knows from the start"
    );
}

#[tokio::test]
async fn what_is_blocked_is_listed_by_name_and_is_a_host() {
    let server = TestProvider::new().await;
    let admin = server.provider.terminal();
    for host in [
        "evil.example",
        "BÜCHER.example",
        "203.0.113.7",
        "[2001:db8::1]",
        "evil.example.",
    ] {
        admin.clients().block_host(host).await.expect(host);
    }
    let listed: Vec<_> = admin
        .clients()
        .blocked_hosts()
        .await
        .expect("a list")
        .into_iter()
        .map(|blocked| blocked.host)
        .collect();
    assert_eq!(
        listed,
        [
            "203.0.113.7",
            "[2001:db8::1]",
            "evil.example",
            "xn--bcher-kva.example"
        ]
    );
    for text in [
        "",
        " ",
        ".",
        "https://evil.example",
        "evil.example:443",
        "a b",
        "evil.example/x",
        "*.evil.example",
        "@",
        ".evil.example",
    ] {
        assert!(
            matches!(
                admin.clients().block_host(text).await,
                Err(AdministrationError::Invalid(_))
            ),
            "{text:?}"
        );
    }
    assert!(matches!(
        admin.clients().unblock_host("other.example").await,
        Err(AdministrationError::NotFound(_))
    ));
    assert_eq!(
        server
            .twin()
            .await
            .provider
            .terminal()
            .clients()
            .blocked_hosts()
            .await
            .expect("a list")
            .len(),
        4
    );
}
