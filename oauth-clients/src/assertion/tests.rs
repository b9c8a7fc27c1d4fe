use crate::error::AssertionError;
use base64::engine::general_purpose::STANDARD;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
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

/// The key of RFC 7515 appendix A.3.
fn p256() -> EcdsaKeyPair {
    let decode = |text| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let private = decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let public = [
        &[4],
        &*decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        &*decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    ]
    .concat();
    let random = SystemRandom::new();
    EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &private,
        &public,
        &random,
    )
    .expect("a key")
}

fn rsa() -> RsaKeyPair {
    let pem = include_str!("../../tests/keys/rsa.pem");
    let base64: String = pem
        .lines()
        .skip_while(|line| !line.starts_with('-'))
        .filter(|line| !line.starts_with('-'))
        .collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).expect("base64")).expect("a key")
}

fn keys() -> Jwks {
    let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(rsa().public());
    let pair = p256();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    Jwks::read(&json!({"keys": [
        {"kty": "RSA", "kid": "r", "n": encode(n), "e": encode(e)},
        {"kty": "EC", "crv": "P-256", "kid": "e", "x": encode(x), "y": encode(y)},
        {"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": encode(ed25519().public_key())},
    ]}))
    .expect("keys of use")
}

fn claims() -> Value {
    json!({"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "nbf": NOW, "jti": "j"})
}

fn sign(header: &Value, claims: &Value) -> String {
    sign_text(&header.to_string(), &claims.to_string())
}

fn sign_text(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = match serde_json::from_str::<Value>(header)
        .ok()
        .and_then(|header| header["alg"].as_str().map(str::to_owned))
        .as_deref()
    {
        Some("RS256") => {
            let pair = rsa();
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("signed");
            signature
        }
        Some("ES256") => p256()
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("signed")
            .as_ref()
            .to_vec(),
        _ => ed25519().sign(signed.as_bytes()).as_ref().to_vec(),
    };
    format!("{signed}.{}", encode(signature))
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn verify(text: &str) -> Result<VerifiedAssertion, AssertionError> {
    Assertion::read(text)?
        .check(CLIENT, &AUDIENCES, Timestamp::from_seconds(NOW))?
        .verify(&keys())
}

/// What comes of claims that a client signed well.
fn judge(claims: &Value) -> Result<VerifiedAssertion, &'static str> {
    verify(&sign(&json!({"alg": "EdDSA"}), claims)).map_err(why)
}

fn why(reason: AssertionError) -> &'static str {
    match reason {
        AssertionError::Unacceptable(fault) => fault.words(),
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
fn r_o23_an_assertion_of_each_algorithm_is_verified() {
    let expected = VerifiedAssertion {
        jti: "j".to_owned(),
        expires_at: Timestamp::from_seconds(NOW + 120),
    };
    for (alg, kid) in [
        ("RS256", "r"),
        ("ES256", "e"),
        ("EdDSA", "o"),
        ("Ed25519", "o"),
    ] {
        for header in [
            json!({"alg": alg}),
            json!({"alg": alg, "kid": kid, "typ": "JWT"}),
        ] {
            assert_eq!(
                verify(&sign(&header, &claims())),
                Ok(expected.clone()),
                "{header}"
            );
        }
    }
    let read = Assertion::read(&sign(&json!({"alg": "RS256"}), &claims())).expect("an assertion");
    assert_eq!(
        (read.client_id(), format!("{read:?}")),
        (CLIENT, format!("Assertion({CLIENT})"))
    );
}

#[test]
fn t_c21_no_other_algorithm_is_read_and_no_key_serves_another() {
    let none = format!(
        "{}.{}.",
        encode(r#"{"alg":"none"}"#),
        encode(claims().to_string())
    );
    assert_eq!(
        verify(&none).map_err(why),
        Err("its alg is none of RS256, ES256 and EdDSA")
    );
    // The public key as a shared secret, in each form that a careless verifier would take.
    let public = [
        rsa().public().as_ref().to_vec(),
        ed25519().public_key().as_ref().to_vec(),
        STANDARD.encode(rsa().public()).into_bytes(),
    ];
    for secret in public {
        let signed = format!(
            "{}.{}",
            encode(r#"{"alg":"HS256","kid":"r"}"#),
            encode(claims().to_string())
        );
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &secret),
            signed.as_bytes(),
        );
        for alg in ["HS256", "RS256", "ES256", "EdDSA"] {
            let signed = signed.replace(
                &encode(r#"{"alg":"HS256","kid":"r"}"#),
                &encode(format!(r#"{{"alg":"{alg}"}}"#)),
            );
            assert!(
                verify(&format!("{signed}.{}", encode(tag))).is_err(),
                "{alg}"
            );
        }
        assert_eq!(
            verify(&format!("{signed}.{}", encode(tag))).map_err(why),
            Err("its alg is none of RS256, ES256 and EdDSA")
        );
    }
    for (alg, kid) in [
        ("RS256", "e"),
        ("ES256", "o"),
        ("EdDSA", "r"),
        ("EdDSA", "x"),
        ("EdDSA", ""),
    ] {
        assert_eq!(
            verify(&sign(&json!({"alg": alg, "kid": kid}), &claims())).map_err(why),
            Err("unknown key"),
            "{alg} {kid}"
        );
    }
    let other =
        Jwks::read(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": encode([9; 32])}]}))
            .expect("a key of use");
    let assertion = Assertion::read(&sign(&json!({"alg": "EdDSA", "kid": "o"}), &claims()))
        .expect("an assertion");
    let checked = assertion
        .check(CLIENT, &AUDIENCES, Timestamp::from_seconds(NOW))
        .expect("nothing else is wrong");
    let verified = checked.verify(&other);
    assert_eq!(verified.map_err(why), Err("unknown key"));
    let renamed = Jwks::read(
        &json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": encode([9; 32])}]}),
    )
    .expect("a key of use");
    let verified = checked.verify(&renamed);
    assert_eq!(
        verified.map_err(why),
        Err("its signature is not the one of the key that it names")
    );
}

#[test]
fn a_header_with_more_to_understand_or_another_type_is_refused() {
    let judged = |header: &str| {
        verify(&sign_text(header, &claims().to_string()))
            .map(|_| ())
            .map_err(why)
    };
    for typ in [
        "JWT",
        "jwt",
        "application/jwt",
        "client-authentication+jwt",
        "application/Client-Authentication+JWT",
    ] {
        assert_eq!(
            judged(&json!({"alg": "EdDSA", "typ": typ}).to_string()),
            Ok(()),
            "{typ}"
        );
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
            judged(&json!({"alg": "EdDSA", "typ": typ}).to_string()),
            Err("its typ is neither JWT nor client-authentication+jwt")
        );
    }
    for crit in ["[]", "null", r#"["b64"]"#, "1"] {
        let header = format!(r#"{{"alg":"EdDSA","crit":{crit}}}"#);
        assert_eq!(
            judged(&header),
            Err("its header has crit, and no extension is understood"),
            "{crit}"
        );
    }
    let own_key = json!({"alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode([9; 32])}, "jku": "https://evil.example"});
    assert_eq!(
        judged(&own_key.to_string()),
        Ok(()),
        "keys that a header brings along count for nothing"
    );
}

#[test]
fn an_assertion_has_one_spelling() {
    let text = sign(&json!({"alg": "EdDSA"}), &claims());
    let (header, rest) = text.split_once('.').expect("three parts");
    let object = claims().to_string();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{text}="),
        format!("{text}."),
        format!("{text}.x"),
        format!(" {text}"),
        format!("{header}={rest}"),
        format!("{header}\n.{rest}"),
        rest.to_owned(),
        sign_text(r#"["EdDSA",null,null]"#, &object),
        sign_text("{}", &object),
        sign_text(r#"{"alg":1}"#, &object),
        sign_text(r#"{"alg":"EdDSA","alg":"EdDSA"}"#, &object),
        sign_text(r#"{"alg":"EdDSA"} "x""#, &object),
        sign_text(
            r#"{"alg":"EdDSA"}"#,
            &object.replacen('{', r#"{"sub":"x","#, 1),
        ),
        sign_text(r#"{"alg":"EdDSA"}"#, &format!("[{object}]")),
    ] {
        assert_eq!(
            Assertion::read(&bad).map_err(why),
            Err("it is not a JWT in compact form"),
            "{bad}"
        );
    }
    // 64 bytes leave four unused bits in the last character: another spelling of them is another
    // text.
    let (start, last) = text.split_at(text.len() - 1);
    let other = if last == "A" { "B" } else { "_" };
    assert!(
        Assertion::read(&format!("{start}{other}")).is_err()
            || verify(&format!("{start}{other}")).is_err()
    );
    let long = sign(
        &json!({"alg": "EdDSA"}),
        &with(claims(), "x", json!("x".repeat(16 * 1024))),
    );
    assert_eq!(
        Assertion::read(&long).map_err(why),
        Err("it is longer than 16 KiB")
    );
    assert_eq!(
        Assertion::read(&"x".repeat(16_385)).map_err(why),
        Err("it is longer than 16 KiB")
    );
    assert_eq!(
        Assertion::read(&"x".repeat(16_384)).map_err(why),
        Err("it is not a JWT in compact form")
    );
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
        assert_eq!(judge(&bad), fault, "{bad}");
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
            judge(&with(claims(), "aud", good.clone())).is_ok(),
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
        assert_eq!(judge(&with(claims(), "aud", bad.clone())), fault, "{bad}");
    }
    for bad in [
        json!([]),
        json!([ISSUER, TOKEN_ENDPOINT]),
        json!([ISSUER, ISSUER]),
        json!([ISSUER, "https://other.example"]),
        Value::Null,
    ] {
        assert_eq!(
            judge(&with(claims(), "aud", bad.clone())),
            Err("its aud is not exactly one value"),
            "{bad}"
        );
    }
    assert_eq!(
        judge(&without("aud")),
        Err("its aud is not exactly one value")
    );
}

#[test]
fn t_c26_an_assertion_has_its_time() {
    let exp = |exp: Value| {
        judge(&with(claims(), "exp", exp)).map(|verified| verified.expires_at.seconds())
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
    assert_eq!(judge(&without("exp")), Err("it has no exp"));
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
        let at = |seconds: u64| judge(&with(claims(), start, json!(seconds))).map(|_| ());
        assert_eq!((at(0), at(NOW + 60)), (Ok(()), Ok(())), "{start}");
        assert_eq!(
            at(NOW + 61),
            Err("its nbf or its iat lies in the future"),
            "{start}"
        );
        assert!(judge(&without(start)).is_ok(), "{start}");
    }
}

#[test]
fn t_c26_a_jti_of_bounded_length_is_required() {
    for bad in [
        without("jti"),
        with(claims(), "jti", json!("")),
        with(claims(), "jti", json!("j".repeat(257))),
    ] {
        assert_eq!(judge(&bad), Err("it has no jti of 1 to 256 bytes"), "{bad}");
    }
    assert_eq!(
        judge(&with(claims(), "jti", json!("j".repeat(256)))).map(|verified| verified.jti.len()),
        Ok(256)
    );
    assert_eq!(
        judge(&with(claims(), "jti", json!(7))),
        Err("it is not a JWT in compact form")
    );
}
