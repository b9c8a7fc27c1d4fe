//! A token's way from the service to the verifier, and every way to be refused there.

use access_token::{Audience, Claims, Invalid, IssueError, KeyRing, Refusal, Verifier};
use pasetors::{keys::SymmetricKey, version4::LocalToken};
use time::Duration;

use crate::support::{
    ISSUER, NOON, NOTES, SEED, block_on, claims, service, sign, subject, token, verifier,
};

fn refusal(verifier: &Verifier, token: &str, now: time::OffsetDateTime) -> Invalid {
    match block_on(verifier.verify(token, now)) {
        Err(Refusal::Invalid(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_token_says_what_its_subject_was() {
    let service = service();
    let issued = service
        .issue(
            NOON + Duration::milliseconds(900),
            [5; 16],
            subject("notes:read"),
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
    };
    assert_eq!(read, expected);
    assert!(!format!("{issued:?}").contains("v4.public"));
}

#[test]
fn a_verifier_of_any_audience_takes_every_live_token_of_the_issuer() {
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
fn a_token_is_good_from_its_issue_until_the_second_of_its_expiry() {
    let service = service();
    let (verifier, token) = (verifier(&service), token(&service, NOON, ""));
    let expiry = NOON + Duration::HOUR;
    assert!(block_on(verifier.verify(&token, expiry - Duration::MILLISECOND)).is_ok());
    assert_eq!(refusal(&verifier, &token, expiry), Invalid::Expired);
    assert!(block_on(verifier.verify(&token, NOON - Duration::seconds(30))).is_ok());
    assert_eq!(
        refusal(&verifier, &token, NOON - Duration::seconds(31)),
        Invalid::NotYetValid
    );

    let patient = crate::support::verifier(&service).allowing_skew(Duration::MINUTE);
    assert!(block_on(patient.verify(&token, expiry + Duration::seconds(59))).is_ok());
    assert_eq!(
        refusal(&patient, &token, expiry + Duration::MINUTE),
        Invalid::Expired
    );
}

#[test]
fn t_c21_another_kind_of_token_or_another_implicit_assertion_is_refused() {
    let service = service();
    let verifier = verifier(&service);
    let good = token(&service, NOON, "");
    // v4.local under the bytes that everybody knows: the public key taken for a shared secret.
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
fn an_unknown_key_and_a_stranger_under_a_known_key_id_are_told_apart() {
    let stranger = KeyRing::first(NOON, &[66; 32]).expect("a seed");
    let strange = access_token::TokenService::new(ISSUER.into(), Duration::HOUR, stranger);
    let foreign = token(&strange, NOON, "");
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
fn well_signed_claims_that_are_not_those_of_an_access_token_are_refused() {
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
fn t_c22_a_key_retired_past_its_overlap_verifies_nothing() {
    let service = service();
    let verifier = verifier(&service);
    let old = token(&service, NOON, "");
    service.replace_ring(
        service
            .ring()
            .rotate(NOON, &[2; 32], Duration::minutes(30))
            .expect("rotated"),
    );
    let new = token(&service, NOON, "");
    let over = NOON + Duration::minutes(30);
    assert!(block_on(verifier.verify(&old, over - Duration::SECOND)).is_ok());
    assert_eq!(refusal(&verifier, &old, over), Invalid::RetiredKey);
    assert!(block_on(verifier.verify(&new, over)).is_ok());
    // The next rotation forgets it.
    service.replace_ring(
        service
            .ring()
            .rotate(over, &[3; 32], Duration::HOUR)
            .expect("rotated"),
    );
    assert_eq!(refusal(&verifier, &old, over), Invalid::UnknownKey);
}

#[test]
fn claims_too_long_to_be_verified_are_not_issued() {
    let refused = service().issue(NOON, [5; 16], subject(&"x".repeat(7000)));
    assert_eq!(refused.expect_err("too long"), IssueError::TooLong);
}
