//! A test issuer, and a function that signs payloads that no issuer would sign.

use access_token::{Audience, KeyRing, NewKeys, TokenFormat, TokenService, TokenSubject, Verifier};
use ed25519_compact::{KeyPair, Seed};
use pasetors::{keys::AsymmetricSecretKey, version4::PublicToken};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, macros::datetime};

pub(crate) const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00 UTC);
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const NOTES: &str = "https://notes.example/mcp";
pub(crate) const SEED: [u8; 32] = [1; 32];

pub(crate) fn service() -> TokenService {
    let ring = KeyRing::first(NOON, &SEED).expect("a seed");
    TokenService::new(ISSUER.into(), Duration::HOUR, ring)
}

pub(crate) fn new_keys(byte: u8) -> NewKeys {
    NewKeys {
        seed: [byte; 32],
        jwt: Vec::new(),
    }
}

pub(crate) fn subject(scope: &str) -> TokenSubject {
    TokenSubject {
        sub: "person".into(),
        aud: NOTES.into(),
        client_id: "client".into(),
        device_id: "phone".into(),
        scope: scope.into(),
        grant: Some("grant".into()),
        email: None,
        name: None,
    }
}

pub(crate) fn token(service: &TokenService, now: OffsetDateTime, scope: &str) -> String {
    service
        .issue(now, [5; 16], subject(scope), TokenFormat::Paseto)
        .expect("issued")
        .token
}

pub(crate) fn verifier(service: &TokenService) -> Verifier {
    Verifier::beside(service.clone(), Audience::Exactly(NOTES.into()))
}

/// The claims of a token that is issued at noon.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "person", "aud": NOTES, "client_id": "client", "device_id": "phone",
        "scope": "notes:read", "iat": "2026-11-23T12:00:00Z", "exp": "2026-11-23T13:00:00Z", "jti": "1",
    })
}

/// Signs any payload with the key of [`service`], under its key id.
pub(crate) fn sign(payload: &str, implicit: Option<&[u8]>) -> String {
    let secret =
        AsymmetricSecretKey::from(&KeyPair::from_seed(Seed::new(SEED)).sk[..]).expect("a key");
    let footer = json!({ "kid": service().ring().active().id() }).to_string();
    PublicToken::sign(
        &secret,
        payload.as_bytes(),
        Some(footer.as_bytes()),
        implicit,
    )
    .expect("signed")
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
