//! Verification of tokens.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jose::Jwks;
use primitives::{JwtType, TokenFormat};
use time::{Duration, OffsetDateTime};

use crate::{
    Claims, Invalid, KeyRing, KeySet, KeySetSource, SourceError, TokenService,
    jwt::UntrustedJwt,
    source::CachedKeys,
    token::Untrusted,
    verified::{Signer, TokenDigest, Verified},
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

/// The keys, which also say the format: a verifier of one format refuses the other.
#[derive(Debug)]
enum Keys {
    Own(OwnKeys),
    Paseto(CachedKeys<KeySet>),
    Jwt(CachedKeys<Jwks>, Vec<JwtType>),
}

/// The keys of a service in the same process.
#[derive(Debug)]
struct OwnKeys {
    service: TokenService,
    renewal: Option<Arc<dyn Renewal>>,
    /// The only format that is accepted; `None` accepts both.
    format: Option<TokenFormat>,
}

impl OwnKeys {
    /// The types of JWTs that this token may have; `None` if it has to be PASETO. A JWT begins with
    /// `{"` in base64url.
    fn jwt_types(&self, token: &str) -> Option<Vec<JwtType>> {
        match self.format {
            Some(TokenFormat::Paseto) => None,
            Some(TokenFormat::Jwt { jwt_type, .. }) => Some(vec![jwt_type]),
            None => (token.starts_with("ey") && !self.service.ring().jwt().is_empty())
                .then(|| JwtType::ALL.to_vec()),
        }
    }

    /// The claims of a token whose signature is valid. Whether that was found now or before makes no
    /// difference to what is judged: see [`crate::verified`].
    async fn verify(&self, token: &str, now: OffsetDateTime) -> Result<Claims, Refusal> {
        let types = self.jwt_types(token);
        let keys = self.service.keys();
        let digest = TokenDigest::of(token);
        let known = digest.and_then(|digest| keys.verified.recall(&digest));
        if let Some(known) = known
            && known
                .signer
                .counts(types.as_deref(), &keys.ring, now)
                .is_ok()
        {
            return Ok(known.claims.clone());
        }
        let token = Unread::parse(token, types.as_deref())?;
        let mut keys = keys;
        let mut read = token.verify(&keys.ring, now);
        if let (Some(renewal), Err(Invalid::UnknownKey)) = (&self.renewal, &read) {
            renewal.renew().await?;
            keys = self.service.keys();
            read = token.verify(&keys.ring, now);
        }
        let verified = read?;
        let claims = verified.claims.clone();
        if let Some(digest) = digest {
            keys.verified.remember(digest, verified);
        }
        Ok(claims)
    }
}

/// A token of either format that is not verified yet.
enum Unread {
    Paseto(Untrusted),
    Jwt(Box<UntrustedJwt>),
}

impl Unread {
    /// Reads a JWT of one of these types, or a PASETO token.
    fn parse(token: &str, types: Option<&[JwtType]>) -> Result<Self, Invalid> {
        match types {
            Some(types) => Ok(Self::Jwt(Box::new(UntrustedJwt::parse(token, types)?))),
            None => Untrusted::parse(token).map(Self::Paseto),
        }
    }

    /// What it says, if a key of the ring that verifies now has signed it.
    fn verify(&self, ring: &KeyRing, now: OffsetDateTime) -> Result<Verified, Invalid> {
        match self {
            Self::Paseto(token) => Ok(Verified {
                claims: token.verify(ring.find(token.kid(), now)?)?,
                signer: Signer::Paseto(token.kid().clone()),
            }),
            Self::Jwt(token) => {
                let kid = token.kid()?;
                Ok(Verified {
                    claims: token.verify(&ring.jwt_key(kid, now)?)?,
                    signer: Signer::Jwt(token.jwt_type(), kid.to_owned()),
                })
            }
        }
    }
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
            keys: Keys::Own(OwnKeys {
                service,
                renewal: None,
                format: None,
            }),
        }
    }

    /// Reads the keys again before a token with an unknown key id is refused.
    #[must_use]
    pub fn renewing(mut self, renewal: Arc<dyn Renewal>) -> Self {
        if let Keys::Own(own) = &mut self.keys {
            own.renewal = Some(renewal);
        }
        self
    }

    /// Accepts tokens of this format alone. Without it, a verifier beside the service accepts what
    /// the service issues.
    #[must_use]
    pub fn only(mut self, format: TokenFormat) -> Self {
        if let Keys::Own(own) = &mut self.keys {
            own.format = Some(format);
        }
        self
    }

    /// A verifier with the keys of `source`, cached for up to five minutes. Allows a clock skew of
    /// 30 seconds.
    pub fn new(issuer: String, audience: Audience, source: Arc<dyn KeySetSource>) -> Self {
        Self::with_keys(issuer, audience, Keys::Paseto(CachedKeys::new(source)))
    }

    /// Like [`new`](Self::new), for JWT access tokens (RFC 9068) of the type `at+jwt`.
    pub fn jwt(issuer: String, audience: Audience, source: Arc<dyn KeySetSource<Jwks>>) -> Self {
        let keys = Keys::Jwt(CachedKeys::new(source), vec![JwtType::AccessToken]);
        Self::with_keys(issuer, audience, keys)
    }

    /// Accepts JWTs of this type alone, for a resource with another `jwt_type`.
    #[must_use]
    pub fn of_type(mut self, jwt_type: JwtType) -> Self {
        if let Keys::Jwt(_, types) = &mut self.keys {
            *types = vec![jwt_type];
        }
        self
    }

    fn with_keys(issuer: String, audience: Audience, keys: Keys) -> Self {
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
        let claims = match &self.keys {
            Keys::Own(keys) => keys.verify(token, now).await?,
            Keys::Paseto(keys) => {
                let token = Untrusted::parse(token)?;
                let set = keys.with(token.kid().as_str(), now).await?;
                token.verify(set.find(token.kid(), now)?)?
            }
            Keys::Jwt(keys, types) => {
                let token = UntrustedJwt::parse(token, types)?;
                let kid = token.kid()?;
                let set = keys.with(kid, now).await?;
                token.verify(set.find(kid).ok_or(Invalid::UnknownKey)?)?
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
