//! Tokens from the service to the verifier, and all reasons for a refusal.

use access_token::{
    Audience, Claims, Invalid, IssueError, KeyRing, Refusal, TokenFormat, Verifier,
};
use pasetors::{keys::SymmetricKey, version4::LocalToken};
use time::Duration;

use crate::support::{
    ISSUER, NOON, NOTES, SEED, block_on, claims, new_keys, service, sign, subject, token, verifier,
};

fn refusal(verifier: &Verifier, token: &str, now: time::OffsetDateTime) -> Invalid {
    match block_on(verifier.verify(token, now)) {
        Err(Refusal::Invalid(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_token_has_the_claims_of_its_subject() {
    let service = service();
    let issued = service
        .issue(
            NOON + Duration::milliseconds(900),
            [5; 16],
            subject("notes:read"),
            TokenFormat::Paseto,
        )
        .expect("issued");
    assert_eq!(
        (issued.expires_in, issued.jti.as_str()),
        (3600, "BQUFBQUFBQUFBQUFBQUFBQ")
    );
    let read =
        block_on(verifier(&service).verify(&issued.token, NOON + Duration::SECOND)).expect("good");
    let expected = Claims {
        iss: ISSUER.into(),
        sub: "person".into(),
        aud: NOTES.into(),
        client_id: "client".into(),
        device_id: "phone".into(),
        scope: "notes:read".into(),
        iat: NOON,
        exp: NOON + Duration::HOUR,
        jti: issued.jti.clone(),
        grant: Some("grant".into()),
        email: None,
        name: None,
    };
    assert_eq!(read, expected);
    assert!(!format!("{issued:?}").contains("v4.public"));
}

#[test]
fn a_verifier_for_any_audience_accepts_every_valid_token_of_the_issuer() {
    let service = service();
    let any = Verifier::beside(service.clone(), Audience::Any);
    assert!(block_on(any.verify(&token(&service, NOON, ""), NOON)).is_ok());
}

#[test]
fn a_token_of_another_issuer_or_for_another_service_is_refused() {
    let service = service();
    let good = token(&service, NOON, "");
    let elsewhere = Verifier::beside(
        service,
        Audience::Exactly("https://notes.example/mcp/".into()),
    );
    assert_eq!(refusal(&elsewhere, &good, NOON), Invalid::Audience);

    let mut foreign = claims();
    foreign["iss"] = "https://id.example/".into();
    assert_eq!(
        refusal(
            &verifier(&crate::support::service()),
            &sign(&foreign.to_string(), None),
            NOON
        ),
        Invalid::Issuer
    );
}

#[test]
fn a_token_is_valid_from_its_issue_until_its_expiry() {
    let service = service();
    let verifier = verifier(&service);
    let token = token(&service, NOON, "");
    let expiry = NOON + Duration::HOUR;
    assert!(block_on(verifier.verify(&token, expiry - Duration::MILLISECOND)).is_ok());
    assert_eq!(refusal(&verifier, &token, expiry), Invalid::Expired);
    assert!(block_on(verifier.verify(&token, NOON - Duration::seconds(30))).is_ok());
    assert_eq!(
        refusal(&verifier, &token, NOON - Duration::seconds(31)),
        Invalid::NotYetValid
    );

    let tolerant = crate::support::verifier(&service).allowing_skew(Duration::MINUTE);
    assert!(block_on(tolerant.verify(&token, expiry + Duration::seconds(59))).is_ok());
    assert_eq!(
        refusal(&tolerant, &token, expiry + Duration::MINUTE),
        Invalid::Expired
    );
}

#[test]
fn t_c21_another_kind_of_token_or_another_implicit_assertion_is_refused() {
    let service = service();
    let verifier = verifier(&service);
    let good = token(&service, NOON, "");
    // v4.local under the public key as the shared secret.
    let pair = ed25519_compact::KeyPair::from_seed(ed25519_compact::Seed::new(SEED));
    let shared = SymmetricKey::from(&pair.pk[..]).expect("32 bytes");
    let footer = serde_json::json!({ "kid": service.ring().active().id() }).to_string();
    let local = LocalToken::encrypt(
        &shared,
        claims().to_string().as_bytes(),
        Some(footer.as_bytes()),
        None,
    );
    assert_eq!(
        refusal(&verifier, &local.expect("sealed"), NOON),
        Invalid::Header
    );
    assert_eq!(
        refusal(
            &verifier,
            &good.replacen("v4.public.", "v3.public.", 1),
            NOON
        ),
        Invalid::Header
    );
    assert_eq!(
        refusal(
            &verifier,
            &good.replacen("v4.public.", "v4.local.", 1),
            NOON
        ),
        Invalid::Header
    );

    assert!(block_on(verifier.verify(&sign(&claims().to_string(), None), NOON)).is_ok());
    let asserted = sign(&claims().to_string(), Some(b"device"));
    assert_eq!(refusal(&verifier, &asserted, NOON), Invalid::Signature);
}

#[test]
fn an_unknown_key_and_a_wrong_key_under_a_known_id_are_distinguished() {
    let other = KeyRing::first(NOON, &[66; 32]).expect("a seed");
    let other = access_token::TokenService::new(ISSUER.into(), Duration::HOUR, other);
    let foreign = token(&other, NOON, "");
    let verifier = verifier(&service());
    assert_eq!(refusal(&verifier, &foreign, NOON), Invalid::UnknownKey);

    let own = token(&service(), NOON, "");
    let (body, _) = foreign.rsplit_once('.').expect("a footer");
    let (_, footer) = own.rsplit_once('.').expect("a footer");
    assert_eq!(
        refusal(&verifier, &format!("{body}.{footer}"), NOON),
        Invalid::Signature
    );
}

#[test]
fn signed_claims_of_another_kind_are_refused() {
    let verifier = verifier(&service());
    for missing in [
        "iss",
        "sub",
        "aud",
        "client_id",
        "device_id",
        "scope",
        "iat",
        "exp",
        "jti",
    ] {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(missing);
        assert_eq!(
            refusal(&verifier, &sign(&claims.to_string(), None), NOON),
            Invalid::Claims,
            "{missing}"
        );
    }
    let twice = claims().to_string().replacen('{', r#"{"sub":"admin","#, 1);
    for payload in [twice.as_str(), "{}", "[]", "null", "text", r#"{"exp":1}"#] {
        assert_eq!(
            refusal(&verifier, &sign(payload, None), NOON),
            Invalid::Claims,
            "{payload}"
        );
    }
}

#[test]
fn the_shape_of_a_token_is_checked_before_its_signature() {
    let service = service();
    let verifier = verifier(&service);
    let good = token(&service, NOON, "");
    let (body, footer) = good.rsplit_once('.').expect("a footer");
    assert_eq!(refusal(&verifier, body, NOON), Invalid::Footer);
    assert_eq!(
        refusal(&verifier, &format!("{body}.{}", "A".repeat(400)), NOON),
        Invalid::FooterTooLarge
    );
    assert_eq!(
        refusal(&verifier, &format!("{body}=.{footer}"), NOON),
        Invalid::Encoding
    );
    assert_eq!(
        refusal(&verifier, &format!("{good}{}", "A".repeat(9000)), NOON),
        Invalid::TooLong
    );
    assert_eq!(refusal(&verifier, "", NOON), Invalid::Header);
}

#[test]
fn t_c22_a_key_does_not_verify_after_its_overlap() {
    let service = service();
    let verifier = verifier(&service);
    let old = token(&service, NOON, "");
    service.replace_ring(
        service
            .ring()
            .rotate(NOON, &new_keys(2), Duration::minutes(30))
            .expect("rotated"),
    );
    let new = token(&service, NOON, "");
    let over = NOON + Duration::minutes(30);
    assert!(block_on(verifier.verify(&old, over - Duration::SECOND)).is_ok());
    assert_eq!(refusal(&verifier, &old, over), Invalid::RetiredKey);
    assert!(block_on(verifier.verify(&new, over)).is_ok());
    // The next rotation drops it.
    service.replace_ring(
        service
            .ring()
            .rotate(over, &new_keys(3), Duration::HOUR)
            .expect("rotated"),
    );
    assert_eq!(refusal(&verifier, &old, over), Invalid::UnknownKey);
}

#[test]
fn claims_that_are_too_long_are_not_issued() {
    let refused = service().issue(
        NOON,
        [5; 16],
        subject(&"x".repeat(7000)),
        TokenFormat::Paseto,
    );
    assert_eq!(refused.expect_err("too long"), IssueError::TooLong);
}
