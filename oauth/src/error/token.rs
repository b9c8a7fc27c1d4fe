//! Faults at the token endpoint, after the client has authenticated.

use thiserror::Error;

use super::{ErrorCode, ParameterError, ProtocolError, SeveralResources};

const BAD_CODE: &str = "The authorization code is unknown, expired, already used, or was not issued for this client, redirect URI and verifier.";
const BAD_REFRESH_TOKEN: &str =
    "The refresh token is unknown, expired, revoked, or was not issued to this client.";

/// A fault of a token request, or of a revocation (OAuth 2.1 section 3.2.4).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenRequestError {
    /// A parameter is missing, or came twice.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Different resources are named at once.
    #[error("{SeveralResources}")]
    SeveralResources,
    /// A grant type that exists, and that no client here is registered for.
    #[error("the client is not registered for this grant type")]
    GrantTypeNotRegistered,
    /// A grant type that this server does not know.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,

    // The authorization code.
    /// Not the form of our codes, or no such grant, or another secret.
    #[error("the code is unknown")]
    UnknownCode,
    /// The code was issued to another client.
    #[error("the code belongs to another client")]
    CodeOfAnotherClient,
    /// The code has expired.
    #[error("the code has expired")]
    ExpiredCode,
    /// The redirect URI is not the one of the authorization request (R-O10).
    #[error("the redirect URI is not the one of the authorization request")]
    RedirectUriMismatch,
    /// The verifier breaks the rules of RFC 7636 section 4.1.
    #[error("the code verifier is not 43 to 128 unreserved characters")]
    MalformedVerifier,
    /// The verifier does not answer the challenge.
    #[error("the code verifier does not match the challenge")]
    VerifierMismatch,
    /// A second valid use, which revokes the grant (R-O9).
    #[error("the code was used a second time; its grant is revoked")]
    ReplayedCode,

    // The refresh token.
    /// Not the form of our refresh tokens, or no such grant, or another secret.
    #[error("the refresh token is unknown")]
    UnknownRefreshToken,
    /// The refresh token was issued to another client.
    #[error("the refresh token belongs to another client")]
    RefreshTokenOfAnotherClient,
    /// The refresh token has expired.
    #[error("the refresh token has expired")]
    ExpiredRefreshToken,
    /// A rotated token came again after the replay window, which revokes the grant (R-O14).
    #[error("a rotated refresh token was used again; its grant is revoked")]
    ReplayedRefreshToken,
    /// The grant is revoked.
    #[error("the grant has ended")]
    EndedGrant,
    /// The account is disabled or gone.
    #[error("the account is disabled or gone")]
    AccountGone,

    // What is asked of a grant.
    /// A resource other than the one consented to.
    #[error("the resource is not the one of the grant")]
    ResourceNotGranted,
    /// A scope beyond the ones consented to.
    #[error("the scope is wider than the grant's")]
    ScopeNotGranted,
    /// The configuration has dropped every scope that was consented to. The client has to ask its
    /// user again.
    #[error("none of the scopes that were granted exists any more")]
    GrantedScopesGone,
    /// The token was issued to another client (RFC 7009 section 2.1).
    #[error("the token was issued to another client")]
    TokenOfAnotherClient,
}

impl From<SeveralResources> for TokenRequestError {
    fn from(_: SeveralResources) -> Self {
        Self::SeveralResources
    }
}

impl ProtocolError for TokenRequestError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Parameter(error) => error.code(),
            Self::SeveralResources | Self::ResourceNotGranted => ErrorCode::InvalidTarget,
            Self::GrantTypeNotRegistered => ErrorCode::UnauthorizedClient,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::ScopeNotGranted => ErrorCode::InvalidScope,
            Self::UnknownCode
            | Self::CodeOfAnotherClient
            | Self::ExpiredCode
            | Self::RedirectUriMismatch
            | Self::MalformedVerifier
            | Self::VerifierMismatch
            | Self::ReplayedCode
            | Self::UnknownRefreshToken
            | Self::RefreshTokenOfAnotherClient
            | Self::ExpiredRefreshToken
            | Self::ReplayedRefreshToken
            | Self::EndedGrant
            | Self::AccountGone
            | Self::GrantedScopesGone
            | Self::TokenOfAnotherClient => ErrorCode::InvalidGrant,
        }
    }

    /// Every fault of a code, and every fault of a refresh token, reads the same: a failed attempt
    /// learns nothing from it.
    fn description(&self) -> String {
        match self {
            Self::UnknownCode
            | Self::CodeOfAnotherClient
            | Self::ExpiredCode
            | Self::RedirectUriMismatch
            | Self::MalformedVerifier
            | Self::VerifierMismatch
            | Self::ReplayedCode => BAD_CODE.to_owned(),
            Self::UnknownRefreshToken
            | Self::RefreshTokenOfAnotherClient
            | Self::ExpiredRefreshToken
            | Self::ReplayedRefreshToken
            | Self::EndedGrant
            | Self::AccountGone => BAD_REFRESH_TOKEN.to_owned(),
            Self::Parameter(_)
            | Self::SeveralResources
            | Self::GrantTypeNotRegistered
            | Self::UnsupportedGrantType
            | Self::ResourceNotGranted
            | Self::ScopeNotGranted
            | Self::GrantedScopesGone
            | Self::TokenOfAnotherClient => super::sentence(self.to_string()),
        }
    }
}
