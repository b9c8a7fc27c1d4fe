//! The issuer that a store belongs to.

use oauth::Issuer;
use provider::{AdministrationError, AuditAction};
use store::{Store, StoreLocation};
use testkit::{RedisServer, direct::TestProvider, race};

const MOVED: &str = "https://login.example.org";

async fn moved(server: &TestProvider, issuer: &str) -> TestProvider {
    server
        .twin_with(|settings| settings.issuer = Issuer::parse(issuer).expect("an issuer"))
        .await
}

async fn a_changed_issuer_is_told_until_it_is_accepted(store: Store) {
    let server = TestProvider::over(store).await;
    assert!(
        server
            .provider
            .issuer_record()
            .issuer_change()
            .await
            .expect("compared")
            .is_none(),
        "a store of before says nothing"
    );
    assert!(
        server
            .provider
            .issuer_record()
            .claim_issuer()
            .await
            .expect("recorded")
            .is_none()
    );
    let second = moved(&server, MOVED).await;
    for _ in 0..2 {
        let change = second
            .provider
            .issuer_record()
            .claim_issuer()
            .await
            .expect("compared")
            .expect("a change");
        assert_eq!(
            (change.recorded.issuer.as_str(), change.issuer.as_str()),
            (testkit::direct::ISSUER, MOVED)
        );
    }
    assert!(
        server
            .provider
            .issuer_record()
            .claim_issuer()
            .await
            .expect("compared")
            .is_none(),
        "looking changes nothing"
    );

    let terminal = second.provider.terminal();
    let other = server.provider.terminal();
    let refused = terminal.accept_issuer("https://elsewhere.example").await;
    assert!(
        matches!(refused, Err(AdministrationError::Conflict(_))),
        "another one than the configured"
    );
    let report = terminal.accept_issuer(MOVED).await.expect("accepted");
    assert!(
        report.change().is_none()
            && report
                .recorded
                .is_some_and(|recorded| recorded.issuer == MOVED)
    );
    assert!(
        second
            .provider
            .issuer_record()
            .issuer_change()
            .await
            .expect("compared")
            .is_none()
    );
    assert!(
        server
            .provider
            .issuer_record()
            .issuer_change()
            .await
            .expect("compared")
            .is_some(),
        "the server of before is told now"
    );
    terminal
        .accept_issuer(MOVED)
        .await
        .expect("accepted already");
    let events: Vec<_> = server
        .audit_log()
        .await
        .into_iter()
        .map(|entry| (entry.event.action, entry.event.about))
        .collect();
    assert_eq!(
        events,
        [(
            AuditAction::IssuerAccepted,
            Some(format!("{} → {MOVED}", testkit::direct::ISSUER))
        )]
    );
    assert!(other.issuer().await.expect("a report").change().is_some());
}

async fn of_two_servers_that_start_at_once_one_records_its_issuer(store: Store) {
    let server = TestProvider::over(store).await;
    let servers = [server.clone(), moved(&server, MOVED).await];
    let changes = race(2, |number| {
        let server = servers[number].clone();
        async move {
            server
                .provider
                .issuer_record()
                .claim_issuer()
                .await
                .expect("compared")
                .is_some()
        }
    });
    assert_eq!(
        changes.await.into_iter().filter(|changed| *changed).count(),
        1
    );
}

#[tokio::test]
async fn a_changed_issuer_is_told_on_the_embedded_engine() {
    a_changed_issuer_is_told_until_it_is_accepted(
        Store::open(&StoreLocation::Memory).await.expect("a store"),
    )
    .await;
    of_two_servers_that_start_at_once_one_records_its_issuer(
        Store::open(&StoreLocation::Memory).await.expect("a store"),
    )
    .await;
}

#[tokio::test]
async fn a_changed_issuer_is_told_on_redis() {
    for case in [true, false] {
        let redis = RedisServer::start();
        let store = Store::open(&StoreLocation::Redis(redis.url()))
            .await
            .expect("a store");
        if case {
            a_changed_issuer_is_told_until_it_is_accepted(store).await;
        } else {
            of_two_servers_that_start_at_once_one_records_its_issuer(store).await;
        }
    }
}
