//! What a client holds of a grant: a code first, refresh tokens then. Each names its grant, so that
//! one read finds it.

use primitives::{Id, Secret};

use crate::error::{CodeError, RefreshTokenError};

const CODE_PREFIX: &str = "vac_";
const REFRESH_PREFIX: &str = "vrt_";
const SECRET_LENGTH: usize = 43;

/// Names a grant: where its record lies, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantKey {
    /// The account of the user.
    pub account: Id,
    /// The grant itself.
    pub grant: Id,
}

impl GrantKey {
    fn split(text: &str) -> Option<(Self, &str)> {
        let (account, rest) = text.split_at_checked(Id::TEXT_LENGTH)?;
        let (grant, rest) = rest.split_at_checked(Id::TEXT_LENGTH)?;
        Some((
            Self {
                account: Id::parse(account)?,
                grant: Id::parse(grant)?,
            },
            rest,
        ))
    }
}

/// An authorization code. It names its grant, so that one read finds it, and holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// The grant it redeems.
    pub key: GrantKey,
    /// What only the client it was sent to knows.
    pub secret: Secret,
}

impl AuthorizationCode {
    /// Reads a code from a token request.
    ///
    /// # Errors
    /// [`CodeError::Unknown`] for anything that is not of our making.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let parse = || {
            let (key, secret) = GrantKey::split(text.strip_prefix(CODE_PREFIX)?)?;
            Some(Self {
                key,
                secret: Secret::decode(secret)?,
            })
        };
        parse().ok_or(CodeError::Unknown)
    }

    /// The code as it goes to the client.
    pub fn encode(&self) -> String {
        format!(
            "{CODE_PREFIX}{}{}{}",
            self.key.account,
            self.key.grant,
            self.secret.encode()
        )
    }
}

/// A refresh token. All tokens of a grant share the family secret, which tells a token that was
/// rotated long ago (and ends the grant) from a guess by someone who has merely seen the grant's id
/// (and ends nothing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The grant it keeps alive.
    pub key: GrantKey,
    pub(super) family: Secret,
    pub(super) secret: Secret,
}

impl RefreshToken {
    /// Reads a refresh token from a token request.
    ///
    /// # Errors
    /// [`RefreshTokenError::Unknown`] for anything that is not of our making.
    pub fn parse(text: &str) -> Result<Self, RefreshTokenError> {
        let parse = || {
            let (key, rest) = GrantKey::split(text.strip_prefix(REFRESH_PREFIX)?)?;
            let (family, secret) = rest.split_at_checked(SECRET_LENGTH)?;
            Some(Self {
                key,
                family: Secret::decode(family)?,
                secret: Secret::decode(secret)?,
            })
        };
        parse().ok_or(RefreshTokenError::Unknown)
    }

    /// The token as it goes to the client.
    pub fn encode(&self) -> String {
        format!(
            "{REFRESH_PREFIX}{}{}{}{}",
            self.key.account,
            self.key.grant,
            self.family.encode(),
            self.secret.encode()
        )
    }

    /// The token that replaces this one. Only this token and the stored salt together give it, so a
    /// client that lost a response gets the same successor again, although the store never had it.
    pub(super) fn successor(&self, salt: &Secret) -> Self {
        Self {
            key: self.key,
            family: self.family.clone(),
            secret: self
                .secret
                .derive("refresh token successor", salt.encode().as_bytes()),
        }
    }
}
