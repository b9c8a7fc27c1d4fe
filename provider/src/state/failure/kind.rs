//! What went wrong, in kinds that have words of their own.

use crate::step_error::{LocalFault, StepError};
use oauth::error::{
    CodeError, LocalError, RedirectError, RedirectUriError, RefreshTokenError, ResourceError,
    TokenRequestError,
};
use oauth_clients::error::{
    ClientAuthenticationError, DocumentError, IntrospectionError, MetadataError, RegistrationError,
};
use serde::{Deserialize, Serialize};

/// What went wrong, in kinds that have words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The client is unknown; it may have an expired registration.
    UnknownClient,
    /// The redirect URI is not registered.
    WrongRedirect,
    /// The client's document cannot be used.
    BadDocument,
    /// The client's document, or its keys, cannot be fetched just now.
    Unreachable,
    /// The settings, or an administrator, block the client's host.
    KeptOut,
    /// Client and server have no common authentication method.
    NoCommonAuthentication,
    /// The request is malformed or lacks a parameter (PKCE included).
    MalformedRequest,
    /// It requested unknown scopes.
    UnknownScope,
    /// It requested scopes beyond the allowed ones.
    ScopeNotGranted,
    /// It requested an unknown resource.
    UnknownResource,
    /// It named no resource, and there is no default.
    MissingResource,
    /// It named several resources at once.
    SeveralResources,
    /// It requested another resource than the allowed one.
    ResourceNotGranted,
    /// Its answers would go to a client by a scheme that the settings do not allow.
    SchemeNotAllowed,
    /// It requested a response without a page (prompt=none), and a page is required.
    PersonNeeded,
    /// The client could not prove itself at the token endpoint.
    ClientProof,
    /// The client credentials are malformed, or in several places.
    MalformedAuthentication,
    /// A public client showed a secret.
    SecretOfPublicClient,
    /// A resource failed to authenticate at introspection.
    ResourceProof,
    /// The code was unknown, too old, or of another client.
    BadCode,
    /// The verifier did not answer the challenge.
    VerifierMismatch,
    /// The refresh token was unknown, too old, or its connection had ended.
    BadRefreshToken,
    /// A code or refresh token was replayed.
    Replayed,
    /// The user's account is disabled or removed.
    AccountGone,
    /// The registration was not acceptable.
    BadRegistration,
    /// Clients may not register themselves.
    RegistrationClosed,
    /// There were too many requests.
    TooMany,
    /// The page of a request was opened that has expired, or was answered already.
    RequestGone,
    /// A kind that a newer version of this server noted.
    #[serde(other)]
    Other,
}

impl From<&StepError> for FailureKind {
    fn from(error: &StepError) -> Self {
        match error {
            StepError::Local(LocalFault::Request(error)) => error.into(),
            StepError::Local(LocalFault::Document(error)) => error.into(),
            StepError::Redirect(error) => error.into(),
            StepError::Authentication(error) => error.into(),
            StepError::Token(error) => error.into(),
            StepError::Registration(error) => error.into(),
            StepError::Introspection(error) => error.into(),
        }
    }
}

impl From<&LocalError> for FailureKind {
    fn from(error: &LocalError) -> Self {
        match error {
            LocalError::UnknownClient => Self::UnknownClient,
            LocalError::ClientBlocked => Self::KeptOut,
            LocalError::UnregisteredRedirectUri => Self::WrongRedirect,
            LocalError::RedirectUri(error) => error.into(),
            LocalError::Parameter(_) | LocalError::StateTooLong => Self::MalformedRequest,
        }
    }
}

impl From<&RedirectUriError> for FailureKind {
    fn from(error: &RedirectUriError) -> Self {
        match error {
            RedirectUriError::Unsafe(_) => Self::BadRegistration,
            RedirectUriError::SchemeNotAllowed(_) => Self::SchemeNotAllowed,
        }
    }
}

impl From<&DocumentError> for FailureKind {
    fn from(error: &DocumentError) -> Self {
        match error {
            DocumentError::MalformedAddress(_)
            | DocumentError::NotAvailable(_)
            | DocumentError::Malformed
            | DocumentError::Unacceptable { .. }
            | DocumentError::Keys(_)
            | DocumentError::RedirectUri(_) => Self::BadDocument,
            DocumentError::NotAllowed => Self::KeptOut,
            DocumentError::SchemeNotAllowed(_) => Self::SchemeNotAllowed,
            DocumentError::NoCommonAuthentication => Self::NoCommonAuthentication,
        }
    }
}

impl From<&RedirectError> for FailureKind {
    fn from(error: &RedirectError) -> Self {
        match error {
            RedirectError::NoGrantableScope => Self::UnknownScope,
            RedirectError::Resource(error) => error.into(),
            RedirectError::InteractionRequired
            | RedirectError::LoginRequired
            | RedirectError::ConsentRequired => Self::PersonNeeded,
            RedirectError::Parameter(_)
            | RedirectError::UnsupportedResponseType
            | RedirectError::UnsupportedResponseMode
            | RedirectError::UnsupportedChallengeMethod
            | RedirectError::MalformedChallenge
            | RedirectError::StateTooLong
            | RedirectError::Denied
            | RedirectError::PromptNoneWithOthers => Self::MalformedRequest,
        }
    }
}

impl From<&ClientAuthenticationError> for FailureKind {
    fn from(error: &ClientAuthenticationError) -> Self {
        match error {
            ClientAuthenticationError::Parameter(_) => Self::MalformedRequest,
            ClientAuthenticationError::SeveralMethods
            | ClientAuthenticationError::MalformedHeader => Self::MalformedAuthentication,
            ClientAuthenticationError::SecretOfPublicClient { .. } => Self::SecretOfPublicClient,
            ClientAuthenticationError::Failed { .. } | ClientAuthenticationError::Assertion(_) => {
                Self::ClientProof
            }
        }
    }
}

impl From<&ResourceError> for FailureKind {
    fn from(error: &ResourceError) -> Self {
        match error {
            ResourceError::Unknown => Self::UnknownResource,
            ResourceError::Missing => Self::MissingResource,
            ResourceError::Several => Self::SeveralResources,
            ResourceError::NotGranted => Self::ResourceNotGranted,
        }
    }
}

impl From<&TokenRequestError> for FailureKind {
    fn from(error: &TokenRequestError) -> Self {
        match error {
            TokenRequestError::Code(error) => error.into(),
            TokenRequestError::RefreshToken(error) => error.into(),
            TokenRequestError::Resource(error) => error.into(),
            TokenRequestError::ScopeNotGranted | TokenRequestError::GrantedScopesGone => {
                Self::ScopeNotGranted
            }
            TokenRequestError::TokenOfAnotherClient => Self::BadRefreshToken,
            TokenRequestError::Parameter(_)
            | TokenRequestError::GrantTypeNotRegistered
            | TokenRequestError::UnsupportedGrantType => Self::MalformedRequest,
        }
    }
}

impl From<&CodeError> for FailureKind {
    fn from(error: &CodeError) -> Self {
        match error {
            CodeError::Unknown | CodeError::OfAnotherClient | CodeError::Expired => Self::BadCode,
            CodeError::RedirectUriMismatch => Self::WrongRedirect,
            CodeError::MalformedVerifier | CodeError::VerifierMismatch => Self::VerifierMismatch,
            CodeError::Replayed => Self::Replayed,
        }
    }
}

impl From<&RefreshTokenError> for FailureKind {
    fn from(error: &RefreshTokenError) -> Self {
        match error {
            RefreshTokenError::Unknown
            | RefreshTokenError::OfAnotherClient
            | RefreshTokenError::Expired
            | RefreshTokenError::GrantRevoked => Self::BadRefreshToken,
            RefreshTokenError::Replayed => Self::Replayed,
            RefreshTokenError::AccountGone => Self::AccountGone,
        }
    }
}

impl From<&RegistrationError> for FailureKind {
    fn from(error: &RegistrationError) -> Self {
        match error {
            RegistrationError::Metadata(MetadataError::RedirectUri(error)) => error.into(),
            RegistrationError::Metadata(
                MetadataError::Malformed
                | MetadataError::Unacceptable { .. }
                | MetadataError::Keys(_),
            )
            | RegistrationError::TooLarge
            | RegistrationError::TokenRefused => Self::BadRegistration,
        }
    }
}

impl From<&IntrospectionError> for FailureKind {
    fn from(error: &IntrospectionError) -> Self {
        match error {
            IntrospectionError::Parameter(_) => Self::MalformedRequest,
            IntrospectionError::SeveralMethods => Self::MalformedAuthentication,
            IntrospectionError::AuthenticationFailed => Self::ResourceProof,
        }
    }
}
