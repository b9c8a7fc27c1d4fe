//! Client assertions: what a key has not signed proves nothing, and what is read is never more than
//! what was sent.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jose::Jwks;
use oauth::{ProtocolError as _, Timestamp};
use oauth_clients::{assertion::Assertion, error::AssertionError};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use crate::strategies::{is_plain, more_often};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example.com";

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("a seed")
}

fn keys() -> Jwks {
    let x = URL_SAFE_NO_PAD.encode(key().public_key());
    Jwks::parse(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]})).expect("a key of use")
}

fn signed(claims: &serde_json::Value) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        encode(br#"{"alg":"EdDSA"}"#),
        encode(claims.to_string().as_bytes())
    );
    let signature = encode(key().sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

fn verifies(text: &str) -> Result<bool, AssertionError> {
    let now = Timestamp::from_seconds(NOW);
    Ok(Assertion::parse(text)?
        .validate("c", &[ISSUER], now)?
        .verify(&keys())
        .is_ok())
}

proptest! {
    #![proptest_config(more_often(4))]

    #[test]
    fn t_c21_no_mutated_assertion_verifies(at in any::<prop::sample::Index>(), character in prop_oneof!["[A-Za-z0-9_-]", "[ -~]"], how in 0..3) {
        let claims = json!({"iss": "c", "sub": "c", "aud": ISSUER, "exp": NOW + 60, "jti": "j"});
        let text = signed(&claims);
        prop_assert_eq!(verifies(&text), Ok(true));
        let at = at.index(text.len());
        let (before, after) = text.split_at(at);
        let other = match how {
            0 => format!("{before}{character}{}", &after[1..]),
            1 => format!("{before}{character}{after}"),
            _ => format!("{before}{}", &after[1..]),
        };
        prop_assume!(other != text);
        prop_assert!(!verifies(&other).unwrap_or(false), "{}", other);
    }

    #[test]
    fn t_c26_an_assertion_that_verifies_keeps_every_rule(
        (iss, sub) in ("[cd]", "[cd]"),
        aud in prop_oneof![Just(json!(ISSUER)), Just(json!([ISSUER])), Just(json!([ISSUER, ISSUER])), "https://auth.example.com[/]?".prop_map(|text| json!(text))],
        exp in (NOW - 90)..(NOW + 4000),
        iat in (NOW - 90)..(NOW + 90),
        jti in "[a-z]{0,2}",
    ) {
        let claims = json!({"iss": iss, "sub": sub, "aud": aud, "exp": exp, "iat": iat, "jti": jti});
        let by_the_book = iss == "c" && sub == "c" && (aud == json!(ISSUER) || aud == json!([ISSUER]))
            && exp > NOW - 60 && exp <= NOW + 3660 && iat <= NOW + 60 && !jti.is_empty();
        prop_assert_eq!(verifies(&signed(&claims)).unwrap_or(false), by_the_book);
    }

    #[test]
    fn whatever_comes_is_read_or_refused_in_plain_words(text in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,30}[.][A-Za-z0-9_-]{0,60}[.][A-Za-z0-9_-]{0,90}"]) {
        if let Err(reason) = verifies(&text) {
            prop_assert!(is_plain(&reason.description()));
        }
    }
}
