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

const SUBJECT: &str = "https://app.example/client.json";

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Claims {
    sub: Option<String>,
}

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
    Jwks::parse(&json!({"keys": [
        {"kty": "RSA", "kid": "r", "n": encode(n), "e": encode(e)},
        {"kty": "EC", "crv": "P-256", "kid": "e", "x": encode(x), "y": encode(y)},
        {"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": encode(ed25519().public_key())},
    ]}))
    .expect("keys of use")
}

fn claims() -> Value {
    json!({"sub": SUBJECT})
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

fn parse(text: &str) -> Result<UnverifiedJwt<Claims>, JwtError> {
    UnverifiedJwt::parse(text, &["jwt", "x+jwt"])
}

fn verify(text: &str) -> Result<(), &'static str> {
    let jwt = parse(text).map_err(JwtError::words)?;
    jwt.verify(&keys()).map_err(SignatureError::words)
}

#[test]
fn a_jwt_of_each_algorithm_is_verified() {
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
            assert_eq!(verify(&sign(&header, &claims())), Ok(()), "{header}");
        }
    }
    let jwt = parse(&sign(&json!({"alg": "RS256"}), &claims())).expect("a JWT");
    assert_eq!(jwt.unverified_claims().sub.as_deref(), Some(SUBJECT));
    assert_eq!(format!("{jwt:?}"), "UnverifiedJwt(redacted)");
}

#[test]
fn t_c21_no_other_algorithm_is_read_and_no_key_serves_another() {
    let none = format!(
        "{}.{}.",
        encode(r#"{"alg":"none"}"#),
        encode(claims().to_string())
    );
    assert_eq!(verify(&none), Err(JwtError::Algorithm.words()));
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
            verify(&format!("{signed}.{}", encode(tag))),
            Err(JwtError::Algorithm.words())
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
            verify(&sign(&json!({"alg": alg, "kid": kid}), &claims())),
            Err(SignatureError::UnknownKey.words()),
            "{alg} {kid}"
        );
    }
    let other =
        Jwks::parse(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": encode([9; 32])}]}))
            .expect("a key of use");
    let jwt = parse(&sign(&json!({"alg": "EdDSA", "kid": "o"}), &claims())).expect("a JWT");
    assert_eq!(jwt.verify(&other), Err(SignatureError::UnknownKey));
    let renamed = Jwks::parse(
        &json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": encode([9; 32])}]}),
    )
    .expect("a key of use");
    assert_eq!(jwt.verify(&renamed), Err(SignatureError::Mismatch));
}

#[test]
fn a_header_with_more_to_understand_or_another_type_is_refused() {
    let verify = |header: &str| verify(&sign_text(header, &claims().to_string()));
    for typ in ["JWT", "jwt", "application/jwt", "application/X+jwt"] {
        let header = json!({"alg": "EdDSA", "typ": typ}).to_string();
        assert_eq!(verify(&header), Ok(()), "{typ}");
    }
    for typ in [
        "",
        "at+jwt",
        "JWS",
        "application/application/jwt",
        "text/jwt",
    ] {
        let header = json!({"alg": "EdDSA", "typ": typ}).to_string();
        assert_eq!(verify(&header), Err(JwtError::Type.words()), "{typ}");
    }
    for crit in ["[]", "null", r#"["b64"]"#, "1"] {
        let header = format!(r#"{{"alg":"EdDSA","crit":{crit}}}"#);
        assert_eq!(verify(&header), Err(JwtError::Critical.words()), "{crit}");
    }
    let own_key = json!({"alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode([9; 32])}, "jku": "https://evil.example"});
    assert_eq!(
        verify(&own_key.to_string()),
        Ok(()),
        "keys that a header brings along count for nothing"
    );
}

#[test]
fn a_jwt_has_one_spelling() {
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
        assert_eq!(parse(&bad), Err(JwtError::Malformed), "{bad}");
    }
    // 64 bytes leave four unused bits in the last character: another spelling of them is another
    // text.
    let (start, last) = text.split_at(text.len() - 1);
    let other = if last == "A" { "B" } else { "_" };
    assert!(verify(&format!("{start}{other}")).is_err());
    let long = sign(
        &json!({"alg": "EdDSA"}),
        &json!({"sub": SUBJECT, "x": "x".repeat(16 * 1024)}),
    );
    assert_eq!(parse(&long), Err(JwtError::TooLong));
    assert_eq!(parse(&"x".repeat(16_385)), Err(JwtError::TooLong));
    assert_eq!(parse(&"x".repeat(16_384)), Err(JwtError::Malformed));
}
