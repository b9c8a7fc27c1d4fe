//! Failed requests of clients, as administrators see them.

use std::time::Duration;

use oauth::Parameters;
use provider::{
    AdministrationError, AuditAction, AuditFilter, BrowserContext, ClientStanding, Decision,
    FailedRequest, FailedStep, FailureKind, FailureView, RequestId, RequestedText,
};
use testkit::{
    direct::{ADDRESS, ON_THE_WEB, TestClient, TestProvider, with_passkey},
    race,
};

const DAY: Duration = Duration::from_hours(24);
const ELSEWHERE: &str = "https://elsewhere.example/callback";

async fn failures(server: &TestProvider) -> Vec<FailedRequest> {
    views(server)
        .await
        .into_iter()
        .map(|view| view.failure)
        .collect()
}

async fn views(server: &TestProvider) -> Vec<FailureView> {
    server
        .provider
        .terminal()
        .failures()
        .await
        .expect("the store answers")
}

/// A request that fails, since the client is unknown.
async fn unknown(server: &TestProvider, id: &str) {
    assert!(
        TestClient::known(id, ON_THE_WEB)
            .asks(server, &server.browser())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_failure_is_noted_with_what_went_wrong_and_counted() {
    let (server, _, ada) = with_passkey().await;
    assert_eq!(failures(&server).await, []);
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    let lost = TestClient::known(&client.id, ELSEWHERE);
    for _ in 0..3 {
        assert!(lost.asks(&server, &ada).await.is_err());
        server.pass(Duration::from_secs(1));
    }
    let noted = failures(&server).await;
    let now = server.provider.now();
    let expected = FailedRequest {
        client_id: client.id.clone(),
        client_name: Some("Claude".to_owned()),
        step: FailedStep::Authorize,
        kind: FailureKind::WrongRedirect,
        code: "invalid_request".to_owned(),
        description: noted[0].description.clone(),
        times: 3,
        first_at: now.before(Duration::from_secs(3)),
        last_at: now.before(Duration::from_secs(1)),
        last_from: "192.0.2.1".to_owned(),
        standing: ClientStanding::Added,
        attempts: noted[0].attempts.clone(),
    };
    assert_eq!(noted, [expected]);
    assert!(!noted[0].description.is_empty());
    let [attempt] = &noted[0].attempts[..] else {
        panic!("the same was asked for each time")
    };
    assert_eq!(
        (attempt.times, attempt.last_at),
        (3, now.before(Duration::from_secs(1)))
    );
    assert_eq!(attempt.asked.redirect_uri, RequestedText::of(ELSEWHERE));
    assert_eq!(attempt.asked.scope, RequestedText::of("notes:read"));
}

/// Whether an authorization request is refused.
async fn is_refused(server: &TestProvider, parameters: &str, browser: &BrowserContext) -> bool {
    let parameters = Parameters::parse(parameters.as_bytes());
    let authorization = server.provider.authorization();
    authorization.authorize(&parameters, browser).await.is_err()
}

#[tokio::test]
async fn each_step_and_kind_is_told_apart_the_latest_first() {
    let (server, _, ada) = with_passkey().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    unknown(&server, "vc_unknown").await;
    server.pass(Duration::from_secs(1));
    let parameters = client
        .request(&server, "")
        .replace("notes:read", "notes:burn");
    assert!(is_refused(&server, &parameters, &ada).await);
    server.pass(Duration::from_secs(1));
    let parameters = client.request(&server, "").replace("/mcp", "/other");
    assert!(is_refused(&server, &parameters, &ada).await);
    server.pass(Duration::from_secs(1));
    let parameters = client.request(&server, "&prompt=none");
    assert!(is_refused(&server, &parameters, &server.browser()).await);
    server.pass(Duration::from_secs(1));
    assert!(client.redeems(&server, "nonsense").await.is_err());
    server.pass(Duration::from_secs(1));
    let tokens = client.connects(&server, &ada).await;
    assert!(client.redeems(&server, &tokens.code).await.is_err());
    server.pass(Duration::from_secs(1));
    assert!(client.refreshes(&server, "nonsense").await.is_err());
    server.pass(Duration::from_secs(1));
    assert!(
        TestClient::registered(&server, "http://app.example/")
            .await
            .is_err()
    );
    server.pass(Duration::from_secs(1));
    assert!(
        TestClient::known("vc_forgotten", ON_THE_WEB)
            .refreshes(&server, &tokens.refresh)
            .await
            .is_err()
    );
    let noted = failures(&server).await;
    let facts: Vec<_> = noted
        .iter()
        .map(|one| {
            (
                one.step,
                one.kind,
                one.client_id.as_str(),
                one.last_from.as_str(),
            )
        })
        .collect();
    let id = client.id.as_str();
    let expected = [
        (
            FailedStep::Token,
            FailureKind::UnknownClient,
            "vc_forgotten",
            "198.51.100.7",
        ),
        (
            FailedStep::Register,
            FailureKind::BadRegistration,
            "",
            "198.51.100.7",
        ),
        (
            FailedStep::Token,
            FailureKind::BadRefreshToken,
            id,
            "198.51.100.7",
        ),
        (FailedStep::Token, FailureKind::Replayed, id, "198.51.100.7"),
        (FailedStep::Token, FailureKind::BadCode, id, "198.51.100.7"),
        (
            FailedStep::Authorize,
            FailureKind::PersonNeeded,
            id,
            "192.0.2.1",
        ),
        (
            FailedStep::Authorize,
            FailureKind::UnknownResource,
            id,
            "192.0.2.1",
        ),
        (
            FailedStep::Authorize,
            FailureKind::UnknownScope,
            id,
            "192.0.2.1",
        ),
        (
            FailedStep::Authorize,
            FailureKind::UnknownClient,
            "vc_unknown",
            "192.0.2.1",
        ),
    ];
    assert_eq!(facts, expected);
    let has_name =
        |one: &FailedRequest| one.client_id == client.id || one.step == FailedStep::Register;
    assert!(
        noted
            .iter()
            .all(|one| one.client_name.is_some() == has_name(one)),
        "by name, where that is known or claimed"
    );
}

#[tokio::test]
async fn a_person_who_says_no_is_no_failure() {
    let (server, _, ada) = with_passkey().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    client.is_answered(&server, &ada, Decision::Deny).await;
    client.connects(&server, &ada).await;
    assert_eq!(failures(&server).await, []);
}

#[tokio::test]
async fn what_is_made_up_pushes_nothing_out_and_grows_nothing() {
    let (server, _, ada) = with_passkey().await;
    for number in 0..60 {
        unknown(&server, &format!("made-up-{number}-{}", "x".repeat(1000))).await;
    }
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    assert!(
        TestClient::known(&client.id, ELSEWHERE)
            .asks(&server, &ada)
            .await
            .is_err()
    );
    let noted = failures(&server).await;
    assert_eq!(noted.len(), 21);
    assert!(
        noted
            .iter()
            .any(|one| one.client_id.starts_with("made-up-59-")),
        "the latest are there"
    );
    assert!(
        noted
            .iter()
            .any(|one| one.kind == FailureKind::WrongRedirect)
    );
    assert!(noted.iter().all(|one| one.client_id.chars().count() <= 200));
    unknown(&server, &format!("made-up-57-{}", "x".repeat(1000))).await;
    let again = failures(&server).await;
    assert_eq!(
        (again.len(), again.iter().map(|one| one.times).max()),
        (21, Some(2)),
        "what is known is counted on"
    );
}

#[tokio::test]
async fn failures_are_kept_for_seven_days() {
    let server = TestProvider::new().await;
    // It is some time of a day: the first of the seven days begins at midnight.
    let rest = DAY.as_secs() - server.provider.now().seconds() % DAY.as_secs();
    unknown(&server, "vc_unknown").await;
    server.pass(Duration::from_secs(rest) + 5 * DAY);
    unknown(&server, "vc_unknown").await;
    let [one] = &failures(&server).await[..] else {
        panic!("the same, on two days")
    };
    assert_eq!((one.times, one.last_at), (2, server.provider.now()));
    server.pass_almost(DAY);
    assert_eq!(failures(&server).await[0].times, 2);
    server.pass(Duration::from_secs(1));
    assert_eq!(
        failures(&server).await[0].times,
        1,
        "the first day is a week ago"
    );
    server.pass(6 * DAY);
    assert_eq!(failures(&server).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_come_at_once_at_two_servers_are_all_counted() {
    let server = TestProvider::new().await;
    let twin = server.twin().await;
    for round in 1..=20 {
        race(16, |number| {
            let server = if number % 2 == 0 {
                server.clone()
            } else {
                twin.clone()
            };
            async move {
                let form = "grant_type=refresh_token&refresh_token=nonsense&client_id=vc_unknown";
                assert!(
                    server
                        .provider
                        .token_endpoint()
                        .token(&Parameters::parse(form.as_bytes()), None, ADDRESS)
                        .await
                        .is_err()
                );
            }
        })
        .await;
        let times: u64 = failures(&server).await.iter().map(|one| one.times).sum();
        assert_eq!(times, 16 * round);
    }
}

/// Failures of invented or newly registered clients take no room from those of clients in use.
#[tokio::test]
async fn nobody_takes_the_place_of_an_application_in_use() {
    let (server, _, ada) = with_passkey().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    assert!(
        TestClient::known(&client.id, ELSEWHERE)
            .asks(&server, &ada)
            .await
            .is_err()
    );
    assert!(client.redeems(&server, "nonsense").await.is_err());
    server.pass(Duration::from_secs(1));
    for number in 0..30 {
        let address = std::net::IpAddr::from([198, 51, 100, number]);
        let form =
            format!("grant_type=refresh_token&refresh_token=x&client_id=vc_made_up_{number}");
        assert!(
            server
                .provider
                .token_endpoint()
                .token(&Parameters::parse(form.as_bytes()), None, address)
                .await
                .is_err()
        );
        let (own, _) =
            TestClient::registered(&server, &format!("https://made-up.example/{number}"))
                .await
                .expect("registered");
        assert!(
            TestClient::known(&own.id, ELSEWHERE)
                .asks(&server, &ada)
                .await
                .is_err()
        );
        assert!(
            TestClient::known(&client.id, &format!("{ELSEWHERE}/{number}"))
                .asks(&server, &ada)
                .await
                .is_err()
        );
        server.pass(Duration::from_mins(4));
    }
    let noted = failures(&server).await;
    let of = |standing| {
        noted
            .iter()
            .filter(|one| one.standing == standing)
            .map(|one| one.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(ClientStanding::Added),
        [FailureKind::WrongRedirect, FailureKind::BadCode]
    );
    assert_eq!(
        of(ClientStanding::Known),
        vec![FailureKind::WrongRedirect; 20]
    );
    assert_eq!(
        of(ClientStanding::Stranger),
        vec![FailureKind::UnknownClient; 20]
    );
}

#[tokio::test]
async fn an_application_that_somebody_has_allowed_something_is_in_use() {
    let (server, _, ada) = with_passkey().await;
    let (client, _) = TestClient::registered(&server, ON_THE_WEB)
        .await
        .expect("registered");
    let lost = TestClient::known(&client.id, ELSEWHERE);
    assert!(lost.asks(&server, &ada).await.is_err());
    assert_eq!(failures(&server).await[0].standing, ClientStanding::Known);
    client.is_allowed(&server, &ada).await;
    assert!(lost.asks(&server, &ada).await.is_err());
    let [one] = &failures(&server).await[..] else {
        panic!("told together")
    };
    assert_eq!((one.standing, one.times), (ClientStanding::Used, 2));
}

#[tokio::test]
async fn the_number_of_the_request_is_noted() {
    let server = TestProvider::new().await;
    RequestId::new(0xabc)
        .scope(unknown(&server, "vc_unknown"))
        .await;
    unknown(&server, "vc_unknown").await;
    RequestId::new(0xdef)
        .scope(unknown(&server, "vc_unknown"))
        .await;
    assert_eq!(
        failures(&server).await[0].attempts[0].requests,
        ["0000000000000abc", "0000000000000def"]
    );
}

#[tokio::test]
async fn a_redirect_uri_is_added_to_a_client_that_was_added_and_to_no_other() {
    let (server, _, ada) = with_passkey().await;
    let terminal = server.provider.terminal();
    let client = TestClient::added(&server, "Agent", ON_THE_WEB).await;
    let lost = TestClient::known(&client.id, ELSEWHERE);
    assert!(lost.asks(&server, &ada).await.is_err());
    let view = &views(&server).await[0];
    assert_eq!(
        (view.registered.as_slice(), view.addable.as_slice()),
        (&[ON_THE_WEB.to_owned()][..], &[ELSEWHERE.to_owned()][..])
    );

    terminal
        .clients()
        .add_redirect_uri(&client.id, ELSEWHERE)
        .await
        .expect("added");
    terminal
        .clients()
        .add_redirect_uri(&client.id, ELSEWHERE)
        .await
        .expect("added already");
    lost.waits(&server, &ada).await;
    client.waits(&server, &ada).await;
    assert_eq!(
        views(&server).await[0].addable,
        [] as [String; 0],
        "it is registered now"
    );
    let trail = terminal
        .audit(&AuditFilter::default(), None, 10)
        .await
        .expect("the trail");
    let added: Vec<_> = trail
        .events
        .iter()
        .filter(|entry| entry.event.action == AuditAction::RedirectUriAdded)
        .collect();
    let [one] = &added[..] else {
        panic!("one event")
    };
    assert_eq!(one.event.about.as_deref(), Some(ELSEWHERE));
    assert_eq!(
        one.event.client.as_ref().map(|client| client.id.as_str()),
        Some(client.id.as_str())
    );

    for unsafe_uri in [
        "http://elsewhere.example/",
        "javascript:alert(1)",
        "https://elsewhere.example/#x",
        "trams:/cb",
        "",
    ] {
        let refused = terminal
            .clients()
            .add_redirect_uri(&client.id, unsafe_uri)
            .await;
        assert!(
            matches!(refused, Err(AdministrationError::Invalid(_))),
            "{unsafe_uri}"
        );
        assert!(
            TestClient::known(&client.id, unsafe_uri)
                .asks(&server, &ada)
                .await
                .is_err()
        );
    }
    assert!(
        views(&server)
            .await
            .iter()
            .all(|view| view.addable.is_empty()),
        "what could not be registered is not offered"
    );
    let (registered, _) = TestClient::registered(&server, ON_THE_WEB)
        .await
        .expect("registered");
    assert!(
        TestClient::known(&registered.id, ELSEWHERE)
            .asks(&server, &ada)
            .await
            .is_err()
    );
    assert!(
        views(&server)
            .await
            .iter()
            .all(|view| view.addable.is_empty())
    );
    assert!(matches!(
        terminal
            .clients()
            .add_redirect_uri(&registered.id, ELSEWHERE)
            .await,
        Err(AdministrationError::Conflict(_))
    ));
    assert!(matches!(
        terminal
            .clients()
            .add_redirect_uri("vc_nobody", ELSEWHERE)
            .await,
        Err(AdministrationError::NotFound(_))
    ));
}

/// What was cut, or lost characters that mislead, is not what was sent.
#[tokio::test]
async fn an_altered_redirect_uri_is_not_offered() {
    let (server, _, ada) = with_passkey().await;
    let client = TestClient::added(&server, "Agent", ON_THE_WEB).await;
    for odd in [
        "https://elsewhere.example/%E2%80%AE",
        &format!("https://elsewhere.example/{}", "x".repeat(600)),
    ] {
        assert!(
            TestClient::known(&client.id, odd)
                .asks(&server, &ada)
                .await
                .is_err()
        );
    }
    let view = &views(&server).await[0];
    assert_eq!(view.addable, [] as [String; 0]);
    assert!(view.failure.attempts.iter().all(|attempt| {
        attempt
            .asked
            .redirect_uri
            .as_ref()
            .is_some_and(|uri| uri.altered)
    }));
}

#[tokio::test]
async fn closed_doors_limits_and_expired_pages_are_noted() {
    let (server, _, ada) = with_passkey().await;
    let closed = server
        .twin_with(|settings| settings.registration.open = false)
        .await;
    assert!(TestClient::registered(&closed, ON_THE_WEB).await.is_err());
    for _ in 0..21 {
        TestClient::registered(&server, ON_THE_WEB).await.ok();
    }
    assert!(
        server
            .provider
            .authorization()
            .request("nonsense", &ada)
            .await
            .is_err()
    );
    let told: Vec<_> = failures(&server)
        .await
        .into_iter()
        .map(|one| (one.step, one.kind))
        .collect();
    for expected in [
        (FailedStep::Register, FailureKind::RegistrationClosed),
        (FailedStep::Register, FailureKind::TooMany),
        (FailedStep::Page, FailureKind::RequestGone),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_noted_at_each_endpoint() {
    let server = TestProvider::new().await;
    let client = TestClient::added(&server, "Agent", ON_THE_WEB).await;
    let form = format!(
        "grant_type=refresh_token&refresh_token=x&token=x&client_id={}",
        client.id
    );
    let form = Parameters::parse(form.as_bytes());
    let provider = &server.provider;
    assert!(
        provider
            .token_endpoint()
            .token(&form, Some("Bearer x"), ADDRESS)
            .await
            .is_err()
    );
    assert!(
        provider
            .token_endpoint()
            .revoke(&form, Some("Basic !"), ADDRESS)
            .await
            .is_err()
    );
    assert!(
        provider
            .token_endpoint()
            .introspect(&form, Some("Basic aHR0cHM6Ly9hLmV4YW1wbGU6cw=="), ADDRESS)
            .await
            .is_err()
    );
    let secret = Parameters::parse(
        format!(
            "grant_type=refresh_token&refresh_token=x&client_id={}&client_secret=s",
            client.id
        )
        .as_bytes(),
    );
    assert!(
        provider
            .token_endpoint()
            .token(&secret, None, ADDRESS)
            .await
            .is_err()
    );
    let told: Vec<_> = failures(&server)
        .await
        .into_iter()
        .map(|one| (one.step, one.kind, one.client_name))
        .collect();
    let agent = || Some("Agent".to_owned());
    for expected in [
        (
            FailedStep::Token,
            FailureKind::MalformedAuthentication,
            agent(),
        ),
        (
            FailedStep::Revoke,
            FailureKind::MalformedAuthentication,
            agent(),
        ),
        (
            FailedStep::Introspect,
            FailureKind::MalformedAuthentication,
            None,
        ),
        (
            FailedStep::Token,
            FailureKind::SecretOfPublicClient,
            agent(),
        ),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
}

/// As the release before this one wrote them, and as a later one might.
#[tokio::test]
async fn records_of_other_versions_are_read() {
    let server = TestProvider::new().await;
    let now = server.provider.now().seconds();
    let record = |kind: &str, more: &str| {
        format!(
            r#"[{{"client_id": "vc_{kind}", "client_name": null, "step": "authorize", "kind": "{kind}", "code": "invalid_request",
                "description": "x", "times": 2, "first_at": {now}, "last_at": {now}, "last_from": "192.0.2.1"{more}}}]"#
        )
    };
    let ttl = store::Ttl::For(DAY);
    let day = now / DAY.as_secs();
    let old = record("wrong_redirect", "");
    let new = record(
        "a_kind_of_tomorrow",
        r#", "standing": "known", "attempts": [], "unheard_of": 1"#,
    );
    assert!(
        server
            .store
            .insert(&format!("failures:{day}"), old.as_bytes(), ttl)
            .await
            .expect("stored")
    );
    assert!(
        server
            .store
            .insert(&format!("failures:known:{day}"), new.as_bytes(), ttl)
            .await
            .expect("stored")
    );
    let kinds: Vec<_> = failures(&server)
        .await
        .into_iter()
        .map(|one| (one.kind, one.times))
        .collect();
    assert!(
        kinds.contains(&(FailureKind::WrongRedirect, 2))
            && kinds.contains(&(FailureKind::Other, 2)),
        "{kinds:?}"
    );
}
