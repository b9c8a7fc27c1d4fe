//! Issuing tokens.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use primitives::{JwtType, SigningAlgorithm, TokenFormat};
use time::{Duration, OffsetDateTime};

use crate::{
    Claims, KeyRing, KeySet, MAX_TOKEN_BYTES, jwt, timestamp::whole_seconds, token,
    verified::VerifiedTokens,
};

/// The usual size of the claims in bytes.
const USUAL_LENGTH: usize = 512;

/// Issues access tokens for one issuer. It does not depend on how the user signed in. Cloning is
/// cheap, and all clones share one key ring.
#[derive(Clone)]
pub struct TokenService {
    shared: Arc<Shared>,
}

struct Shared {
    issuer: String,
    lifetime: Duration,
    /// Locked to clone or replace the inner `Arc`, never while signing.
    keys: Arc<RwLock<Arc<Keys>>>,
}

/// A ring, and the tokens that it has verified: none of another ring's.
pub(crate) struct Keys {
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) verified: VerifiedTokens,
}

impl Keys {
    fn new(ring: KeyRing) -> Self {
        Self {
            ring: Arc::new(ring),
            verified: VerifiedTokens::default(),
        }
    }
}

/// The claims that the caller decides.
#[derive(Clone, Debug)]
pub struct TokenSubject {
    /// The user.
    pub sub: String,
    /// The resource.
    pub aud: String,
    /// The client.
    pub client_id: String,
    /// The device or installation.
    pub device_id: String,
    /// Scope names, separated by single spaces.
    pub scope: String,
    /// The grant, if any.
    pub grant: Option<String>,
    /// The email address of the user, for a resource that may know it.
    pub email: Option<String>,
    /// The name that the user has chosen, for a resource that may know it.
    pub name: Option<String>,
}

/// An issued token. Its Debug does not show it.
pub struct Issued {
    /// The token, which is a secret.
    pub token: String,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// Its id, as in the claims.
    pub jti: String,
}

/// Why no token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A time of the token has no RFC 3339 form, since the clock is wrong by millennia.
    #[error("the times of the token cannot be represented")]
    Time,
    /// The token is longer than [`MAX_TOKEN_BYTES`], so that no verifier would accept it.
    #[error("the claims are too long for a token")]
    TooLong,
    /// There is no key of this algorithm.
    #[error("there is no key for the algorithm of the token")]
    NoKey,
    /// Signing failed.
    #[error("the token could not be signed")]
    Signature,
}

impl TokenService {
    /// A service for `issuer`, with tokens that are valid for `lifetime` (whole seconds).
    pub fn new(issuer: String, lifetime: Duration, ring: KeyRing) -> Self {
        let lifetime = Duration::seconds(lifetime.whole_seconds());
        Self {
            shared: Arc::new(Shared {
                issuer,
                lifetime,
                keys: Arc::new(RwLock::new(Arc::new(Keys::new(ring)))),
            }),
        }
    }

    /// A service with another token lifetime that shares the key ring.
    #[must_use]
    pub fn with_lifetime(&self, lifetime: Duration) -> Self {
        let issuer = self.shared.issuer.clone();
        let keys = Arc::clone(&self.shared.keys);
        let lifetime = Duration::seconds(lifetime.whole_seconds());
        Self {
            shared: Arc::new(Shared {
                issuer,
                lifetime,
                keys,
            }),
        }
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// The current keys.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys().ring)
    }

    /// The current keys, with the tokens that they have verified.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        let keys = self.shared.keys.read();
        Arc::clone(&keys.unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the keys of all clones at once. Every token is read again.
    pub fn replace_ring(&self, ring: KeyRing) {
        let keys = Arc::new(Keys::new(ring));
        *self
            .shared
            .keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The published keys.
    pub fn key_set(&self, now: OffsetDateTime) -> KeySet {
        self.ring().key_set(now)
    }

    /// Issues a token: one signature, about a tenth of a millisecond, with RSA about one
    /// millisecond. `jti` is random.
    pub fn issue(
        &self,
        now: OffsetDateTime,
        jti: [u8; 16],
        subject: TokenSubject,
        format: TokenFormat,
    ) -> Result<Issued, IssueError> {
        let claims = self.claims(now, jti, subject);
        let token = match format {
            TokenFormat::Paseto => self.paseto(&claims)?,
            TokenFormat::Jwt {
                algorithm,
                jwt_type,
            } => self.jwt(&claims, algorithm, jwt_type)?,
        };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssueError::TooLong);
        }
        let expires_in = self.shared.lifetime.whole_seconds().try_into().unwrap_or(0);
        Ok(Issued {
            token,
            expires_in,
            jti: claims.jti,
        })
    }

    fn paseto(&self, claims: &Claims) -> Result<String, IssueError> {
        let mut payload = Vec::with_capacity(USUAL_LENGTH);
        serde_json::to_writer(&mut payload, claims).map_err(|_| IssueError::Time)?;
        token::sign(self.ring().active(), &payload).ok_or(IssueError::Signature)
    }

    fn jwt(
        &self,
        claims: &Claims,
        algorithm: SigningAlgorithm,
        jwt_type: JwtType,
    ) -> Result<String, IssueError> {
        let ring = self.ring();
        let key = ring.jwt_ring(algorithm).ok_or(IssueError::NoKey)?.active();
        jwt::sign(key, jwt_type, claims).ok_or(IssueError::Signature)
    }

    fn claims(&self, now: OffsetDateTime, jti: [u8; 16], subject: TokenSubject) -> Claims {
        let iat = whole_seconds(now);
        Claims {
            iss: self.shared.issuer.clone(),
            sub: subject.sub,
            aud: subject.aud,
            client_id: subject.client_id,
            device_id: subject.device_id,
            scope: subject.scope,
            iat,
            exp: iat.saturating_add(self.shared.lifetime),
            jti: BASE64_URL_SAFE_NO_PAD.encode(jti),
            grant: subject.grant,
            email: subject.email,
            name: subject.name,
        }
    }
}

impl fmt::Debug for TokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenService")
            .field("issuer", &self.shared.issuer)
            .field("lifetime", &self.shared.lifetime)
            .field("active", self.ring().active().id())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("jti", &self.jti)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
