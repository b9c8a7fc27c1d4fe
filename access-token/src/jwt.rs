//! The token as a JWT (RFC 9068): its claims, and parsing before verification.

use jose::{Jwk, JwtError, NumericDate, UnverifiedJwt};
use primitives::JwtType;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Claims, Invalid, JwtSigningKey, MAX_TOKEN_BYTES};

/// Every type of an access token, as a media type in lower case.
const TYPES: [&str; 2] = ["at+jwt", "jwt"];

/// The claims as they are written: times are seconds since 1970 (RFC 7519 section 2).
#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    device_id: &'a str,
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// The claims as they are read. `aud` is one value: a token for several resources is not one of
/// ours.
#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Read {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    device_id: String,
    scope: String,
    iat: NumericDate,
    exp: NumericDate,
    jti: String,
    grant: Option<String>,
    email: Option<String>,
    name: Option<String>,
}

/// Signs the claims. `None` when the system gives no random numbers.
pub(crate) fn sign(key: &JwtSigningKey, jwt_type: JwtType, claims: &Claims) -> Option<String> {
    let written = Written {
        iss: &claims.iss,
        sub: &claims.sub,
        aud: &claims.aud,
        client_id: &claims.client_id,
        device_id: &claims.device_id,
        scope: &claims.scope,
        iat: claims.iat.unix_timestamp(),
        exp: claims.exp.unix_timestamp(),
        jti: &claims.jti,
        grant: claims.grant.as_deref(),
        email: claims.email.as_deref(),
        name: claims.name.as_deref(),
    };
    key.sign(jwt_type.as_str(), &written)
}

/// A well-formed JWT access token with a key id. It is not verified yet.
pub(crate) struct UntrustedJwt {
    jwt: UnverifiedJwt<Read>,
    jwt_type: JwtType,
}

impl UntrustedJwt {
    /// Reads a token of one of these types.
    pub(crate) fn parse(token: &str, types: &[JwtType]) -> Result<Self, Invalid> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Invalid::TooLong);
        }
        let jwt = UnverifiedJwt::parse(token, &TYPES).map_err(fault)?;
        let jwt_type = jwt.typ().and_then(JwtType::parse).ok_or(Invalid::Type)?;
        if !types.contains(&jwt_type) {
            return Err(Invalid::Type);
        }
        Ok(Self { jwt, jwt_type })
    }

    /// Its type.
    pub(crate) fn jwt_type(&self) -> JwtType {
        self.jwt_type
    }

    /// The key id of its header, without which no key is tried.
    pub(crate) fn kid(&self) -> Result<&str, Invalid> {
        self.jwt.kid().ok_or(Invalid::NoKeyId)
    }

    /// The claims, if this key signed them with the algorithm of its kind.
    pub(crate) fn verify(&self, key: &Jwk) -> Result<Claims, Invalid> {
        let key = std::iter::once(key.clone()).collect();
        self.jwt.verify(&key).map_err(|_| Invalid::Signature)?;
        let read = self.jwt.unverified_claims().clone();
        Ok(Claims {
            iss: read.iss,
            sub: read.sub,
            aud: read.aud,
            client_id: read.client_id,
            device_id: read.device_id,
            scope: read.scope,
            iat: date(read.iat)?,
            exp: date(read.exp)?,
            jti: read.jti,
            grant: read.grant,
            email: read.email,
            name: read.name,
        })
    }
}

fn date(NumericDate(at): NumericDate) -> Result<OffsetDateTime, Invalid> {
    let seconds = i64::try_from(at.seconds()).map_err(|_| Invalid::Claims)?;
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| Invalid::Claims)
}

fn fault(error: JwtError) -> Invalid {
    match error {
        JwtError::TooLong => Invalid::TooLong,
        JwtError::Malformed => Invalid::NotAJwt,
        JwtError::Critical | JwtError::Type => Invalid::Type,
        JwtError::Algorithm => Invalid::Algorithm,
    }
}
