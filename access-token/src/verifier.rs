//! Deciding whether a token is good here and now.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use crate::{
    Claims, Invalid, KeySource, SourceError, TokenService, source::CachedKeys, token::Untrusted,
};

/// Checks tokens of one issuer for one service.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: Audience,
    /// How long beyond `exp` a token is still taken.
    late: Duration,
    /// How far ahead `iat` may lie: the servers of one issuer need not agree to the second.
    early: Duration,
    keys: Keys,
}

const USUAL_SKEW: Duration = Duration::seconds(30);

/// Which `aud` is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// This one, byte for byte.
    Exactly(String),
    /// Any: only for the issuer's own endpoints that tell a caller about itself.
    Any,
}

/// Why a token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token's fault.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Ours: there are no keys to check it with.
    #[error(transparent)]
    NoKeys(#[from] SourceError),
}

#[derive(Debug)]
enum Keys {
    Own(TokenService, Option<Arc<dyn Renewal>>),
    Fetched(CachedKeys),
}

/// Brings the keys of a [`TokenService`] up to date, where other servers of the same issuer may
/// have changed them.
#[async_trait]
pub trait Renewal: Send + Sync + fmt::Debug {
    /// Reads the keys again. Asked for each token of a key that is not known: the one who
    /// implements it bounds how often it reads.
    async fn renew(&self) -> Result<(), SourceError>;
}

impl Verifier {
    /// A verifier in the same process as the service that issues: its keys are always the present
    /// ones, and a token expires to the second.
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

    /// Has the keys read again before a token is refused whose key is not known.
    #[must_use]
    pub fn renewing(mut self, renewal: Arc<dyn Renewal>) -> Self {
        if let Keys::Own(_, own) = &mut self.keys {
            *own = Some(renewal);
        }
        self
    }

    /// A verifier that gets its keys from `source` and keeps them for up to five minutes. Allows
    /// for half a minute of clock skew.
    pub fn new(issuer: String, audience: Audience, source: Arc<dyn KeySource>) -> Self {
        let keys = Keys::Fetched(CachedKeys::new(source));
        Self {
            issuer,
            audience,
            late: USUAL_SKEW,
            early: USUAL_SKEW,
            keys,
        }
    }

    /// Allows the issuer's clock to be off by so much in either direction.
    #[must_use]
    pub fn allowing_skew(mut self, skew: Duration) -> Self {
        (self.late, self.early) = (skew, skew);
        self
    }

    /// What the token says, if it is good now.
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
        self.judge(&claims, now)?;
        Ok(claims)
    }

    /// The checks that need no key.
    fn judge(&self, claims: &Claims, now: OffsetDateTime) -> Result<(), Invalid> {
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
