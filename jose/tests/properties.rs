//! Key sets and JWTs that arrive from outside: nothing panics, and what is read stays the same.

use jose::{Jwks, UnverifiedJwt};
use proptest::prelude::*;
use serde_json::{Value, json};

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,30}[.][A-Za-z0-9_-]{0,60}[.][A-Za-z0-9_-]{0,90}"]) {
        let jwt = UnverifiedJwt::<Value>::parse(&text, &["jwt"]);
        prop_assert!(jwt.is_err() || text.split('.').count() == 3);
    }

    #[test]
    fn a_key_set_that_is_read_survives_the_store(keys in prop::collection::vec((0..4, "[A-Za-z0-9_-]{43}", prop::option::of("[a-c]")), 0..24)) {
        let key = |(kind, text, kid): (i32, String, Option<String>)| {
            let mut key = match kind {
                0 => json!({"kty": "OKP", "crv": "Ed25519", "x": text}),
                1 => json!({"kty": "EC", "crv": "P-256", "x": text, "y": text}),
                2 => json!({"kty": "RSA", "n": text.repeat(8), "e": "AQAB"}),
                _ => json!({"kty": "oct", "x": text}),
            };
            if let Some(kid) = kid {
                key["kid"] = json!(kid);
            }
            key
        };
        let count = keys.len();
        let set = json!({"keys": keys.into_iter().map(key).collect::<Vec<_>>()});
        match Jwks::parse(&set) {
            Err(fault) => prop_assert!(!fault.words().is_empty()),
            Ok(jwks) => {
                prop_assert!((1..=20).contains(&count));
                let stored = serde_json::to_value(&jwks).expect("serialisable");
                prop_assert_eq!(serde_json::from_value::<Jwks>(stored).ok(), Some(jwks));
            }
        }
    }
}
