//! What the server behind a proxy is told of a token.

use access_token::Claims;
use oauth::{resource::Resource, scope::Scopes};

use super::{TokenEndpoint, inspection::account_of, signing::KnownOfUser};
use crate::{key_ring::date_time, unavailable::Unavailable};

/// What is told of a token, besides its claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Its claims, with what the resource may know of the user as it is now.
    pub claims: Claims,
    /// A JWT by which the resource can verify what it is told.
    pub assertion: String,
}

impl TokenEndpoint {
    /// Vouches for the claims of a live token before its resource. What the resource may know of the
    /// user is read for it, and nothing for another.
    pub async fn vouch(
        &self,
        claims: &Claims,
        resource: &Resource,
    ) -> Result<Vouched, Unavailable> {
        let known = match account_of(claims) {
            Some(account) => {
                let scopes = Scopes::parse(&claims.scope);
                self.disclosed(account, &scopes, resource).await?
            }
            None => KnownOfUser::default(),
        };
        let claims = Claims {
            email: known.email,
            name: known.name,
            ..claims.clone()
        };
        let (now, jti) = (self.context.now(), self.context.entropy().bytes());
        let signed = self
            .signing_keys
            .tokens
            .assertion(date_time(now), jti, &claims);
        let assertion = signed.map_err(|error| {
            tracing::error!(%error, "an assertion could not be signed");
            Unavailable::interrupted()
        })?;
        Ok(Vouched { claims, assertion })
    }
}
