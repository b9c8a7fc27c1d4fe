//! Verification of tokens.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use crate::{
    Claims, Invalid, KeySetSource, SourceError, TokenService, source::CachedKeys, token::Untrusted,
};

/// Verifies tokens of one issuer for one resource.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: Audience,
    /// How long after `exp` a token is still accepted.
    late: Duration,
    /// How far `iat` may be in the future, since the clocks of an issuer's servers may differ.
    early: Duration,
    keys: Keys,
}

const USUAL_SKEW: Duration = Duration::seconds(30);

/// Which `aud` is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// This value, byte for byte.
    Exactly(String),
    /// Any value: only for the issuer's own endpoints about the token itself.
    Any,
}

/// Why a token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token is invalid.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There are no keys to verify it.
    #[error(transparent)]
    NoKeys(#[from] SourceError),
}

#[derive(Debug)]
enum Keys {
    Own(TokenService, Option<Arc<dyn Renewal>>),
    Fetched(CachedKeys),
}

/// Updates the keys of a [`TokenService`] that other servers of the same issuer may have changed.
#[async_trait]
pub trait Renewal: Send + Sync + fmt::Debug {
    /// Reads the keys again. It is called for each token with an unknown key id; the implementation
    /// must limit how often it reads.
    async fn renew(&self) -> Result<(), SourceError>;
}

impl Verifier {
    /// A verifier in the same process as the issuing service. It always uses the current keys, and
    /// allows no clock skew after `exp`.
    pub fn beside(service: TokenService, audience: Audience) -> Self {
        let issuer = service.issuer().to_owned();
        Self {
            issuer,
            audience,
            late: Duration::ZERO,
            early: USUAL_SKEW,
            keys: Keys::Own(service, None),
        }
    }

    /// Reads the keys again before a token with an unknown key id is refused.
    #[must_use]
    pub fn renewing(mut self, renewal: Arc<dyn Renewal>) -> Self {
        if let Keys::Own(_, own) = &mut self.keys {
            *own = Some(renewal);
        }
        self
    }

    /// A verifier with the keys of `source`, cached for up to five minutes. Allows a clock skew of
    /// 30 seconds.
    pub fn new(issuer: String, audience: Audience, source: Arc<dyn KeySetSource>) -> Self {
        let keys = Keys::Fetched(CachedKeys::new(source));
        Self {
            issuer,
            audience,
            late: USUAL_SKEW,
            early: USUAL_SKEW,
            keys,
        }
    }

    /// Allows this clock skew in either direction.
    #[must_use]
    pub fn allowing_skew(mut self, skew: Duration) -> Self {
        (self.late, self.early) = (skew, skew);
        self
    }

    /// The claims of a token that is valid now.
    pub async fn verify(&self, token: &str, now: OffsetDateTime) -> Result<Claims, Refusal> {
        let token = Untrusted::parse(token)?;
        let claims = match &self.keys {
            Keys::Own(service, renewal) => {
                if let (Some(renewal), Err(Invalid::UnknownKey)) =
                    (renewal, service.ring().find(token.kid(), now))
                {
                    renewal.renew().await?;
                }
                token.verify(service.ring().find(token.kid(), now)?)?
            }
            Keys::Fetched(keys) => {
                token.verify(keys.with(token.kid(), now).await?.find(token.kid(), now)?)?
            }
        };
        self.check_claims(&claims, now)?;
        Ok(claims)
    }

    /// The checks of the claims.
    fn check_claims(&self, claims: &Claims, now: OffsetDateTime) -> Result<(), Invalid> {
        if claims.iss != self.issuer {
            return Err(Invalid::Issuer);
        }
        if let Audience::Exactly(audience) = &self.audience
            && claims.aud != *audience
        {
            return Err(Invalid::Audience);
        }
        if now >= claims.exp.saturating_add(self.late) {
            return Err(Invalid::Expired);
        }
        if claims.iat > now.saturating_add(self.early) {
            return Err(Invalid::NotYetValid);
        }
        Ok(())
    }
}
