//! Client assertions: a client proves itself by a JWT that one of its keys signed (RFC 7521 section
//! 4.2, RFC 7523 sections 2.2 and 3, R-O23, R-K15).
//!
//! Reading and verifying are two steps: an assertion that was read says who to look up, and nothing
//! of it is believed.

use std::{fmt, slice, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::error::{AssertionError, AssertionFault};
use crate::jwk::{Algorithm, Jwks};
use primitives::Timestamp;

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far the clocks of a client and of this server may be apart.
pub const SKEW: Duration = Duration::from_mins(1);

/// The longest assertion that is read: it holds a long client id twice, and the signature of a long
/// key.
const LONGEST: usize = 16 * 1024;
/// The longest `jti`, in bytes.
const LONGEST_JTI: usize = 256;
/// How far ahead an assertion may expire (RFC 7523 section 3, item 4). An hour is what libraries
/// set at most; being used once guards against replay whatever the span, and each `jti` is
/// remembered for as long.
const LONGEST_LIFE: Duration = Duration::from_hours(1);
/// What `typ` may be: plain, or the explicit type of draft-ietf-oauth-rfc7523bis section 4.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];
/// The end of the year 9999, in seconds since 1970.
const LAST_DATE: f64 = 253_402_300_799.0;

/// An assertion as it came. Who sent it is not known: only [`ValidatedAssertion::verify`] tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion {
    client_id: String,
    signed: String,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Claims,
}

/// An assertion that would do, if a key of the client's signed it.
#[derive(Clone, Debug)]
pub struct ValidatedAssertion {
    assertion: Assertion,
    jti: String,
    expires_at: Timestamp,
}

/// An assertion that the client's key signed, for this server, at this time. It proves the client
/// when its `jti` is new.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedAssertion {
    /// Its identifier, unique for the client.
    pub jti: String,
    /// Until when it could be accepted, allowing for clocks that differ: so long its `jti` is
    /// remembered.
    pub expires_at: Timestamp,
}

/// The header (RFC 7515 section 4). Keys that a header brings along (`jwk`, `jku`, `x5c`) are never
/// looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, rename = "crit", deserialize_with = "present")]
    has_critical: bool,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519 section 2).
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
struct NumericDate(Timestamp);

impl Assertion {
    /// Reads the compact serialisation (RFC 7515 section 7.1): strictly, one spelling for each
    /// assertion.
    ///
    /// # Errors
    /// [`AssertionError::Unacceptable`] when it is no such JWT, is not signed by an algorithm of
    /// ours, or names no client.
    pub fn read(text: &str) -> Result<Self, AssertionError> {
        if text.len() > LONGEST {
            return Err(AssertionFault::TooLong.into());
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(AssertionFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(AssertionFault::Malformed)?;
        let header: Header = json(header)?;
        // RFC 7515 section 4.1.11: what is critical must be understood, and nothing of the kind is.
        if header.has_critical {
            return Err(AssertionFault::Critical.into());
        }
        if !header.typ.as_deref().is_none_or(is_client_assertion) {
            return Err(AssertionFault::Type.into());
        }
        let algorithm = Algorithm::parse(&header.alg).ok_or(AssertionFault::Algorithm)?;
        let claims: Claims = json(claims)?;
        let Some(client_id) = claims
            .sub
            .clone()
            .filter(|sub| claims.iss.as_ref() == Some(sub))
        else {
            return Err(AssertionFault::Client.into());
        };
        let signature = decoded(signature)?;
        Ok(Self {
            client_id,
            signed: signed.to_owned(),
            signature,
            algorithm,
            kid: header.kid,
            claims,
        })
    }

    /// The client that it claims to come from.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Judges all that needs no key, so that no key is fetched for what would not do anyway: it
    /// names the client, is meant for one of `audiences`, in its time, and can be told from others.
    ///
    /// # Errors
    /// [`AssertionError::Unacceptable`].
    pub fn check(
        &self,
        client_id: &str,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<ValidatedAssertion, AssertionError> {
        if self.client_id != client_id {
            return Err(AssertionFault::Client.into());
        }
        self.check_audience(audiences)?;
        let expires_at = self.check_time(now)?;
        let jti = match &self.claims.jti {
            Some(jti) if (1..=LONGEST_JTI).contains(&jti.len()) => jti,
            _ => return Err(AssertionFault::NoIdentifier.into()),
        };
        Ok(ValidatedAssertion {
            assertion: self.clone(),
            jti: jti.clone(),
            expires_at,
        })
    }

    /// draft-ietf-oauth-rfc7523bis section 4 asks for the issuer identifier as the sole value: a
    /// hostile server may name our token endpoint as its own, and gather what clients address to
    /// it. RFC 7523 suggested the token endpoint, and clients still do that (R-O23). Either will do
    /// here, one value, byte for byte (T-C26): docs/decisions/assertion-audience.md.
    fn check_audience(&self, audiences: &[&str]) -> Result<(), AssertionError> {
        let values = match &self.claims.aud {
            None => &[],
            Some(Audience::One(only)) => slice::from_ref(only),
            Some(Audience::Several(several)) => several.as_slice(),
        };
        let [only] = values else {
            return Err(AssertionFault::Audiences.into());
        };
        if audiences.contains(&only.as_str()) {
            Ok(())
        } else {
            Err(AssertionFault::Audience.into())
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<Timestamp, AssertionError> {
        let latest_start = now.after(SKEW);
        let Some(NumericDate(exp)) = self.claims.exp else {
            return Err(AssertionFault::NoExpiry.into());
        };
        let end = exp.after(SKEW);
        if end.has_passed(now) {
            return Err(AssertionFault::Expired.into());
        }
        if exp > latest_start.after(LONGEST_LIFE) {
            return Err(AssertionFault::TooFarAhead.into());
        }
        if [self.claims.nbf, self.claims.iat]
            .iter()
            .flatten()
            .any(|start| start.0 > latest_start)
        {
            return Err(AssertionFault::NotYet.into());
        }
        Ok(end)
    }
}

impl ValidatedAssertion {
    /// Verifies that one of these keys signed it.
    ///
    /// # Errors
    /// [`AssertionError::UnknownKey`] when a newer key set may have the key that this one lacks,
    /// otherwise [`AssertionError::Unacceptable`].
    pub fn verify(&self, keys: &Jwks) -> Result<VerifiedAssertion, AssertionError> {
        let Assertion {
            algorithm,
            kid,
            signed,
            signature,
            ..
        } = &self.assertion;
        keys.verify(*algorithm, kid.as_deref(), signed.as_bytes(), signature)?;
        Ok(VerifiedAssertion {
            jti: self.jti.clone(),
            expires_at: self.expires_at,
        })
    }
}

impl fmt::Debug for Assertion {
    /// Without the assertion itself, which is a credential while it lasts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Assertion({})", self.client_id)
    }
}

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if !(0.0..=LAST_DATE).contains(&seconds) {
            return Err("it is not a date");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range has just been checked"
        )]
        Ok(Self(Timestamp::from_seconds(seconds as u64)))
    }
}

/// A media type, whose `application/` may be left out (RFC 7515 section 4.1.9).
fn is_client_assertion(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
}

/// Base64url without padding, in its canonical spelling.
fn decoded(text: &str) -> Result<Vec<u8>, AssertionFault> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| AssertionFault::Malformed)
}

/// A JSON object, whose members of interest appear once each (RFC 7515 section 4, RFC 7519 section
/// 4).
fn json<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, AssertionFault> {
    let bytes = decoded(text)?;
    if !bytes.starts_with(b"{") {
        return Err(AssertionFault::Malformed);
    }
    serde_json::from_slice(&bytes).map_err(|_| AssertionFault::Malformed)
}

/// A member that is there, whatever its value.
fn present<'a, D: Deserializer<'a>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests;
