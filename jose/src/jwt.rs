//! Signed JWTs in compact form (RFC 7515 section 7.1, RFC 7519).
//!
//! Reading and verifying are two steps, because the claims of a JWT say whose keys verify it.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use primitives::SigningAlgorithm;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    error::{JwtError, SignatureError},
    jwk::Jwks,
};

/// The longest JWT that is read: a client assertion holds a long client id twice, and the signature
/// of a long key.
const LONGEST: usize = 16 * 1024;

/// A JWT with claims `C` as it came: its sender is unknown until [`Self::verify`] succeeds.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedJwt<C> {
    claims: C,
    signed: String,
    signature: Vec<u8>,
    algorithm: SigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
}

/// The header (RFC 7515 section 4). Keys in a header (`jwk`, `jku`, `x5c`) are ignored.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, rename = "crit", deserialize_with = "is_present")]
    has_critical: bool,
}

impl Header {
    /// Its `typ` is one of `types`, and nothing is critical (RFC 7515 section 4.1.11): what is must
    /// be understood, and no extension is.
    fn check(&self, types: &[&str]) -> Result<(), JwtError> {
        if self.has_critical {
            return Err(JwtError::Critical);
        }
        match &self.typ {
            Some(typ) if !is_one_of(types, typ) => Err(JwtError::Type),
            Some(_) | None => Ok(()),
        }
    }
}

impl<C: DeserializeOwned> UnverifiedJwt<C> {
    /// Reads a JWT strictly: each has one spelling. Its `typ` is absent or one of `types`, which
    /// are media types in lower case without `application/` (RFC 8725 section 3.11).
    ///
    /// # Errors
    /// What is wrong with its form or its header.
    pub fn parse(text: &str, types: &[&str]) -> Result<Self, JwtError> {
        if text.len() > LONGEST {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        let header: Header = object(header)?;
        header.check(types)?;
        let algorithm = SigningAlgorithm::parse(&header.alg).ok_or(JwtError::Algorithm)?;
        Ok(Self {
            claims: object(claims)?,
            signed: signed.to_owned(),
            signature: decode(signature)?,
            algorithm,
            kid: header.kid,
            typ: header.typ,
        })
    }
}

impl<C> UnverifiedJwt<C> {
    /// The claims, not verified.
    pub const fn unverified_claims(&self) -> &C {
        &self.claims
    }

    /// The name of the key in the header, not verified.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The type in the header, not verified.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Verifies that one of these keys signed it.
    ///
    /// # Errors
    /// Why that cannot be said; [`SignatureError::UnknownKey`] when a newer set might have the key.
    pub fn verify(&self, keys: &Jwks) -> Result<(), SignatureError> {
        keys.verify(
            self.algorithm,
            self.kid.as_deref(),
            self.signed.as_bytes(),
            &self.signature,
        )
    }
}

impl<C> fmt::Debug for UnverifiedJwt<C> {
    /// Without claims and signature: a JWT may be a credential.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UnverifiedJwt(redacted)")
    }
}

/// Whether a media type, whose `application/` may be left out (RFC 7515 section 4.1.9), is one of
/// these.
fn is_one_of(types: &[&str], typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    types.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
}

/// Base64url without padding, in its canonical spelling.
fn decode(text: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| JwtError::Malformed)
}

/// A JSON object, whose members of interest appear once each (RFC 7515 section 4, RFC 7519 section
/// 4).
fn object<T: DeserializeOwned>(text: &str) -> Result<T, JwtError> {
    let bytes = decode(text)?;
    if !bytes.starts_with(b"{") {
        return Err(JwtError::Malformed);
    }
    serde_json::from_slice(&bytes).map_err(|_| JwtError::Malformed)
}

/// Whether a member is there, whatever its value.
fn is_present<'a, D: Deserializer<'a>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests;
