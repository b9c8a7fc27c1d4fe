//! Faults at the token endpoint, after the client has authenticated.

use primitives::faults;

use super::{ParameterError, ResourceError, sentence};
use crate::step_error;

const BAD_CODE: &str = "The authorization code is unknown, expired, already used, or was not issued for this client, redirect URI and verifier.";
const BAD_REFRESH_TOKEN: &str =
    "The refresh token is unknown, expired, revoked, or was not issued to this client.";

step_error! {
    /// A fault of a token request, or of a revocation (OAuth 2.1 section 3.2.4).
    TokenRequestError from [
        /// A parameter is missing, or came twice.
        Parameter(ParameterError),
        /// The request names a resource that its grant is not for, or several.
        Resource(ResourceError),
    ] {
        /// It exists, and no client here is registered for it.
        GrantTypeNotRegistered => UnauthorizedClient, "the client is not registered for this grant type";
        /// This server does not know it.
        UnsupportedGrantType => UnsupportedGrantType, "the grant type is not supported";
        /// The code cannot be redeemed.
        Code(#[from] CodeError) => InvalidGrant, "{0}";
        /// The refresh token cannot be used.
        RefreshToken(#[from] RefreshTokenError) => InvalidGrant, "{0}";
        /// Beyond the scopes consented to.
        ScopeNotGranted => InvalidScope, "the scope exceeds the granted scope";
        /// The configuration dropped them. The client has to ask its user again.
        GrantedScopesGone => InvalidGrant, "none of the granted scopes still exists";
        /// RFC 7009 section 2.1.
        TokenOfAnotherClient => InvalidGrant, "the token was issued to another client";
    }

    /// Every fault of a code, and every fault of a refresh token, reads the same: a failed attempt
    /// learns nothing from it.
    fn description(&self) -> String {
        match self {
            Self::Code(_) => BAD_CODE.to_owned(),
            Self::RefreshToken(_) => BAD_REFRESH_TOKEN.to_owned(),
            Self::Parameter(_)
            | Self::Resource(_)
            | Self::GrantTypeNotRegistered
            | Self::UnsupportedGrantType
            | Self::ScopeNotGranted
            | Self::GrantedScopesGone
            | Self::TokenOfAnotherClient => sentence(self.to_string()),
        }
    }
}

faults! {
    /// Why an authorization code cannot be redeemed (R-O4, R-O9, R-O10). Its client is not told.
    CodeError {
        Unknown: "the code is unknown",
        OfAnotherClient: "the code belongs to another client",
        Expired: "the code has expired",
        RedirectUriMismatch: "the redirect URI is not the one of the authorization request",
        MalformedVerifier: "the code verifier is not 43 to 128 unreserved characters",
        VerifierMismatch: "the code verifier does not match the challenge",
        Replayed: "the code was used a second time; its grant is revoked",
    }
}

faults! {
    /// Why a refresh token cannot be used (R-O14). Its client is not told.
    RefreshTokenError {
        Unknown: "the refresh token is unknown",
        OfAnotherClient: "the refresh token belongs to another client",
        Expired: "the refresh token has expired",
        Replayed: "a rotated refresh token was used again; its grant is revoked",
        GrantRevoked: "the grant has ended",
        AccountGone: "the account is disabled or was removed",
    }
}
