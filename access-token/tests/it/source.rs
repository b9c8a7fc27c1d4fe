//! A verifier with fetched keys: how often it fetches them, and what it does when the source fails.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
};

use access_token::{
    Audience, Invalid, KeySet, KeySetSource, Refusal, SourceError, TokenService, Verifier,
};
use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use crate::support::{ISSUER, NOON, NOTES, new_keys, service, token};

struct TestSource {
    service: TokenService,
    fetches: AtomicU32,
    down: AtomicBool,
}

#[async_trait]
impl KeySetSource for TestSource {
    async fn fetch(&self) -> Result<KeySet, SourceError> {
        self.fetches.fetch_add(1, SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if self.down.load(SeqCst) {
            Err(SourceError("down".into()))
        } else {
            Ok(self.service.key_set(NOON))
        }
    }
}

fn remote_verifier() -> (Arc<TestSource>, Arc<Verifier>) {
    let source = Arc::new(TestSource {
        service: service(),
        fetches: AtomicU32::new(0),
        down: AtomicBool::new(false),
    });
    let verifier = Verifier::new(
        ISSUER.into(),
        Audience::Exactly(NOTES.into()),
        source.clone(),
    );
    (source, Arc::new(verifier))
}

fn rotate(source: &TestSource, now: OffsetDateTime, byte: u8) {
    let ring = source
        .service
        .ring()
        .rotate(now, &new_keys(byte), Duration::HOUR)
        .expect("rotated");
    source.service.replace_ring(ring);
}

#[tokio::test]
async fn concurrent_callers_fetch_the_keys_once() {
    let (source, verifier) = remote_verifier();
    let token = token(&source.service, NOON, "");
    let all: Vec<_> = (0..64)
        .map(|_| {
            let verifier = Arc::clone(&verifier);
            let token = token.clone();
            tokio::spawn(async move { verifier.verify(&token, NOON).await })
        })
        .collect();
    for one in all {
        assert!(one.await.expect("no panic").is_ok());
    }
    assert_eq!(source.fetches.load(SeqCst), 1);
}

#[tokio::test]
async fn a_rotation_is_picked_up_and_unknown_keys_do_not_hammer_the_issuer() {
    let (source, verifier) = remote_verifier();
    let old = token(&source.service, NOON, "");
    assert!(verifier.verify(&old, NOON).await.is_ok());
    rotate(&source, NOON, 2);
    let new = token(&source.service, NOON, "");

    let soon = NOON + Duration::seconds(9);
    assert_eq!(
        verifier.verify(&new, soon).await,
        Err(Refusal::Invalid(Invalid::UnknownKey))
    );
    assert_eq!(
        source.fetches.load(SeqCst),
        1,
        "no second request within ten seconds"
    );
    assert!(
        verifier
            .verify(&new, NOON + Duration::seconds(10))
            .await
            .is_ok()
    );
    assert!(
        verifier
            .verify(&old, NOON + Duration::seconds(11))
            .await
            .is_ok()
    );
    assert_eq!(source.fetches.load(SeqCst), 2);
}

#[tokio::test]
async fn keys_are_fetched_after_five_minutes_and_a_retired_key_expires_without_a_fetch() {
    let (source, verifier) = remote_verifier();
    let old = token(&source.service, NOON, "");
    rotate(&source, NOON, 2);
    source.service.replace_ring(
        source
            .service
            .ring()
            .rotate(NOON, &new_keys(3), Duration::minutes(5))
            .expect("rotated"),
    );
    let younger = token(&source.service, NOON, "");
    assert!(verifier.verify(&younger, NOON).await.is_ok());
    assert!(
        verifier
            .verify(&younger, NOON + Duration::minutes(4))
            .await
            .is_ok()
    );
    assert_eq!(source.fetches.load(SeqCst), 1);

    source.down.store(true, SeqCst);
    let later = NOON + Duration::minutes(5);
    assert!(
        verifier.verify(&younger, later).await.is_ok(),
        "the cached keys are still used"
    );
    assert_eq!(source.fetches.load(SeqCst), 2);
    assert!(
        verifier
            .verify(&younger, later + Duration::SECOND)
            .await
            .is_ok()
    );
    assert_eq!(
        source.fetches.load(SeqCst),
        2,
        "a failed request is not repeated at once"
    );
    assert!(
        verifier.verify(&old, later).await.is_ok(),
        "its overlap has not ended"
    );
    let after_overlap = NOON + Duration::HOUR;
    assert_eq!(
        verifier.verify(&old, after_overlap).await,
        Err(Refusal::Invalid(Invalid::RetiredKey))
    );
}

#[tokio::test]
async fn without_keys_a_token_is_neither_valid_nor_invalid() {
    let (source, verifier) = remote_verifier();
    source.down.store(true, SeqCst);
    let token = token(&source.service, NOON, "");
    assert_eq!(
        verifier.verify(&token, NOON).await,
        Err(Refusal::NoKeys(SourceError("down".into())))
    );
    source.down.store(false, SeqCst);
    assert!(
        matches!(verifier.verify(&token, NOON).await, Err(Refusal::NoKeys(_))),
        "the last request was less than a second ago"
    );
    assert!(
        verifier
            .verify(&token, NOON + Duration::SECOND)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn keys_older_than_a_day_are_not_used() {
    let (source, verifier) = remote_verifier();
    let first = token(&source.service, NOON, "");
    assert!(verifier.verify(&first, NOON).await.is_ok());
    source.down.store(true, SeqCst);
    let tomorrow = NOON + Duration::DAY;
    let token = token(&source.service, tomorrow, "");
    assert!(
        verifier
            .verify(&token, tomorrow - Duration::seconds(20))
            .await
            .is_ok()
    );
    assert!(matches!(
        verifier.verify(&token, tomorrow).await,
        Err(Refusal::NoKeys(_))
    ));
}
