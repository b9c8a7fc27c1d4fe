use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://auth.example.com";
const TOKEN_ENDPOINT: &str = "https://auth.example.com/token";
const AUDIENCES: [&str; 2] = [ISSUER, TOKEN_ENDPOINT];
const NOW: u64 = 1_800_000_000;
const CLIENT: &str = "https://app.example/client.json";

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ed25519() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed")
}

fn keys() -> Jwks {
    let x = encode(ed25519().public_key());
    Jwks::parse(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": x}]}))
        .expect("a key of use")
}

fn claims() -> Value {
    json!({"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "nbf": NOW, "jti": "j"})
}

fn sign(header: &Value, claims: &Value) -> String {
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    let signature = encode(ed25519().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn verify(text: &str) -> Result<VerifiedAssertion, AssertionError> {
    Assertion::parse(text)?
        .validate(CLIENT, &AUDIENCES, Timestamp::from_seconds(NOW))?
        .verify(&keys())
}

/// The result for claims with a valid signature of the client.
fn verify_claims(claims: &Value) -> Result<VerifiedAssertion, &'static str> {
    verify(&sign(&json!({"alg": "EdDSA"}), claims)).map_err(why)
}

fn why(reason: AssertionError) -> &'static str {
    match reason {
        AssertionError::Unreadable(fault) => fault.words(),
        AssertionError::Unacceptable(fault) => fault.words(),
        AssertionError::WronglySigned(fault) => fault.words(),
        AssertionError::UnknownKey => "unknown key",
        other @ AssertionError::UnusableKeys(_) => panic!("another reason: {other}"),
    }
}

fn without(member: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(member);
    claims
}

#[test]
fn r_o23_an_assertion_is_verified_by_a_key_of_its_client() {
    let header = json!({"alg": "EdDSA", "kid": "o"});
    let text = sign(&header, &claims());
    let verified = VerifiedAssertion {
        jti: "j".to_owned(),
        expires_at: Timestamp::from_seconds(NOW + 120),
    };
    assert_eq!(verify(&text), Ok(verified));
    let assertion = Assertion::parse(&text).expect("an assertion");
    assert_eq!(
        (assertion.client_id(), format!("{assertion:?}")),
        (CLIENT, format!("Assertion({CLIENT})"))
    );
    let unsigned = text.rsplit_once('.').expect("a signature").0;
    let forged = format!("{unsigned}.{}", encode([7; 64]));
    assert_eq!(
        verify(&forged).map_err(why),
        Err("its signature does not match the key that it names")
    );
    let other_key = json!({"alg": "EdDSA", "kid": "x"});
    assert_eq!(
        verify(&sign(&other_key, &claims())).map_err(why),
        Err("unknown key")
    );
}

#[test]
fn what_cannot_be_read_is_refused_in_the_words_of_a_jwt() {
    for (header, why_not) in [
        (
            json!({"alg": "none"}),
            "its alg is not RS256, ES256 or EdDSA",
        ),
        (
            json!({"alg": "EdDSA", "crit": ["b64"]}),
            "its header has crit, but no extensions are supported",
        ),
        (json!({}), "it is not a JWT in compact form"),
    ] {
        let error = Assertion::parse(&sign(&header, &claims()));
        assert_eq!(
            error.map_err(|error| error.to_string()),
            Err(format!("invalid client assertion: {why_not}"))
        );
    }
}

#[test]
fn a_type_is_absent_plain_or_that_of_a_client_assertion() {
    let verify = |typ: &str| verify(&sign(&json!({"alg": "EdDSA", "typ": typ}), &claims()));
    for typ in [
        "JWT",
        "jwt",
        "application/jwt",
        "client-authentication+jwt",
        "application/Client-Authentication+JWT",
    ] {
        assert!(verify(typ).is_ok(), "{typ}");
    }
    for typ in [
        "",
        "at+jwt",
        "oauth-id-jag+jwt",
        "JWS",
        "application/application/jwt",
        "text/jwt",
    ] {
        assert_eq!(
            verify(typ).map_err(why),
            Err("its typ is neither JWT nor client-authentication+jwt")
        );
    }
}

#[test]
fn t_c26_issuer_and_subject_are_the_client() {
    let fault = Err("its iss and its sub are not both the client_id");
    for bad in [
        without("iss"),
        without("sub"),
        with(claims(), "iss", json!("https://other.example")),
        with(claims(), "sub", json!("acct_x")),
        with(with(claims(), "iss", json!("other")), "sub", json!("other")),
        with(with(claims(), "iss", Value::Null), "sub", Value::Null),
    ] {
        assert_eq!(verify_claims(&bad), fault, "{bad}");
    }
}

#[test]
fn t_c26_the_audience_is_the_issuer_or_the_token_endpoint_and_nothing_else() {
    for good in [
        json!(ISSUER),
        json!(TOKEN_ENDPOINT),
        json!([ISSUER]),
        json!([TOKEN_ENDPOINT]),
    ] {
        assert!(
            verify_claims(&with(claims(), "aud", good.clone())).is_ok(),
            "{good}"
        );
    }
    for bad in [
        json!("https://auth.example.com/"),
        json!("https://auth.example.com//token"),
        json!("https://auth.example.com/token/"),
        json!("https://auth.example.com/token?x"),
        json!("https://AUTH.example.com"),
        json!("https://auth.example.com:443"),
        json!("https://auth.example.com.evil.example"),
        json!("http://auth.example.com"),
        json!("https://auth.example.com/revoke"),
        json!(["https://other.example"]),
        json!(""),
    ] {
        let fault = Err("its aud is neither the issuer nor the token endpoint");
        assert_eq!(
            verify_claims(&with(claims(), "aud", bad.clone())),
            fault,
            "{bad}"
        );
    }
    for bad in [
        json!([]),
        json!([ISSUER, TOKEN_ENDPOINT]),
        json!([ISSUER, ISSUER]),
        json!([ISSUER, "https://other.example"]),
        Value::Null,
    ] {
        assert_eq!(
            verify_claims(&with(claims(), "aud", bad.clone())),
            Err("its aud is not exactly one value"),
            "{bad}"
        );
    }
    assert_eq!(
        verify_claims(&without("aud")),
        Err("its aud is not exactly one value")
    );
}

#[test]
fn t_c26_an_assertion_has_its_time() {
    let exp = |exp: Value| {
        verify_claims(&with(claims(), "exp", exp)).map(|verified| verified.expires_at.seconds())
    };
    assert_eq!(exp(json!(NOW - 59)), Ok(NOW + 1), "within the skew");
    assert_eq!(exp(json!(NOW - 60)), Err("it has expired"));
    assert_eq!(exp(json!(0)), Err("it has expired"));
    assert_eq!(exp(json!(NOW + 3660)), Ok(NOW + 3720));
    assert_eq!(
        exp(json!(NOW + 3661)),
        Err("its exp is more than an hour ahead")
    );
    assert_eq!(
        exp(json!(253_402_300_799_u64)),
        Err("its exp is more than an hour ahead")
    );
    assert_eq!(
        exp(json!(1_800_000_030.9)),
        Ok(NOW + 90),
        "a fraction is cut off"
    );
    assert_eq!(verify_claims(&without("exp")), Err("it has no exp"));
    for bad in [
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!("1800000060"),
        json!([NOW]),
    ] {
        assert_eq!(
            exp(bad.clone()),
            Err("it is not a JWT in compact form"),
            "{bad}"
        );
    }
    for start in ["nbf", "iat"] {
        let at = |seconds: u64| verify_claims(&with(claims(), start, json!(seconds))).map(|_| ());
        assert_eq!((at(0), at(NOW + 60)), (Ok(()), Ok(())), "{start}");
        assert_eq!(
            at(NOW + 61),
            Err("its nbf or iat is in the future"),
            "{start}"
        );
        assert!(verify_claims(&without(start)).is_ok(), "{start}");
    }
}

#[test]
fn t_c26_a_jti_of_bounded_length_is_required() {
    for bad in [
        without("jti"),
        with(claims(), "jti", json!("")),
        with(claims(), "jti", json!("j".repeat(257))),
    ] {
        assert_eq!(
            verify_claims(&bad),
            Err("it has no jti of 1 to 256 bytes"),
            "{bad}"
        );
    }
    assert_eq!(
        verify_claims(&with(claims(), "jti", json!("j".repeat(256))))
            .map(|verified| verified.jti.len()),
        Ok(256)
    );
    assert_eq!(
        verify_claims(&with(claims(), "jti", json!(7))),
        Err("it is not a JWT in compact form")
    );
}
