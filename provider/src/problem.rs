//! What can go wrong, in the provider's own words.

use crate::step_error::LocalFault;
use oauth::error::{LocalError, ParameterError, ProtocolError as _, RedirectUriError};
use oauth_clients::error::DocumentError;
use thiserror::Error;

/// The store did not answer, or somebody else's web server without which there is no answer. A
/// change may have been made all the same; trying again is the remedy (HTTP 503).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no answer is possible now: {why}")]
pub struct Unavailable {
    why: String,
    /// Whether the fault is that of somebody else's web server.
    elsewhere: bool,
}

impl From<store::Error> for Unavailable {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "the store does not answer");
        Self::here(error.to_string())
    }
}

impl Unavailable {
    const fn here(why: String) -> Self {
        Self {
            why,
            elsewhere: false,
        }
    }

    /// Why somebody else's web server gave no answer, if that is what is missing.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.then_some(self.why.as_str())
    }

    /// A record that cannot be read is as good as no answer.
    pub(crate) fn unreadable(key: &str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(key, %error, "a record cannot be read");
        Self::here("a record cannot be read".to_owned())
    }

    /// Work that was to be done off the async threads was not done.
    pub(crate) fn interrupted() -> Self {
        Self::here("the work was interrupted".to_owned())
    }

    /// So much of one kind of work is under way that no more is taken on just now.
    pub(crate) fn busy() -> Self {
        Self::here("too much is to be done just now".to_owned())
    }

    /// Somebody else's web server, without which there is no answer.
    pub(crate) fn unreachable(why: &str) -> Self {
        Self {
            why: format!("a client's address gives no answer: {why}"),
            elsewhere: true,
        }
    }

    /// This server has asked others for so much that it asks for nothing more just now.
    pub(crate) fn too_many_fetches() -> Self {
        Self::here("too many fetches just now".to_owned())
    }

    /// The store holds a part of a backup only.
    pub(crate) fn half_restored() -> Self {
        Self::here(
            "a backup is being restored into the store, or a restore was interrupted".to_owned(),
        )
    }

    /// Others kept changing a record first.
    pub(crate) fn contended() -> Self {
        Self::here("too many others were changing the same record".to_owned())
    }
}

/// A fault of an authorization request that is told to the person, since it may not go to the
/// client (R-O2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The RFC's error code.
    pub code: &'static str,
    /// For the application's developer.
    pub description: String,
    /// What the person is told.
    pub kind: ProblemKind,
}

/// The kinds of local problems, as far as a person can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The application is not known here.
    UnknownClient,
    /// The answer would go somewhere that the application never named.
    WrongRedirect,
    /// What the application publishes about itself cannot be used.
    BadDocument,
    /// The settings of this server, or an administrator, ttl applications of its address out.
    NotAllowed,
    /// Application and server know no common way for it to prove itself.
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
        | DocumentError::RedirectUri(_) => ProblemKind::BadDocument,
        DocumentError::NotAllowed | DocumentError::SchemeNotAllowed(_) => ProblemKind::NotAllowed,
        DocumentError::NoCommonAuthentication => ProblemKind::NoCommonAuthentication,
    }
}
