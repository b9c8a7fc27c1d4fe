//! Private keys and JWTs that they sign (RFC 7515 section 7.1).

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jose::{Jwk, PublicKey};
use primitives::SigningAlgorithm;
use ring::{
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256,
    },
};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey as _};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::KeyError;

/// The size of a new RSA key in bits.
const RSA_BITS: usize = 2048;

/// A private key with its name. Clones share it; its Debug shows the name only.
#[derive(Clone)]
pub struct JwtSigningKey(Arc<Inner>);

struct Inner {
    kid: String,
    public: PublicKey,
    pair: Pair,
    pkcs8: Zeroizing<Vec<u8>>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl JwtSigningKey {
    /// A new key, from the random numbers of the system. An RSA key has 2048 bits and takes up to
    /// some seconds.
    ///
    /// # Errors
    /// [`KeyError::Jwt`] when the system gives no random numbers.
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        let fault = |_| KeyError::Jwt;
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            SigningAlgorithm::Rs256 => rsa_key()?,
            SigningAlgorithm::Es256 => {
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let document = EcdsaKeyPair::generate_pkcs8(signing, &random).map_err(fault)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            SigningAlgorithm::EdDsa => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).map_err(fault)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
        };
        Self::from_pkcs8(algorithm, pkcs8)
    }

    /// The key of a PKCS #8 document.
    ///
    /// # Errors
    /// [`KeyError::Jwt`] for one that is no private key of this algorithm.
    pub fn from_pkcs8(
        algorithm: SigningAlgorithm,
        pkcs8: Zeroizing<Vec<u8>>,
    ) -> Result<Self, KeyError> {
        let pair = Pair::from_pkcs8(algorithm, &pkcs8).ok_or(KeyError::Jwt)?;
        let public = pair.public().ok_or(KeyError::Jwt)?;
        Ok(Self(Arc::new(Inner {
            kid: public.thumbprint(),
            public,
            pair,
            pkcs8,
        })))
    }

    /// The PKCS #8 document, for sealing only.
    pub fn pkcs8(&self) -> &[u8] {
        &self.0.pkcs8
    }

    /// Its name: the thumbprint of its public key (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.0.public.algorithm()
    }

    /// Its public key, under its name.
    pub fn public(&self) -> Jwk {
        Jwk {
            kid: Some(self.0.kid.clone()),
            key: self.0.public.clone(),
        }
    }

    /// Signs claims as a JWT in compact form, with `alg`, `kid` and `typ` in its header.
    ///
    /// `None` when the claims have no JSON form, or the system gives no random numbers.
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Option<String> {
        let header = Header {
            alg: self.algorithm().as_str(),
            kid: self.kid(),
            typ,
        };
        let mut jwt = String::with_capacity(1024);
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&header).ok()?, &mut jwt);
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut jwt);
        let signature = self.0.pair.sign(jwt.as_bytes())?;
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        Some(jwt)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

impl Pair {
    fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        match algorithm {
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rsa),
            SigningAlgorithm::Es256 => {
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                EcdsaKeyPair::from_pkcs8(signing, pkcs8, &SystemRandom::new()).map(Self::P256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::Ed25519),
        }
        .ok()
    }

    fn public(&self) -> Option<PublicKey> {
        Some(match self {
            Self::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::from(pair.public());
                PublicKey::Rsa { n, e }
            }
            Self::P256(pair) => {
                // SEC 1 section 2.3.3: 4 announces both coordinates.
                let point = pair.public_key().as_ref().strip_prefix(&[4])?;
                let (x, y) = point.split_at_checked(32)?;
                PublicKey::P256 {
                    x: x.try_into().ok()?,
                    y: y.try_into().ok()?,
                }
            }
            Self::Ed25519(pair) => PublicKey::Ed25519 {
                x: pair.public_key().as_ref().try_into().ok()?,
            },
        })
    }

    /// `None` when the system gives no random numbers.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::P256(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// ring signs with RSA keys and makes none.
#[expect(
    clippy::disallowed_methods,
    reason = "a search for primes takes a generator, and not some bytes"
)]
fn rsa_key() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = RsaPrivateKey::new(&mut rand::rng(), RSA_BITS);
    let document = key.map_err(|_| KeyError::Jwt)?.to_pkcs8_der();
    Ok(document.map_err(|_| KeyError::Jwt)?.to_bytes())
}

impl fmt::Debug for JwtSigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JwtSigningKey")
            .field("kid", &self.0.kid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use jose::{Jwks, UnverifiedJwt};

    fn key_set(key: &JwtSigningKey) -> Jwks {
        Jwks::parse(&json!({ "keys": [key.public().to_published()] })).expect("a set")
    }

    #[test]
    fn a_key_of_each_algorithm_signs_what_its_published_key_verifies() {
        let keys = SigningAlgorithm::ALL.map(|algorithm| {
            let key = JwtSigningKey::generate(algorithm).expect("a key");
            assert_eq!(key.algorithm(), algorithm);
            key
        });
        for key in &keys {
            let jwt = key.sign("at+jwt", &json!({"sub": "a"})).expect("signed");
            let read = UnverifiedJwt::<Value>::parse(&jwt, &["at+jwt"]).expect("a JWT");
            assert_eq!(read.unverified_claims(), &json!({"sub": "a"}));
            for other in &keys {
                let verified = read.verify(&key_set(other)).is_ok();
                assert_eq!(verified, other.kid() == key.kid());
            }
        }
    }

    #[test]
    fn a_key_is_the_same_after_it_was_stored() {
        for algorithm in SigningAlgorithm::ALL {
            let key = JwtSigningKey::generate(algorithm).expect("a key");
            let pkcs8 = Zeroizing::new(key.pkcs8().to_vec());
            let again = JwtSigningKey::from_pkcs8(algorithm, pkcs8.clone()).expect("the same");
            assert_eq!(again.public(), key.public());
            for other in SigningAlgorithm::ALL {
                let read = JwtSigningKey::from_pkcs8(other, pkcs8.clone());
                assert_eq!(read.is_ok(), other == algorithm);
            }
        }
    }

    #[test]
    fn a_published_key_names_its_algorithm_and_its_use() {
        for algorithm in SigningAlgorithm::ALL {
            let key = JwtSigningKey::generate(algorithm).expect("a key");
            let published = key.public().to_published();
            assert_eq!(published["alg"], algorithm.as_str());
            assert_eq!(published["use"], "sig");
            assert_eq!(published["kid"], key.kid());
            assert!(!Jwks::contains_private_key(&json!({ "keys": [published] })));
        }
    }

    #[test]
    fn debug_shows_no_private_key() {
        let key = JwtSigningKey::generate(SigningAlgorithm::EdDsa).expect("a key");
        let shown = format!("{key:?}");
        assert_eq!(
            shown,
            format!("JwtSigningKey {{ kid: {:?}, .. }}", key.kid())
        );
    }
}
