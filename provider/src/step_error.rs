//! Why a request was refused, whichever step refused it.

use crate::unavailable::Unavailable;
use oauth::error::{
    AuthenticationScheme, ErrorCode, LocalError, ProtocolError, RedirectError, TokenRequestError,
};
use oauth_clients::error::{
    AssertionError, ClientAuthenticationError, DocumentError, IntrospectionError, RegistrationError,
};
use std::time::Duration;
use thiserror::Error;

/// A fault of an authorization request that may not go to the client (R-O2): of the request, or of
/// the metadata document of its client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocalFault {
    /// Of the request.
    #[error(transparent)]
    Request(#[from] LocalError),
    /// Of the document.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl ProtocolError for LocalFault {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Request(error) => error.code(),
            Self::Document(error) => error.code(),
        }
    }
}

/// The error of the step that refused a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StepError {
    /// An authorization request, before its client and redirect URI were validated.
    #[error(transparent)]
    Local(#[from] LocalFault),
    /// An authorization request, afterwards.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The authentication of a client.
    #[error(transparent)]
    Authentication(#[from] ClientAuthenticationError),
    /// A token request or a revocation.
    #[error(transparent)]
    Token(#[from] TokenRequestError),
    /// A registration.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// An introspection.
    #[error(transparent)]
    Introspection(#[from] IntrospectionError),
}

impl From<LocalError> for StepError {
    fn from(error: LocalError) -> Self {
        Self::Local(error.into())
    }
}

impl From<AssertionError> for StepError {
    fn from(error: AssertionError) -> Self {
        Self::Authentication(error.into())
    }
}

impl StepError {
    fn inner(&self) -> &dyn ProtocolError {
        match self {
            Self::Local(error) => error,
            Self::Redirect(error) => error,
            Self::Authentication(error) => error,
            Self::Token(error) => error,
            Self::Registration(error) => error,
            Self::Introspection(error) => error,
        }
    }
}

impl ProtocolError for StepError {
    fn code(&self) -> ErrorCode {
        self.inner().code()
    }

    fn description(&self) -> String {
        self.inner().description()
    }

    fn challenge(&self) -> Option<AuthenticationScheme> {
        self.inner().challenge()
    }
}

/// Why a token request failed.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The request was refused.
    #[error(transparent)]
    Refused(StepError),
    /// Too many invalid assertions from this address, or of this client.
    #[error("too many invalid client assertions")]
    TooMany {
        /// For `Retry-After`.
        retry_after: Duration,
    },
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl<E: Into<StepError>> From<E> for TokenError {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}
