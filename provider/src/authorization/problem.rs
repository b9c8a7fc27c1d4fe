//! Errors of requests that cannot be redirected to the client.

use oauth::error::{LocalError, ParameterError, ProtocolError as _, RedirectUriError};
use oauth_clients::error::DocumentError;

use crate::step_error::LocalFault;

/// An error of an authorization request that is shown to the user, since it may not be redirected
/// (R-O2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The RFC's error code.
    pub code: &'static str,
    /// For the client's developer.
    pub description: String,
    /// The kind of error that is shown.
    pub kind: ProblemKind,
}

/// The kinds of local errors that users can distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The client is unknown.
    UnknownClient,
    /// The answer would go somewhere that the client never named.
    WrongRedirect,
    /// What the client publishes about itself cannot be used.
    BadDocument,
    /// The settings of this server, or an administrator, block clients of its address.
    NotAllowed,
    /// Application and server have no common authentication method.
    NoCommonAuthentication,
    /// The request itself is broken.
    BadRequest,
}

impl From<LocalFault> for Problem {
    fn from(fault: LocalFault) -> Self {
        let kind = match &fault {
            LocalFault::Request(error) => kind_of_request(error),
            LocalFault::Document(error) => kind_of_document(error),
        };
        Self {
            code: fault.code().as_str(),
            description: fault.description(),
            kind,
        }
    }
}

fn kind_of_request(error: &LocalError) -> ProblemKind {
    match error {
        LocalError::UnknownClient => ProblemKind::UnknownClient,
        LocalError::UnregisteredRedirectUri
        | LocalError::Parameter(ParameterError::Missing("redirect_uri")) => {
            ProblemKind::WrongRedirect
        }
        LocalError::ClientBlocked
        | LocalError::RedirectUri(RedirectUriError::SchemeNotAllowed(_)) => ProblemKind::NotAllowed,
        LocalError::Parameter(ParameterError::Missing(_) | ParameterError::Repeated(_))
        | LocalError::RedirectUri(RedirectUriError::Unsafe(_))
        | LocalError::StateTooLong => ProblemKind::BadRequest,
    }
}

fn kind_of_document(error: &DocumentError) -> ProblemKind {
    match error {
        DocumentError::MalformedAddress(_)
        | DocumentError::NotAvailable(_)
        | DocumentError::Malformed
        | DocumentError::Unacceptable { .. }
        | DocumentError::Keys(_)
        | DocumentError::RedirectUri(_) => ProblemKind::BadDocument,
        DocumentError::NotAllowed | DocumentError::SchemeNotAllowed(_) => ProblemKind::NotAllowed,
        DocumentError::NoCommonAuthentication => ProblemKind::NoCommonAuthentication,
    }
}
