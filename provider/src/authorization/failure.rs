//! What becomes of an authorization request that fails: its error, and what administrators see.

use std::{net::IpAddr, time::Duration};

use oauth::{Parameters, error::RedirectError, redirect::Location};
use oauth_clients::client::Client;

use super::{Authorization, Problem, pending::document_host};
use crate::{
    clients::documents::NoClient,
    failures::{Counted, FailureCause, NewFailure},
    fetch_fault::FetchFault,
    state::failure::{FailedStep, RequestedParameters},
    step_error::{LocalFault, StepError},
    unavailable::Unavailable,
};

/// Why an authorization request fails. The error determines whether it may be redirected (R-O2).
#[derive(Debug)]
pub enum AuthorizeError {
    /// Client or redirect URI are not validated: a local page, never a redirect.
    Problem(Problem),
    /// They are valid: the error is redirected to the client.
    Redirect(Location),
    /// Too many requests from this address.
    TooMany {
        /// For `Retry-After`.
        retry_after: Duration,
    },
    /// The client's document is temporarily unavailable: a local page.
    Unreachable {
        /// The host of the document.
        host: String,
    },
    /// The store did not answer.
    Unavailable(Unavailable),
}

impl AuthorizeError {
    fn of_client(error: NoClient, id: &str) -> Self {
        match error {
            NoClient::Refused(reason) => Self::Problem(reason.into()),
            NoClient::Unreachable(_) => Self::Unreachable {
                host: document_host(id),
            },
            NoClient::TooMany { retry_after } => Self::TooMany { retry_after },
            NoClient::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

impl From<Unavailable> for AuthorizeError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// An error, with the failure for administrators, if any, and the client, if known.
pub(super) struct AuthorizeFailure {
    error: AuthorizeError,
    cause: Option<OwnedCause>,
    client: Option<Box<Client>>,
}

/// The failure for administrators.
enum OwnedCause {
    Refused(StepError),
    Unreachable(FetchFault),
    TooMany(Counted),
}

impl OwnedCause {
    const fn borrowed(&self) -> FailureCause<'_> {
        match self {
            Self::Refused(reason) => FailureCause::Refused(reason),
            Self::Unreachable(fault) => FailureCause::DocumentUnreachable(*fault),
            Self::TooMany(counted) => FailureCause::TooMany(*counted),
        }
    }
}

impl AuthorizeFailure {
    /// Shown to the user on a local page.
    pub(super) fn local(fault: impl Into<LocalFault>) -> Self {
        let fault = fault.into();
        Self {
            error: AuthorizeError::Problem(fault.clone().into()),
            cause: Some(OwnedCause::Refused(fault.into())),
            client: None,
        }
    }

    /// Redirected to the client.
    pub(super) fn redirected(location: Location, error: RedirectError, client: &Client) -> Self {
        Self {
            error: AuthorizeError::Redirect(location),
            cause: Some(OwnedCause::Refused(error.into())),
            client: Some(Box::new(client.clone())),
        }
    }

    pub(super) fn too_many(retry_after: Duration, counted: Counted) -> Self {
        Self {
            error: AuthorizeError::TooMany { retry_after },
            cause: Some(OwnedCause::TooMany(counted)),
            client: None,
        }
    }

    pub(super) fn of_client(error: NoClient, id: &str) -> Self {
        let cause = match &error {
            NoClient::Refused(fault) => Some(OwnedCause::Refused(fault.clone().into())),
            NoClient::Unreachable(fault) => Some(OwnedCause::Unreachable(*fault)),
            NoClient::TooMany { .. } => Some(OwnedCause::TooMany(Counted::DocumentRequests)),
            NoClient::Unavailable(_) => None,
        };
        Self {
            error: AuthorizeError::of_client(error, id),
            cause,
            client: None,
        }
    }

    /// Whether the request is counted: one that was refused because of the count is not.
    pub(super) const fn counts(&self) -> bool {
        !matches!(self.error, AuthorizeError::TooMany { .. })
    }

    pub(super) fn named(self, client: &Client) -> Self {
        Self {
            client: Some(Box::new(client.clone())),
            ..self
        }
    }
}

impl<T: Into<AuthorizeError>> From<T> for AuthorizeFailure {
    fn from(error: T) -> Self {
        Self {
            error: error.into(),
            cause: None,
            client: None,
        }
    }
}

impl Authorization {
    /// Records a failure for administrators; returns the error.
    pub(super) async fn note(
        &self,
        failure: AuthorizeFailure,
        client_id: &str,
        parameters: &Parameters,
        address: IpAddr,
    ) -> AuthorizeError {
        if let Some(OwnedCause::Refused(reason)) = &failure.cause {
            tracing::info!(client = %client_id, %reason, "authorization request refused");
        }
        if let Some(cause) = &failure.cause {
            self.failures
                .note_failure(NewFailure {
                    step: FailedStep::Authorize,
                    client_id,
                    client: failure.client.as_deref(),
                    cause: cause.borrowed(),
                    asked: RequestedParameters::of(parameters),
                    address,
                })
                .await;
        }
        failure.error
    }
}
