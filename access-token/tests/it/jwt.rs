//! JWT access tokens (RFC 9068): who accepts them, and every forgery that is known.

use std::sync::Arc;

use access_token::{
    Audience, Invalid, Jwks, JwtRing, JwtSigningKey, JwtType, KeyRing, KeySet, KeySetSource,
    NewKeys, Refusal, SigningAlgorithm, SourceError, TokenFormat, TokenService, Verifier,
};
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::support::{ISSUER, NOON, NOTES, SEED, block_on, new_keys, subject};

/// A document of keys that does not change.
#[derive(Debug)]
struct Fixed(Jwks);

#[async_trait]
impl KeySetSource<Jwks> for Fixed {
    async fn fetch(&self) -> Result<Jwks, SourceError> {
        Ok(self.0.clone())
    }
}

/// The same for PASETO.
#[derive(Debug)]
struct FixedPaseto(KeySet);

#[async_trait]
impl KeySetSource for FixedPaseto {
    async fn fetch(&self) -> Result<KeySet, SourceError> {
        Ok(self.0.clone())
    }
}

fn key(algorithm: SigningAlgorithm) -> JwtSigningKey {
    JwtSigningKey::generate(algorithm).expect("a key")
}

fn keys_of(algorithm: SigningAlgorithm) -> JwtRing {
    JwtRing::first(key(algorithm), key(algorithm), NOON).expect("two keys")
}

/// An issuer with keys of every algorithm.
fn service() -> TokenService {
    let ring = KeyRing::first(NOON, &SEED).expect("a seed");
    let ring = SigningAlgorithm::ALL
        .into_iter()
        .fold(ring, |ring, algorithm| ring.with_jwt(keys_of(algorithm)));
    TokenService::new(ISSUER.into(), Duration::HOUR, ring)
}

fn format(algorithm: SigningAlgorithm) -> TokenFormat {
    TokenFormat::Jwt {
        algorithm,
        jwt_type: JwtType::AccessToken,
    }
}

fn issue(service: &TokenService, format: TokenFormat) -> String {
    let issued = service.issue(NOON, [5; 16], subject("notes:read"), format);
    issued.expect("issued").token
}

fn remote(service: &TokenService, now: OffsetDateTime) -> Verifier {
    let published = service.ring().jwks(now).to_published();
    let keys = Jwks::parse(&published).expect("the published keys");
    let audience = Audience::Exactly(NOTES.into());
    Verifier::jwt(ISSUER.into(), audience, Arc::new(Fixed(keys)))
}

fn beside(service: &TokenService) -> Verifier {
    Verifier::beside(service.clone(), Audience::Exactly(NOTES.into()))
}

fn refusal(verifier: &Verifier, token: &str) -> Invalid {
    match block_on(verifier.verify(token, NOON)) {
        Err(Refusal::Invalid(why)) => why,
        other => panic!("expected a refusal of {token}, got {other:?}"),
    }
}

/// The decoded parts of a JWT.
fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.');
    [(); 2].map(|()| {
        let part = parts.next().expect("a part");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    })
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_jwt_of_each_algorithm_is_verified_beside_the_issuer_and_elsewhere() {
    let service = service();
    for algorithm in SigningAlgorithm::ALL {
        let token = issue(&service, format(algorithm));
        let [header, claims] = parts(&token);
        let ring = service.ring();
        let active = ring.jwt_ring(algorithm).expect("keys").active();
        assert_eq!(
            header,
            json!({"alg": algorithm.as_str(), "kid": active.kid(), "typ": "at+jwt"})
        );
        assert_eq!(
            claims,
            json!({
                "iss": ISSUER, "sub": "person", "aud": NOTES, "client_id": "client",
                "device_id": "phone", "scope": "notes:read", "iat": NOON.unix_timestamp(),
                "exp": NOON.unix_timestamp() + 3600, "jti": "BQUFBQUFBQUFBQUFBQUFBQ", "grant": "grant",
            })
        );
        for verifier in [beside(&service), remote(&service, NOON)] {
            let read = block_on(verifier.verify(&token, NOON)).expect("good");
            assert_eq!([&*read.sub, &*read.aud], ["person", NOTES]);
            assert_eq!([read.iat, read.exp], [NOON, NOON + Duration::HOUR]);
            assert_eq!(read.grant.as_deref(), Some("grant"));
            let late = NOON + Duration::hours(2);
            let refused = block_on(verifier.verify(&token, late));
            assert_eq!(refused, Err(Refusal::Invalid(Invalid::Expired)));
        }
    }
}

#[test]
fn what_a_resource_may_know_of_the_person_is_in_the_token() {
    let service = service();
    let mut subject = subject("");
    subject.email = Some("ada@example.com".into());
    subject.name = Some("Ad\u{e1} \"L\" \u{1f98a}".into());
    for format in [TokenFormat::Paseto, format(SigningAlgorithm::Es256)] {
        let issued = service.issue(NOON, [5; 16], subject.clone(), format);
        let read = block_on(beside(&service).verify(&issued.expect("issued").token, NOON));
        let read = read.expect("good");
        assert_eq!(read.email.as_deref(), Some("ada@example.com"));
        assert_eq!(read.name, subject.name);
    }
}

#[test]
fn a_resource_of_one_format_refuses_the_other() {
    let service = service();
    let paseto = issue(&service, TokenFormat::Paseto);
    assert_eq!(refusal(&remote(&service, NOON), &paseto), Invalid::NotAJwt);
    let set = service.key_set(NOON);
    let audience = Audience::Exactly(NOTES.into());
    let verifier = Verifier::new(ISSUER.into(), audience, Arc::new(FixedPaseto(set)));
    for algorithm in SigningAlgorithm::ALL {
        let jwt = issue(&service, format(algorithm));
        assert_eq!(refusal(&verifier, &jwt), Invalid::Header);
    }
}

#[test]
fn the_issuer_s_own_verifier_accepts_one_format_if_it_is_told_to() {
    let service = service();
    let jwt = format(SigningAlgorithm::Es256);
    for [own, other] in [[jwt, TokenFormat::Paseto], [TokenFormat::Paseto, jwt]] {
        let verifier = beside(&service).only(own);
        assert!(block_on(verifier.verify(&issue(&service, own), NOON)).is_ok());
        let why = refusal(&verifier, &issue(&service, other));
        assert!([Invalid::NotAJwt, Invalid::Header].contains(&why), "{why}");
    }
}

#[test]
fn forged_headers_are_refused() {
    let service = service();
    let token = issue(&service, format(SigningAlgorithm::Rs256));
    let [header, claims] = parts(&token);
    let ring = service.ring();
    let rsa = ring
        .jwt_ring(SigningAlgorithm::Rs256)
        .expect("keys")
        .active();
    let ec = ring
        .jwt_ring(SigningAlgorithm::Es256)
        .expect("keys")
        .active();
    let signature = token.rsplit('.').next().expect("a signature");
    let with = |member: &str, value: Value| {
        let mut header = header.clone();
        header[member] = value;
        format!("{}.{}.{signature}", encode(&header), encode(&claims))
    };
    let without = |member: &str| {
        let mut header = header.clone();
        header.as_object_mut().expect("an object").remove(member);
        format!("{}.{}.{signature}", encode(&header), encode(&claims))
    };
    // CVE-2015-9235 and CVE-2016-5431: no signature, and the public key as the key of an HMAC.
    let unsigned = format!(
        "{}.{}.",
        encode(&json!({"alg": "none", "kid": rsa.kid(), "typ": "at+jwt"})),
        encode(&claims)
    );
    let public = rsa.public().to_published().to_string();
    let hs256 = encode(&json!({"alg": "HS256", "kid": rsa.kid(), "typ": "at+jwt"}));
    let message = format!("{hs256}.{}", encode(&claims));
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()),
        message.as_bytes(),
    );
    let hmac = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag));
    let zeros = token.replace(signature, &BASE64_URL_SAFE_NO_PAD.encode([0; 256]));
    // A key that its sender made, which the header brings along.
    let own = key(SigningAlgorithm::Rs256);
    let foreign = own.sign("at+jwt", &claims).expect("signed");
    let embedded = with("jwk", own.public().to_published());
    for verifier in [beside(&service), remote(&service, NOON)] {
        for (token, why) in [
            (&unsigned, Invalid::Algorithm),
            (&hmac, Invalid::Algorithm),
            (&with("alg", json!("NONE")), Invalid::Algorithm),
            (&with("alg", json!("PS256")), Invalid::Algorithm),
            (&with("alg", json!("ES256")), Invalid::Signature),
            (&with("kid", json!(ec.kid())), Invalid::Signature),
            (&with("kid", json!("other")), Invalid::UnknownKey),
            (&without("kid"), Invalid::NoKeyId),
            (&without("typ"), Invalid::Type),
            (&without("alg"), Invalid::NotAJwt),
            (&with("typ", json!("dpop+jwt")), Invalid::Type),
            (&with("crit", json!(["exp"])), Invalid::Type),
            (&foreign, Invalid::UnknownKey),
            (&embedded, Invalid::Signature),
            (&zeros, Invalid::Signature),
            (&format!("{token}="), Invalid::NotAJwt),
            (&format!("{token}.x"), Invalid::NotAJwt),
            (&"ey".repeat(4500), Invalid::TooLong),
        ] {
            assert_eq!(refusal(&verifier, token), why, "{token}");
        }
    }
}

#[test]
fn only_the_claims_of_an_access_token_for_this_resource_count() {
    let service = service();
    let ring = service.ring();
    let active = ring
        .jwt_ring(SigningAlgorithm::EdDsa)
        .expect("keys")
        .active();
    let [_, claims] = parts(&issue(&service, format(SigningAlgorithm::EdDsa)));
    let with = |member: &str, value: Value| {
        let mut claims = claims.clone();
        claims[member] = value;
        active.sign("at+jwt", &claims).expect("signed")
    };
    for verifier in [beside(&service), remote(&service, NOON)] {
        for (member, value, why) in [
            ("iss", json!("https://other.example"), Invalid::Issuer),
            ("aud", json!("https://other.example/mcp"), Invalid::Audience),
            ("aud", json!([NOTES]), Invalid::NotAJwt),
            ("exp", json!(NOON.unix_timestamp() - 60), Invalid::Expired),
            ("exp", json!("2026-11-23T13:00:00Z"), Invalid::NotAJwt),
            (
                "iat",
                json!(NOON.unix_timestamp() + 60),
                Invalid::NotYetValid,
            ),
            ("scope", Value::Null, Invalid::NotAJwt),
            ("sub", json!(1), Invalid::NotAJwt),
        ] {
            assert_eq!(refusal(&verifier, &with(member, value)), why, "{member}");
        }
    }
}

#[test]
fn a_resource_chooses_the_type_of_its_tokens() {
    let service = service();
    let of_type = |jwt_type| TokenFormat::Jwt {
        algorithm: SigningAlgorithm::Es256,
        jwt_type,
    };
    for [own, other] in [
        [JwtType::AccessToken, JwtType::Jwt],
        [JwtType::Jwt, JwtType::AccessToken],
    ] {
        let verifier = remote(&service, NOON).of_type(own);
        let good = issue(&service, of_type(own));
        assert!(block_on(verifier.verify(&good, NOON)).is_ok());
        let bad = issue(&service, of_type(other));
        assert_eq!(refusal(&verifier, &bad), Invalid::Type);
    }
}

#[test]
fn a_retired_key_and_a_removed_key_verify_nothing() {
    let service = service();
    let token = issue(&service, format(SigningAlgorithm::Es256));
    let ring = service.ring();
    let old = ring.jwt_ring(SigningAlgorithm::Es256).expect("keys");
    let new = || NewKeys {
        jwt: SigningAlgorithm::ALL.map(key).to_vec(),
        ..new_keys(7)
    };
    let removed = ring.without(old.active().kid(), NOON, &new());
    let removed = removed.expect("a ring").expect("there was one");
    let rotated = ring
        .rotate(NOON, &new(), Duration::MINUTE)
        .expect("rotated");
    service.replace_ring(rotated);
    assert!(block_on(beside(&service).verify(&token, NOON)).is_ok());
    assert!(block_on(remote(&service, NOON).verify(&token, NOON)).is_ok());
    let end = NOON + Duration::hours(2) + Duration::MINUTE;
    let patient = beside(&service).allowing_skew(Duration::DAY);
    assert_eq!(
        block_on(patient.verify(&token, end)),
        Err(Refusal::Invalid(Invalid::RetiredKey))
    );
    assert_eq!(refusal(&remote(&service, end), &token), Invalid::UnknownKey);
    service.replace_ring(removed);
    for verifier in [beside(&service), remote(&service, NOON)] {
        assert_eq!(refusal(&verifier, &token), Invalid::UnknownKey);
    }
}
