//! What a proxy hands to the server behind it about a token that was checked.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use primitives::SigningAlgorithm;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::{Claims, IssueError, TokenService, timestamp::whole_seconds};

/// The `typ` of an assertion, which no access token has: a [`Verifier`](crate::Verifier) refuses it,
/// and a server that accepts assertions has to demand it.
pub const ASSERTION_TYPE: &str = "vestibule-assertion+jwt";

/// How long an assertion is valid: for the one request that it comes with.
pub const ASSERTION_LIFETIME: Duration = Duration::MINUTE;

/// The claims of an assertion.
#[derive(Serialize)]
struct Asserted<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    jti: String,
    iat: i64,
    exp: i64,
}

impl TokenService {
    /// Signs what a token says (RFC 7519), with the `EdDSA` keys of the service, for the resource of
    /// the token and for a minute. It has no grant, so it can neither be introspected nor revoked.
    /// `jti` is random.
    ///
    /// # Errors
    /// [`IssueError::NoKey`] when the ring has no `EdDSA` key.
    pub fn assertion(
        &self,
        now: OffsetDateTime,
        jti: [u8; 16],
        claims: &Claims,
    ) -> Result<String, IssueError> {
        let iat = whole_seconds(now);
        let asserted = Asserted {
            iss: self.issuer(),
            sub: &claims.sub,
            aud: &claims.aud,
            client_id: &claims.client_id,
            scope: &claims.scope,
            email: claims.email.as_deref(),
            name: claims.name.as_deref(),
            jti: BASE64_URL_SAFE_NO_PAD.encode(jti),
            iat: iat.unix_timestamp(),
            exp: iat.saturating_add(ASSERTION_LIFETIME).unix_timestamp(),
        };
        self.assert(&asserted)
    }

    fn assert(&self, asserted: &Asserted<'_>) -> Result<String, IssueError> {
        let ring = self.ring();
        let keys = ring.jwt_ring(SigningAlgorithm::EdDsa);
        let key = keys.ok_or(IssueError::NoKey)?.active();
        let signed = key.sign(ASSERTION_TYPE, asserted);
        signed.ok_or(IssueError::Signature)
    }
}
