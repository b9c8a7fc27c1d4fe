//! What went wrong, in kinds that have words of their own.

use oauth::Reason;
use serde::{Deserialize, Serialize};

/// What went wrong, in kinds that have words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The client is not known here; it may remember a registration that is gone.
    UnknownClient,
    /// The answer would go where the client never said.
    WrongRedirect,
    /// The client's document cannot be used.
    BadDocument,
    /// The client's document, or its keys, cannot be fetched just now.
    Unreachable,
    /// The settings, or an administrator, ttl the client's host out.
    KeptOut,
    /// Client and server know no common way for the client to prove itself.
    NoCommonAuthentication,
    /// The request is malformed or leaves out what it needs (PKCE among it).
    MalformedRequest,
    /// It asked for scopes that do not exist.
    UnknownScope,
    /// It asked for scopes beyond those that were allowed.
    ScopeNotGranted,
    /// It asked for a resource that is none of this server's.
    UnknownResource,
    /// It named no resource, and nothing says which of several it means.
    MissingResource,
    /// It named several resources at once.
    SeveralResources,
    /// It asked for another resource than the one that was allowed.
    ResourceNotGranted,
    /// Its answers would go to an application by a scheme that the settings do not allow.
    SchemeNotAllowed,
    /// It wanted an answer without the person being asked, and the person had to be.
    PersonNeeded,
    /// The client could not prove itself at the token endpoint.
    ClientProof,
    /// The client showed its proof in a form that cannot be read, or in several places.
    MalformedAuthentication,
    /// A public client showed a secret.
    SecretOfPublicClient,
    /// A resource that asks about tokens could not prove itself.
    ResourceProof,
    /// The code was unknown, too old, or of another client.
    BadCode,
    /// The verifier did not answer the challenge.
    VerifierMismatch,
    /// The refresh token was unknown, too old, or its connection had ended.
    BadRefreshToken,
    /// A code or refresh token came again after it had been used.
    Replayed,
    /// The person's account is disabled or gone.
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

impl From<&Reason> for FailureKind {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::UnknownClient => Self::UnknownClient,
            Reason::UnregisteredRedirectUri | Reason::RedirectUriMismatch => Self::WrongRedirect,
            Reason::MalformedDocumentAddress(_)
            | Reason::NoDocument(_)
            | Reason::MalformedDocument
            | Reason::UnacceptableDocument { .. } => Self::BadDocument,
            Reason::DocumentNotAllowed | Reason::ClientBlocked => Self::KeptOut,
            Reason::NoCommonAuthentication => Self::NoCommonAuthentication,
            Reason::NoGrantableScope => Self::UnknownScope,
            Reason::ScopeNotGranted | Reason::GrantedScopesGone => Self::ScopeNotGranted,
            Reason::UnknownResource => Self::UnknownResource,
            Reason::MissingResource => Self::MissingResource,
            Reason::SeveralResources => Self::SeveralResources,
            Reason::ResourceNotGranted => Self::ResourceNotGranted,
            Reason::SchemeNotAllowed(_) => Self::SchemeNotAllowed,
            Reason::InteractionRequired | Reason::LoginRequired | Reason::ConsentRequired => {
                Self::PersonNeeded
            }
            Reason::SeveralAuthenticationMethods | Reason::MalformedAuthorizationHeader => {
                Self::MalformedAuthentication
            }
            Reason::SecretOfPublicClient { .. } => Self::SecretOfPublicClient,
            Reason::ResourceAuthenticationFailed => Self::ResourceProof,
            Reason::ClientAuthenticationFailed { .. }
            | Reason::UnacceptableAssertion(_)
            | Reason::UnknownAssertionKey
            | Reason::UnusableKeys(_) => Self::ClientProof,
            Reason::UnknownCode | Reason::CodeOfAnotherClient | Reason::ExpiredCode => {
                Self::BadCode
            }
            Reason::MalformedVerifier | Reason::VerifierMismatch => Self::VerifierMismatch,
            Reason::UnknownRefreshToken
            | Reason::RefreshTokenOfAnotherClient
            | Reason::ExpiredRefreshToken
            | Reason::EndedGrant
            | Reason::TokenOfAnotherClient => Self::BadRefreshToken,
            Reason::ReplayedCode | Reason::ReplayedRefreshToken => Self::Replayed,
            Reason::AccountGone => Self::AccountGone,
            Reason::RegistrationTokenRefused
            | Reason::MalformedMetadata
            | Reason::MetadataTooLarge
            | Reason::UnacceptableMetadata { .. }
            | Reason::UnsafeRedirectUri(_) => Self::BadRegistration,
            Reason::Repeated(_)
            | Reason::Missing(_)
            | Reason::UnsupportedResponseType
            | Reason::UnsupportedResponseMode
            | Reason::UnsupportedChallengeMethod
            | Reason::MalformedChallenge
            | Reason::StateTooLong(_)
            | Reason::GrantTypeNotRegistered
            | Reason::Denied
            | Reason::PromptNoneWithOthers
            | Reason::UnsupportedGrantType => Self::MalformedRequest,
        }
    }
}
