//! Requests of applications that failed, as whoever runs the server reads of them.

use std::time::Duration;

use oauth::Parameters;
use provider::{Decision, FailedStep, Failure, FailureKind};

use crate::{
    authenticator::with_passkey,
    client::{ADDRESS, Client, ON_THE_WEB},
    house::{House, race},
};

const DAY: Duration = Duration::from_hours(24);
const ELSEWHERE: &str = "https://elsewhere.example/callback";

async fn failures(house: &House) -> Vec<Failure> {
    house.provider.terminal().failures().await.expect("the store answers")
}

/// A request that fails, since nobody knows the client.
async fn unknown(house: &House, id: &str) {
    assert!(Client::known(id, ON_THE_WEB).asks(house, &house.browser()).await.is_err());
}

#[tokio::test]
async fn a_failure_is_noted_with_what_went_wrong_and_counted() {
    let (house, _, ada) = with_passkey().await;
    assert_eq!(failures(&house).await, []);
    let client = Client::added(&house, "Claude", ON_THE_WEB).await;
    let lost = Client::known(&client.id, ELSEWHERE);
    for _ in 0..3 {
        assert!(lost.asks(&house, &ada).await.is_err());
        house.pass(Duration::from_secs(1));
    }
    let noted = failures(&house).await;
    let now = house.provider.now();
    let expected = Failure {
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
    };
    assert_eq!(noted, [expected]);
    assert!(!noted[0].description.is_empty());
}

#[tokio::test]
async fn each_step_and_kind_is_told_apart_the_latest_first() {
    let (house, _, ada) = with_passkey().await;
    let client = Client::added(&house, "Claude", ON_THE_WEB).await;
    unknown(&house, "vc_unknown").await;
    house.pass(Duration::from_secs(1));
    let parameters = client.request(&house, "").replace("notes:read", "notes:burn");
    assert!(house.provider.begin(&Parameters::parse(parameters.as_bytes()), &ada).await.is_err());
    house.pass(Duration::from_secs(1));
    let parameters = client.request(&house, "").replace("/mcp", "/other");
    assert!(house.provider.begin(&Parameters::parse(parameters.as_bytes()), &ada).await.is_err());
    house.pass(Duration::from_secs(1));
    let parameters = client.request(&house, "&prompt=none");
    assert!(house.provider.begin(&Parameters::parse(parameters.as_bytes()), &house.browser()).await.is_err());
    house.pass(Duration::from_secs(1));
    assert!(client.redeems(&house, "nonsense").await.is_err());
    house.pass(Duration::from_secs(1));
    let tokens = client.connects(&house, &ada).await;
    assert!(client.redeems(&house, &tokens.code).await.is_err());
    house.pass(Duration::from_secs(1));
    assert!(client.refreshes(&house, "nonsense").await.is_err());
    house.pass(Duration::from_secs(1));
    assert!(Client::registered(&house, "http://app.example/").await.is_err());
    house.pass(Duration::from_secs(1));
    assert!(Client::known("vc_forgotten", ON_THE_WEB).refreshes(&house, &tokens.refresh).await.is_err());
    let noted = failures(&house).await;
    let facts: Vec<_> = noted.iter().map(|one| (one.step, one.kind, one.client_id.as_str(), one.last_from.as_str())).collect();
    let id = client.id.as_str();
    let expected = [
        (FailedStep::Token, FailureKind::UnknownClient, "vc_forgotten", "198.51.100.7"),
        (FailedStep::Register, FailureKind::BadRegistration, "", "198.51.100.7"),
        (FailedStep::Token, FailureKind::BadRefreshToken, id, "198.51.100.7"),
        (FailedStep::Token, FailureKind::Replayed, id, "198.51.100.7"),
        (FailedStep::Token, FailureKind::BadCode, id, "198.51.100.7"),
        (FailedStep::Authorize, FailureKind::PersonNeeded, id, "192.0.2.1"),
        (FailedStep::Authorize, FailureKind::UnknownResource, id, "192.0.2.1"),
        (FailedStep::Authorize, FailureKind::UnknownScope, id, "192.0.2.1"),
        (FailedStep::Authorize, FailureKind::UnknownClient, "vc_unknown", "192.0.2.1"),
    ];
    assert_eq!(facts, expected);
    assert!(noted.iter().all(|one| one.client_name.is_some() == (one.client_id == client.id)), "by name, where that is known");
}

#[tokio::test]
async fn a_person_who_says_no_is_no_failure() {
    let (house, _, ada) = with_passkey().await;
    let client = Client::added(&house, "Claude", ON_THE_WEB).await;
    client.is_answered(&house, &ada, Decision::Deny).await;
    client.connects(&house, &ada).await;
    assert_eq!(failures(&house).await, []);
}

#[tokio::test]
async fn what_is_made_up_pushes_nothing_out_and_grows_nothing() {
    let (house, _, ada) = with_passkey().await;
    for number in 0..60 {
        unknown(&house, &format!("made-up-{number}-{}", "x".repeat(1000))).await;
    }
    let client = Client::added(&house, "Claude", ON_THE_WEB).await;
    assert!(Client::known(&client.id, ELSEWHERE).asks(&house, &ada).await.is_err());
    let noted = failures(&house).await;
    assert_eq!(noted.len(), 21);
    assert!(noted.iter().any(|one| one.kind == FailureKind::WrongRedirect));
    assert!(noted.iter().all(|one| one.client_id.chars().count() <= 200));
    unknown(&house, &format!("made-up-7-{}", "x".repeat(1000))).await;
    let again = failures(&house).await;
    assert_eq!((again.len(), again.iter().map(|one| one.times).max()), (21, Some(2)), "what is known is counted on");
}

#[tokio::test]
async fn failures_are_kept_for_seven_days() {
    let house = House::new().await;
    // The clock stands somewhere in a day: the first of seven begins at its midnight.
    let rest = DAY.as_secs() - house.provider.now().seconds() % DAY.as_secs();
    unknown(&house, "vc_unknown").await;
    house.pass(Duration::from_secs(rest) + 5 * DAY);
    unknown(&house, "vc_unknown").await;
    let [one] = &failures(&house).await[..] else { panic!("the same, on two days") };
    assert_eq!((one.times, one.last_at), (2, house.provider.now()));
    house.pass_almost(DAY);
    assert_eq!(failures(&house).await[0].times, 2);
    house.pass(Duration::from_secs(1));
    assert_eq!(failures(&house).await[0].times, 1, "the first day is a week ago");
    house.pass(6 * DAY);
    assert_eq!(failures(&house).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_come_at_once_at_two_servers_are_all_counted() {
    let house = House::new().await;
    let twin = house.twin().await;
    for round in 1..=20 {
        race(16, |number| {
            let house = if number % 2 == 0 { house.clone() } else { twin.clone() };
            async move {
                let form = "grant_type=refresh_token&refresh_token=nonsense&client_id=vc_unknown";
                assert!(house.provider.token(&Parameters::parse(form.as_bytes()), None, ADDRESS).await.is_err());
            }
        })
        .await;
        let times: u64 = failures(&house).await.iter().map(|one| one.times).sum();
        assert_eq!(times, 16 * round);
    }
}
