//! Keys of clients that authenticate by assertions (RFC 7523), and their signatures.

use std::sync::Arc;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::TestServer;
use crate::Query;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A private key and its key id.
#[derive(Clone)]
pub struct Signer {
    kid: String,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// The RSA key of all tests, since generating one takes long.
    pub fn rsa(kid: &str) -> Self {
        let pem = include_str!("../../../jose/tests/keys/rsa.pem");
        let is_frame = |line: &&str| line.starts_with('-');
        let base64: String = pem
            .lines()
            .skip_while(|line| !is_frame(line))
            .filter(|line| !is_frame(line))
            .collect();
        let pair =
            RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).expect("base64")).expect("a key");
        Self::new(kid, Pair::Rsa(pair))
    }

    /// A new P-256 key.
    pub fn p256(kid: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self::new(
            kid,
            Pair::P256(
                EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key"),
            ),
        )
    }

    /// The Ed25519 key of this key id.
    pub fn ed25519(kid: &str) -> Self {
        Self::new(
            kid,
            Pair::Ed25519(
                Ed25519KeyPair::from_seed_unchecked(&Sha256::digest(kid)).expect("a seed"),
            ),
        )
    }

    fn new(kid: &str, pair: Pair) -> Self {
        Self {
            kid: kid.to_owned(),
            pair: Arc::new(pair),
        }
    }

    /// Its public key.
    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &*self.pair {
            Pair::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } =
                    RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(&n), "e": encode(&e) })
            }
            Pair::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk
    }

    /// The header of its JWTs.
    pub fn header(&self) -> Value {
        let alg = match &*self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        };
        json!({ "alg": alg, "kid": self.kid, "typ": "JWT" })
    }

    /// The JWT of a header and claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let message = signed.as_bytes();
        let random = SystemRandom::new();
        let signature = match &*self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("signed");
                signature
            }
            Pair::P256(pair) => pair
                .sign(&random, message)
                .expect("signed")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A valid assertion of a client, issued now.
    pub fn assert(&self, server: &TestServer, client_id: &str, jti: &str) -> String {
        self.sign(&self.header(), &claims(server, client_id, jti))
    }
}

/// The JWK set of these keys.
pub fn key_set(signers: &[&Signer]) -> Value {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() })
}

/// Valid claims of a client, issued now.
pub fn claims(server: &TestServer, client_id: &str, jti: &str) -> Value {
    let now = server.provider.now().seconds();
    let issuer = server.provider.settings().issuer.as_str();
    json!({ "iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 60, "jti": jti })
}

/// The signing input.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// A token request with an assertion.
pub fn with_assertion(form: Query, assertion: &str) -> Query {
    form.and("client_assertion_type", ASSERTION_TYPE)
        .and("client_assertion", assertion)
}
