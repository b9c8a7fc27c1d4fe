//! The code or refresh token of a token request.

use oauth::{
    Secret, Timestamp,
    client::ClientId,
    error::{CodeError, RefreshTokenError, TokenRequestError},
    grant::{AuthorizationCode, Grant, GrantKey, RefreshToken, TokenPolicy, Transition},
    token::{CodeRequest, RefreshRequest, TokenRequest},
};

use crate::environment::Entropy;

/// What a client presents for new tokens, with the random bytes that its exchange needs.
pub(super) enum Presented<'a> {
    /// An authorization code, with the secrets of a new refresh token.
    Code(AuthorizationCode, CodeRequest<'a>, [Secret; 2]),
    /// A refresh token, with the salt of its successor.
    RefreshToken(RefreshToken, RefreshRequest<'a>, Secret),
}

impl<'a> Presented<'a> {
    /// Parses the code or refresh token of a request.
    pub(super) fn parse(
        request: TokenRequest<'a>,
        entropy: &dyn Entropy,
    ) -> Result<Self, TokenRequestError> {
        match request {
            TokenRequest::Code(request) => {
                let code = AuthorizationCode::parse(request.code)?;
                let secrets = [entropy.secret(), entropy.secret()];
                Ok(Self::Code(code, request, secrets))
            }
            TokenRequest::Refresh(request) => {
                let token = RefreshToken::parse(request.token)?;
                Ok(Self::RefreshToken(token, request, entropy.secret()))
            }
        }
    }

    /// Its grant.
    pub(super) const fn key(&self) -> GrantKey {
        match self {
            Self::Code(code, ..) => code.key,
            Self::RefreshToken(token, ..) => token.key,
        }
    }

    /// The error if there is no such grant.
    pub(super) const fn unknown(&self) -> TokenRequestError {
        match self {
            Self::Code(..) => TokenRequestError::Code(CodeError::Unknown),
            Self::RefreshToken(..) => TokenRequestError::RefreshToken(RefreshTokenError::Unknown),
        }
    }

    /// The error if its grant ended together with others.
    pub(super) const fn ended(&self) -> TokenRequestError {
        match self {
            // A code whose grant has ended cannot be told from an unknown one.
            Self::Code(..) => self.unknown(),
            Self::RefreshToken(..) => {
                TokenRequestError::RefreshToken(RefreshTokenError::GrantRevoked)
            }
        }
    }

    /// Decides the exchange.
    pub(super) fn exchange(
        &self,
        grant: Grant,
        client_id: &ClientId,
        now: Timestamp,
        policy: TokenPolicy<'_>,
    ) -> Transition {
        match self {
            Self::Code(code, request, secrets) => {
                grant.redeem(code, client_id, request, now, secrets.clone(), policy)
            }
            Self::RefreshToken(token, request, salt) => {
                grant.refresh(token, client_id, request, now, salt, policy)
            }
        }
    }
}
