use super::*;

const HEADER_AND_CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const MODULUS_A2: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const SIGNATURE_A2: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn rsa() -> Value {
    json!({"kty": "RSA", "n": MODULUS_A2, "e": "AQAB"})
}

fn p256() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
}

fn ed25519() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn with(mut key: Value, member: &str, value: Value) -> Value {
    key[member] = value;
    key
}

fn set(keys: &[Value]) -> Result<Jwks, KeySetError> {
    Jwks::parse(&json!({ "keys": keys }))
}

fn only(key: &Value) -> Jwk {
    let mut keys = set(std::slice::from_ref(key)).expect("a key of use").0;
    assert_eq!(keys.len(), 1);
    keys.remove(0)
}

/// How many of these keys are of use beside one that is.
fn kept(keys: &[Value]) -> usize {
    set(&[keys, &[ed25519()]].concat())
        .expect("one is of use")
        .0
        .len()
        - 1
}

#[test]
fn the_vectors_of_rfc_7515_and_rfc_8037_verify_and_nothing_near_them_does() {
    for (key, signed, signature) in [
        (
            rsa(),
            format!("eyJhbGciOiJSUzI1NiJ9.{HEADER_AND_CLAIMS}"),
            SIGNATURE_A2,
        ),
        (
            p256(),
            format!("eyJhbGciOiJFUzI1NiJ9.{HEADER_AND_CLAIMS}"),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            ed25519(),
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let key = only(&key).key;
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        assert!(key.verifies(signed.as_bytes(), &signature), "{key:?}");
        assert!(
            !key.verifies(&signed.as_bytes()[1..], &signature)
                && !key.verifies(signed.as_bytes(), &signature[1..])
        );
        assert!(!key.verifies(signed.as_bytes(), &[]));
        for index in 0..signature.len() {
            let mut other = signature.clone();
            other[index] ^= 1;
            assert!(!key.verifies(signed.as_bytes(), &other), "{index}");
        }
    }
}

#[test]
fn t_c21_the_kind_of_a_key_decides_its_algorithm() {
    for (key, name) in [
        (rsa(), "RS256"),
        (p256(), "ES256"),
        (ed25519(), "EdDSA"),
        (ed25519(), "Ed25519"),
    ] {
        assert_eq!(
            Some(only(&key).key.algorithm()),
            SigningAlgorithm::parse(name),
            "{name}"
        );
    }
    assert!(
        SigningAlgorithm::NAMES
            .iter()
            .all(|name| SigningAlgorithm::parse(name).is_some())
    );
    for name in [
        "", "none", "None", "HS256", "RS384", "RS1", "PS256", "ES384", "ES256K", "Ed448", "rs256",
        "eddsa",
    ] {
        assert_eq!(SigningAlgorithm::parse(name), None, "{name}");
    }
}

#[test]
fn keys_of_no_use_are_passed_over() {
    for key in [
        json!({"kty": "RSA", "n": MODULUS_A2}),
        json!({"kty": "RSA", "n": &MODULUS_A2[1..], "e": "AQAB"}),
        json!({"kty": "RSA", "n": format!("{MODULUS_A2}="), "e": "AQAB"}),
        json!({"kty": "RSA", "n": "", "e": "AQAB"}),
        json!({"kty": "RSA", "n": 65537, "e": "AQAB"}),
        with(rsa(), "e", json!("")),
        with(rsa(), "e", json!("AQ")),
        with(rsa(), "e", json!("AAAAAQ")),
        with(rsa(), "e", json!("AQAA")),
        with(rsa(), "e", json!("AQAAAAE")),
        with(p256(), "crv", json!("P-384")),
        with(p256(), "crv", json!("secp256k1")),
        with(
            p256(),
            "x",
            json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVE"),
        ),
        with(p256(), "y", Value::Null),
        with(ed25519(), "crv", json!("X25519")),
        with(
            ed25519(),
            "x",
            json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"),
        ),
        with(rsa(), "use", json!("enc")),
        with(rsa(), "key_ops", json!(["encrypt"])),
        with(rsa(), "key_ops", json!("verify")),
        with(rsa(), "alg", json!("PS256")),
        with(rsa(), "alg", json!("HS256")),
        with(p256(), "alg", json!("RS256")),
        with(rsa(), "kty", json!("oct")),
        with(rsa(), "kid", json!(7)),
        with(rsa(), "kid", json!("k".repeat(257))),
        json!({}),
        json!("RSA"),
    ] {
        assert_eq!(kept(std::slice::from_ref(&key)), 0, "{key}");
    }
    let used = [
        with(rsa(), "use", json!("sig")),
        with(p256(), "key_ops", json!(["sign", "verify"])),
        with(rsa(), "alg", json!("RS256")),
    ];
    assert_eq!(kept(&used), 3);
    assert_eq!(
        kept(&[
            with(rsa(), "kid", json!("k".repeat(256))),
            with(rsa(), "x5c", json!(["…"]))
        ]),
        2
    );
}

#[test]
fn an_rsa_key_has_2048_to_4096_bits_and_the_exponent_3_or_65537() {
    let of = |first: u8, length: usize| {
        let modulus: Vec<u8> = std::iter::once(first)
            .chain(std::iter::repeat_n(1, length - 1))
            .collect();
        kept(&[json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "Aw"})]) == 1
    };
    assert!(of(0x80, 256) && of(0xFF, 512));
    assert!(!of(0x7F, 256), "2047 bits");
    assert!(!of(0x01, 513), "4097 bits");
    let with_exponent = |e: &[u8]| kept(&[with(rsa(), "e", json!(URL_SAFE_NO_PAD.encode(e)))]) == 1;
    assert!(with_exponent(&[3]) && with_exponent(&[1, 0, 1]) && with_exponent(&[0, 3]));
    for other in [
        &[1][..],
        &[2],
        &[5],
        &[17],
        &[1, 0, 3],
        &[0xFF, 0xFF, 0xFF, 0xFF],
        &[1, 0, 0, 0, 1],
    ] {
        assert!(!with_exponent(other), "{other:?}");
    }
    let padded = format!("AAAA{MODULUS_A2}");
    assert_eq!(
        only(&with(rsa(), "n", json!(padded))),
        only(&rsa()),
        "leading zeros do not count"
    );
}

#[test]
fn t_c21_a_private_or_a_shared_key_refuses_the_whole_set() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for key in [rsa(), p256(), ed25519(), json!({"kty": "oct"})] {
            assert!(
                set(&[rsa(), with(key, member, json!("AQAB"))]).is_err(),
                "{member}"
            );
        }
    }
}

#[test]
fn a_set_has_one_to_twenty_keys() {
    let refused = |value: &Value| Jwks::parse(value).map_err(KeySetError::words);
    for bad in [
        json!(null),
        json!([]),
        json!({}),
        json!({"keys": {}}),
        json!({"keys": "x"}),
        rsa(),
    ] {
        let why = "it is not an object with a list of keys";
        assert_eq!(refused(&bad), Err(why), "{bad}");
    }
    assert!(set(&[]).is_err() && set(&[with(p256(), "use", json!("enc"))]).is_err());
    assert!(set(&vec![ed25519(); 20]).is_ok() && set(&vec![ed25519(); 21]).is_err());
}

#[test]
fn a_set_survives_the_store() {
    let jwks = set(&[
        with(rsa(), "kid", json!("a")),
        p256(),
        with(ed25519(), "use", json!("sig")),
    ])
    .expect("keys of use");
    let stored = serde_json::to_value(&jwks).expect("serialisable");
    assert_eq!(
        stored,
        json!({"keys": [with(rsa(), "kid", json!("a")), p256(), ed25519()]})
    );
    assert_eq!(serde_json::from_value::<Jwks>(stored).ok(), Some(jwks));
    let kept = |keys: &[Value]| {
        serde_json::from_value::<Jwks>(json!({ "keys": keys })).expect("a stored set")
    };
    let too_large = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xFF; 1024]), "e": "_____w"});
    assert_eq!(
        kept(&[too_large.clone(), p256()]),
        set(&[p256()]).expect("a key of use"),
        "what was of use before"
    );
    assert_eq!(
        kept(std::slice::from_ref(&too_large)).verify(SigningAlgorithm::Rs256, None, b"", b""),
        Err(SignatureError::UnknownKey)
    );
    assert!(serde_json::from_str::<Jwks>("[]").is_err());
}

#[test]
fn a_signature_is_sought_among_the_keys_of_its_kind_and_name() {
    let signature = URL_SAFE_NO_PAD.decode(SIGNATURE_A2).expect("base64url");
    let named = |key: Value, kid: &str| with(key, "kid", json!(kid));
    let sought = |keys: &[Value], algorithm, kid| {
        let signed = format!("eyJhbGciOiJSUzI1NiJ9.{HEADER_AND_CLAIMS}");
        set(keys)
            .expect("keys of use")
            .verify(algorithm, kid, signed.as_bytes(), &signature)
    };
    let forged = Err(SignatureError::Mismatch);
    let weak = json!({"kty": "RSA", "kid": "b", "n": format!("{}Q", &MODULUS_A2[..MODULUS_A2.len() - 1]), "e": "Aw"});
    let keys = [named(rsa(), "a"), named(p256(), "b"), weak];
    assert_eq!(sought(&keys, SigningAlgorithm::Rs256, Some("a")), Ok(()));
    assert_eq!(sought(&keys, SigningAlgorithm::Rs256, None), Ok(()));
    assert_eq!(
        sought(&keys, SigningAlgorithm::Rs256, Some("b")),
        forged,
        "the key is there, and it was another one"
    );
    assert_eq!(sought(&keys, SigningAlgorithm::Es256, Some("b")), forged);
    for (algorithm, kid) in [
        (SigningAlgorithm::Rs256, Some("c")),
        (SigningAlgorithm::Rs256, Some("")),
        (SigningAlgorithm::Es256, Some("a")),
        (SigningAlgorithm::Es256, None),
        (SigningAlgorithm::EdDsa, Some("a")),
    ] {
        assert_eq!(
            sought(&keys, algorithm, kid),
            Err(SignatureError::UnknownKey),
            "{algorithm:?} {kid:?}"
        );
    }
    assert_eq!(
        sought(&[rsa()], SigningAlgorithm::Rs256, Some("x")),
        Ok(()),
        "a key without a name may have any"
    );
    assert_eq!(
        sought(&[p256()], SigningAlgorithm::Es256, Some("x")),
        Err(SignatureError::UnknownKey)
    );
}

#[test]
fn three_keys_are_tried_at_most_and_those_of_the_name_first() {
    let signature = URL_SAFE_NO_PAD.decode(SIGNATURE_A2).expect("base64url");
    let other = |number: u8| {
        let modulus: Vec<u8> = [0x80]
            .into_iter()
            .chain(std::iter::repeat_n(number, 255))
            .collect();
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
    };
    let sought = |keys: &[Value], kid| {
        let signed = format!("eyJhbGciOiJSUzI1NiJ9.{HEADER_AND_CLAIMS}");
        set(keys).expect("keys of use").verify(
            SigningAlgorithm::Rs256,
            kid,
            signed.as_bytes(),
            &signature,
        )
    };
    let crowded = Err(SignatureError::TooManyKeys);
    assert_eq!(
        sought(&[other(1), other(3), other(5)], None),
        Err(SignatureError::UnknownKey),
        "all of them were tried"
    );
    assert_eq!(sought(&[other(1), other(3), rsa()], None), Ok(()));
    assert_eq!(
        sought(&[other(1), other(3), other(5), rsa()], None),
        crowded
    );
    assert_eq!(
        sought(&[other(1), other(3), other(5), rsa()], Some("a")),
        crowded,
        "none of them has a name"
    );
    assert_eq!(
        sought(&[p256(), ed25519(), p256(), rsa()], None),
        Ok(()),
        "other kinds are not tried"
    );
    let named = |key: Value| with(key, "kid", json!("a"));
    assert_eq!(
        sought(&[other(1), other(3), other(5), named(rsa())], Some("a")),
        Ok(()),
        "its name comes first"
    );
    let forged = Err(SignatureError::Mismatch);
    assert_eq!(
        sought(
            &[
                named(other(1)),
                named(other(3)),
                named(other(5)),
                named(rsa())
            ],
            Some("a")
        ),
        forged
    );
}
