//! Public keys and sets of them (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).
//!
//! A key verifies the one algorithm of its kind, whatever a header claims: RSA is RS256, P-256 is
//! ES256, Ed25519 is `EdDSA`. There is no kind for a shared secret, so a public key can never be
//! taken for one (T-C21, CVE-2022-23540).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use primitives::SigningAlgorithm;
use ring::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
        UnparsedPublicKey,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::{KeySetError, SignatureError};

/// The path at which an issuer publishes its keys.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The most keys that a set may hold.
const MOST_KEYS: usize = 20;
/// The most keys that are tried on one signature, which bounds what a JWT can cost.
const MOST_TRIED: usize = 3;
/// The longest key id, in bytes.
const LONGEST_KID: usize = 256;
/// The sizes of a modulus, in bits: less is weak, more is only slow.
const MODULUS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The public exponents, 3 and 65537: all that is in use. Larger ones make a verification many
/// times as expensive.
const EXPONENTS: [&[u8]; 2] = [&[3], &[1, 0, 1]];
/// What only a private or a shared key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A set of public keys: at most 20.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Jwks(Vec<Jwk>);

/// A public key and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// Its name within the set, if it has one.
    pub kid: Option<String>,
    /// The key.
    pub key: PublicKey,
}

/// A public key, big-endian throughout. Its kind decides the one algorithm that it verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA of 2048 to 4096 bits: RS256 (RFC 7518 section 3.3).
    Rsa {
        /// The modulus, without leading zeros.
        n: Vec<u8>,
        /// The public exponent, without leading zeros.
        e: Vec<u8>,
    },
    /// A point of P-256: ES256 (RFC 7518 section 3.4).
    P256 {
        /// Its first coordinate.
        x: [u8; 32],
        /// Its second coordinate.
        y: [u8; 32],
    },
    /// Ed25519: `EdDSA` (RFC 8037 section 3.1).
    Ed25519 {
        /// The key.
        x: [u8; 32],
    },
}

impl Jwks {
    /// Reads a JWK Set.
    ///
    /// Keys that are of no use here are ignored (RFC 7517 section 5): other kinds and curves, other
    /// sizes, keys for encryption or for other algorithms. A private member anywhere refuses the
    /// whole set, because that key is no secret any more.
    ///
    /// # Errors
    /// What is wrong, also when no key is left.
    pub fn parse(value: &Value) -> Result<Self, KeySetError> {
        let keys = Self::listed(value).ok_or(KeySetError::NotAKeySet)?;
        if keys.len() > MOST_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        if Self::contains_private_key(value) {
            return Err(KeySetError::PrivateKey);
        }
        let usable = Self::usable(keys);
        if usable.0.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        Ok(usable)
    }

    /// The set as an issuer publishes it (RFC 7517 section 5).
    pub fn to_published(&self) -> Value {
        json!({ "keys": self.0.iter().map(Jwk::to_published).collect::<Vec<_>>() })
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.0.iter().find(|key| key.kid.as_deref() == Some(kid))
    }

    fn listed(value: &Value) -> Option<&[Value]> {
        value.get("keys")?.as_array().map(Vec::as_slice)
    }

    fn usable(keys: &[Value]) -> Self {
        Self(
            keys.iter()
                .filter_map(Value::as_object)
                .filter_map(Jwk::read)
                .collect(),
        )
    }

    /// Whether a set holds a private or a shared key, which its owner should not have shown.
    pub fn contains_private_key(value: &Value) -> bool {
        let is_private =
            |key: &Map<String, Value>| PRIVATE.iter().any(|name| key.contains_key(*name));
        let keys = Self::listed(value).unwrap_or_default();
        keys.iter().filter_map(Value::as_object).any(is_private)
    }

    /// Whether one of the keys made a signature: those of the algorithm's kind that bear the name,
    /// or none. At most three are tried, those that bear the name first.
    ///
    /// # Errors
    /// [`SignatureError::UnknownKey`] when a newer set might have the key,
    /// [`SignatureError::Mismatch`] when it is here under its name and did not sign,
    /// [`SignatureError::TooManyKeys`] when more than three keys may be the one.
    pub(crate) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let of_kind = || self.0.iter().filter(|jwk| jwk.key.algorithm() == algorithm);
        let is_named = |jwk: &Jwk| kid.is_some() && jwk.kid.as_deref() == kid;
        let named = of_kind().filter(|jwk| is_named(jwk));
        let nameless =
            of_kind().filter(|jwk| !is_named(jwk) && (kid.is_none() || jwk.kid.is_none()));
        let candidates: Vec<&Jwk> = named.chain(nameless).collect();
        if candidates
            .iter()
            .take(MOST_TRIED)
            .any(|jwk| jwk.key.verifies(message, signature))
        {
            Ok(())
        } else if of_kind().any(is_named) {
            Err(SignatureError::Mismatch)
        } else if candidates.len() > MOST_TRIED {
            Err(SignatureError::TooManyKeys)
        } else {
            Err(SignatureError::UnknownKey)
        }
    }
}

impl Jwk {
    /// Reads a key; `None` for one of no use here.
    pub fn parse(value: &Value) -> Option<Self> {
        Self::read(value.as_object()?)
    }

    fn read(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let key = match (text("kty")?, text("crv")) {
            ("RSA", _) => PublicKey::rsa(number(text("n")?)?, number(text("e")?)?)?,
            ("EC", Some("P-256")) => PublicKey::P256 {
                x: exactly(text("x")?)?,
                y: exactly(text("y")?)?,
            },
            ("OKP", Some("Ed25519")) => PublicKey::Ed25519 {
                x: exactly(text("x")?)?,
            },
            _ => return None,
        };
        let for_signatures = members.get("use").is_none_or(|purpose| purpose == "sig");
        let verifies = members.get("key_ops").is_none_or(|uses| {
            uses.as_array()
                .is_some_and(|uses| uses.contains(&json!("verify")))
        });
        let same_algorithm = members.get("alg").is_none_or(|alg| {
            alg.as_str().and_then(SigningAlgorithm::parse) == Some(key.algorithm())
        });
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= LONGEST_KID => Some(kid.clone()),
            Some(_) => return None,
        };
        (for_signatures && verifies && same_algorithm).then_some(Self { kid, key })
    }

    /// The key as an issuer publishes it: with the one algorithm and the one use that it has, which
    /// some verifiers require.
    pub fn to_published(&self) -> Value {
        let mut value = self.to_value();
        value["alg"] = json!(self.key.algorithm().as_str());
        value["use"] = json!("sig");
        value
    }

    fn to_value(&self) -> Value {
        let mut value = self.key.to_value();
        if let Some(kid) = &self.kid {
            value["kid"] = json!(kid);
        }
        value
    }
}

impl PublicKey {
    /// The one algorithm that this key verifies.
    pub const fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::Rsa { .. } => SigningAlgorithm::Rs256,
            Self::P256 { .. } => SigningAlgorithm::Es256,
            Self::Ed25519 { .. } => SigningAlgorithm::EdDsa,
        }
    }

    /// Its required members, in lexicographic order (RFC 7638 section 3).
    fn to_value(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa { n, e } => json!({"e": encode(e), "kty": "RSA", "n": encode(n)}),
            Self::P256 { x, y } => {
                json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519 { x } => json!({"crv": "Ed25519", "kty": "OKP", "x": encode(x)}),
        }
    }

    /// The SHA-256 thumbprint (RFC 7638): 43 base64url characters.
    pub fn thumbprint(&self) -> String {
        let canonical = self.to_value().to_string();
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            Self::P256 { x, y } => {
                // SEC 1 section 2.3.3: 4 announces both coordinates.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Ed25519 { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
        };
        verified.is_ok()
    }

    fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<Self> {
        let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
        (EXPONENTS.contains(&e.as_slice()) && MODULUS.contains(&bits)).then_some(Self::Rsa { n, e })
    }
}

impl TryFrom<Value> for Jwks {
    type Error = KeySetError;

    /// From the store. Keys that were of use once and are not any more are dropped; without any
    /// key left, nothing verifies.
    fn try_from(value: Value) -> Result<Self, KeySetError> {
        let keys = Self::listed(&value).ok_or(KeySetError::NotAKeySet)?;
        Ok(Self::usable(keys))
    }
}

impl From<Jwks> for Value {
    fn from(jwks: Jwks) -> Self {
        json!({ "keys": jwks.0.iter().map(Jwk::to_value).collect::<Vec<_>>() })
    }
}

impl FromIterator<Jwk> for Jwks {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// A number in base64url. Some write it with leading zeros, against RFC 7518 section 2.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn exactly(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
