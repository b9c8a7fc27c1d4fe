//! Client assertions: a client proves itself by a JWT that one of its keys signed (RFC 7521 section
//! 4.2, RFC 7523 sections 2.2 and 3, R-O23, R-K15).
//!
//! Reading and verifying are two steps: an assertion that was read says who to look up, and nothing
//! of it is believed.

use std::{fmt, time::Duration};

use jose::{AudienceClaim, Jwks, NumericDate, UnverifiedJwt};
use primitives::Timestamp;
use serde::Deserialize;

use crate::error::{AssertionError, AssertionFault};

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far the clocks of a client and of this server may be apart.
pub const SKEW: Duration = Duration::from_mins(1);

/// The longest `jti`, in bytes.
const LONGEST_JTI: usize = 256;
/// How far ahead an assertion may expire (RFC 7523 section 3, item 4). An hour is what libraries
/// set at most; being used once guards against replay whatever the span, and each `jti` is
/// remembered for as long.
const LONGEST_LIFE: Duration = Duration::from_hours(1);
/// What `typ` may be: plain, or the explicit type of draft-ietf-oauth-rfc7523bis section 4.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// An assertion as it came. Who sent it is not known: only [`ValidatedAssertion::verify`] tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion {
    client_id: String,
    jwt: UnverifiedJwt<Claims>,
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

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<AudienceClaim>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    jti: Option<String>,
}

impl Assertion {
    /// Reads a JWT that names a client.
    ///
    /// # Errors
    /// [`AssertionError::Unreadable`] when it is no JWT that is read here,
    /// [`AssertionError::Unacceptable`] when it has another type or names no client.
    pub fn parse(text: &str) -> Result<Self, AssertionError> {
        let jwt: UnverifiedJwt<Claims> = UnverifiedJwt::parse(text, &TYPES)?;
        let Claims { iss, sub, .. } = jwt.unverified_claims();
        match (iss, sub) {
            (Some(iss), Some(sub)) if iss == sub => Ok(Self {
                client_id: sub.clone(),
                jwt,
            }),
            _ => Err(AssertionFault::Client.into()),
        }
    }

    /// The client that it claims to come from.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Validates all that needs no key, so that no key is fetched for an assertion that would be
    /// refused anyway: its client, its audience, its time and its identifier.
    ///
    /// # Errors
    /// [`AssertionError::Unacceptable`].
    pub fn validate(
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
        let jti = match &self.jwt.unverified_claims().jti {
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
        let audience = self.jwt.unverified_claims().aud.as_ref();
        let Some([only]) = audience.map(AudienceClaim::values) else {
            return Err(AssertionFault::Audiences.into());
        };
        if audiences.contains(&only.as_str()) {
            Ok(())
        } else {
            Err(AssertionFault::Audience.into())
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<Timestamp, AssertionError> {
        let claims = self.jwt.unverified_claims();
        let latest_start = now.after(SKEW);
        let Some(NumericDate(exp)) = claims.exp else {
            return Err(AssertionFault::NoExpiry.into());
        };
        let end = exp.after(SKEW);
        if end.has_passed(now) {
            return Err(AssertionFault::Expired.into());
        }
        if exp > latest_start.after(LONGEST_LIFE) {
            return Err(AssertionFault::TooFarAhead.into());
        }
        if [claims.nbf, claims.iat]
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
    /// otherwise [`AssertionError::WronglySigned`].
    pub fn verify(&self, keys: &Jwks) -> Result<VerifiedAssertion, AssertionError> {
        self.assertion.jwt.verify(keys)?;
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

#[cfg(test)]
mod tests;
