//! Faults of an authorization request. Whether the client may be told by redirect is in the type
//! (OAuth 2.1 section 4.1.2.1).

use thiserror::Error;

use super::{ErrorCode, ParameterError, ProtocolError, SeveralResources};

/// A fault before client and redirect URI are validated: told to the user on a page of this server,
/// never by redirect (R-O2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocalError {
    /// The client or its redirect URI is not named, or named twice.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// No such client.
    #[error("the client is not known")]
    UnknownClient,
    /// An administrator keeps clients of its host out.
    #[error("this server keeps applications of this host out")]
    ClientBlocked,
    /// The settings of today do not let a redirect URI of the client in.
    #[error(transparent)]
    RedirectUri(#[from] RedirectUriError),
    /// The redirect URI is not one of the client's (R-O1, R-A12).
    #[error("the redirect URI is not registered for this client")]
    UnregisteredRedirectUri,
    /// No answer could carry so long a state. The longest in bytes.
    #[error("the state is longer than {0} bytes")]
    StateTooLong(usize),
}

impl ProtocolError for LocalError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Parameter(error) => error.code(),
            Self::RedirectUri(error) => error.code(),
            Self::UnregisteredRedirectUri | Self::StateTooLong(_) => ErrorCode::InvalidRequest,
            Self::UnknownClient | Self::ClientBlocked => ErrorCode::InvalidClient,
        }
    }
}

/// A redirect URI that cannot be registered (R-A11, R-O24).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedirectUriError {
    /// It is not safe to send an answer to.
    #[error("a redirect URI is not acceptable: {0}")]
    Unsafe(&'static str),
    /// It has a private-use scheme that the settings do not let in.
    #[error(
        "a redirect URI is not acceptable: the settings of this server do not allow its scheme, {0}"
    )]
    SchemeNotAllowed(String),
}

impl ProtocolError for RedirectUriError {
    fn code(&self) -> ErrorCode {
        ErrorCode::InvalidRedirectUri
    }
}

/// A fault of an authorization request whose client and redirect URI are valid: told to the client
/// by redirect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedirectError {
    /// A parameter is missing, or came twice.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A response type other than `code`.
    #[error("the response type is not code")]
    UnsupportedResponseType,
    /// A response mode other than `query`.
    #[error("the response mode is not query")]
    UnsupportedResponseMode,
    /// A challenge method that is absent or other than `S256` (R-O3).
    #[error("the code challenge method is not S256")]
    UnsupportedChallengeMethod,
    /// A challenge that no SHA-256 digest can produce.
    #[error("the code challenge is not a SHA-256 digest in base64url")]
    MalformedChallenge,
    /// The state is too long to be kept. The longest in bytes.
    #[error("the state is longer than {0} bytes")]
    StateTooLong(usize),
    /// Scopes were asked for, and none of them exists.
    #[error("none of the requested scopes exists")]
    NoGrantableScope,
    /// A resource that this server does not stand in front of (R-A19).
    #[error("the resource is not one of this server's")]
    UnknownResource,
    /// No resource is named, there are several, and nothing says which is meant (RFC 8707 section
    /// 2).
    #[error(
        "the request names no resource, and this server stands in front of several: the parameter resource says which"
    )]
    MissingResource,
    /// Different resources are named at once.
    #[error("{SeveralResources}")]
    SeveralResources,
    /// The user denied the request.
    #[error("the person denied the request")]
    Denied,
    /// `prompt=none`, and the answer would go where the user is asked every time (R-O19).
    #[error("prompt=none, but for this redirect URI the person is asked every time")]
    InteractionRequired,
    /// `prompt=none`, and nobody is signed in.
    #[error("prompt=none, but the person has to sign in")]
    LoginRequired,
    /// `prompt=none`, and the user has not consented, or not any longer, or is to be asked.
    #[error("prompt=none, but the person has to be asked")]
    ConsentRequired,
    /// `prompt` says `none` and something besides (OpenID Connect Core section 3.1.2.1).
    #[error("the prompt none cannot be combined with others")]
    PromptNoneWithOthers,
}

impl From<SeveralResources> for RedirectError {
    fn from(_: SeveralResources) -> Self {
        Self::SeveralResources
    }
}

impl ProtocolError for RedirectError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Parameter(error) => error.code(),
            Self::UnsupportedResponseMode
            | Self::UnsupportedChallengeMethod
            | Self::MalformedChallenge
            | Self::StateTooLong(_)
            | Self::PromptNoneWithOthers => ErrorCode::InvalidRequest,
            Self::UnsupportedResponseType => ErrorCode::UnsupportedResponseType,
            Self::NoGrantableScope => ErrorCode::InvalidScope,
            Self::UnknownResource | Self::MissingResource | Self::SeveralResources => {
                ErrorCode::InvalidTarget
            }
            Self::Denied => ErrorCode::AccessDenied,
            Self::InteractionRequired => ErrorCode::InteractionRequired,
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
        }
    }
}
