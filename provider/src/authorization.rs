//! The authorization endpoint: from the request to the consent page, or straight to the response.

mod consent;
mod decided;
mod pending;
mod problem;

pub(crate) use self::consent::sentences;
pub use self::{
    consent::{ConsentError, ConsentView, Identity, Permission},
    pending::{RequestError, RequestView},
    problem::{Problem, ProblemKind},
};
use std::{sync::Arc, time::Duration};

use identity::RateLimit;
use oauth::{
    Id, Parameters, Secret,
    authorize::{self, AuthorizationRequest},
    client::ClientId,
    consent::{Consent, Interaction},
    epoch::Epoch,
    error::{LocalError, RedirectError},
    prompt::Prompt,
    redirect::{Location, ValidatedRedirectUri},
};
use oauth_clients::client::Client;

use crate::{
    accounts::Sessions,
    authorization::pending::document_host,
    browser_context::BrowserContext,
    clients::{ClientDocuments, ClientRegistry, documents::NoClient},
    context::Context,
    failures::{Counted, FailureCause, FailureLog, NewFailure},
    fetch_fault::FetchFault,
    grants::GrantStore,
    limits::RateLimiter,
    records::{self, keys},
    state::{
        PendingAuthorization, ReauthRequirement, StoredRequest,
        audit::{Actor, AuditAction, RequestSource},
        failure::{FailedStep, RequestedParameters},
    },
    step_error::{LocalFault, StepError},
    unavailable::Unavailable,
};

/// Requests from one network. Each is stored for half an hour; the limit is far above normal use.
const REQUESTS: RateLimit = RateLimit {
    name: "authorize",
    max: 1000,
    window: Duration::from_mins(15),
};
/// Requests from one known browser, beyond the limit of its network.
const REQUESTS_OF_KNOWN: RateLimit = RateLimit {
    name: "authorize-known",
    max: 200,
    window: Duration::from_mins(15),
};

/// What an admitted request leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeOutcome {
    /// It waits for the user under this id, which the page of the next step gets.
    Pending {
        /// The id.
        request: String,
        /// What the user has to do next.
        next: NextStep,
    },
    /// The user has allowed it before: the response for the client.
    Issued(Location),
}

/// What the user has to do next about a pending request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// To sign in.
    Login,
    /// To allow or deny.
    Consent,
}

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
struct AuthorizeFailure {
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
    fn local(fault: impl Into<LocalFault>) -> Self {
        let fault = fault.into();
        Self {
            error: AuthorizeError::Problem(fault.clone().into()),
            cause: Some(OwnedCause::Refused(fault.into())),
            client: None,
        }
    }

    /// Redirected to the client.
    fn redirected(location: Location, error: RedirectError, client: &Client) -> Self {
        Self {
            error: AuthorizeError::Redirect(location),
            cause: Some(OwnedCause::Refused(error.into())),
            client: Some(Box::new(client.clone())),
        }
    }

    fn too_many(retry_after: Duration, counted: Counted) -> Self {
        Self {
            error: AuthorizeError::TooMany { retry_after },
            cause: Some(OwnedCause::TooMany(counted)),
            client: None,
        }
    }

    fn of_client(error: NoClient, id: &str) -> Self {
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

    fn named(self, client: &Client) -> Self {
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

/// The authorization endpoint and the pages that a request passes.
pub struct Authorization {
    pub(crate) context: Context,
    pub(crate) limiter: Arc<RateLimiter>,
    pub(crate) failures: Arc<FailureLog>,
    pub(crate) registry: Arc<ClientRegistry>,
    pub(crate) documents: Arc<ClientDocuments>,
    pub(crate) grants: Arc<GrantStore>,
    pub(crate) sessions: Arc<Sessions>,
}

impl Authorization {
    /// Validates an authorization request, and stores it for the user's decision, unless a
    /// remembered consent covers it.
    pub async fn authorize(
        &self,
        parameters: &Parameters,
        browser: &BrowserContext,
    ) -> Result<AuthorizeOutcome, AuthorizeError> {
        // 1. The client. Errors are local.
        let id = authorize::client_id(parameters);
        let (id, validated) = match &id {
            Ok(id) => (&**id, self.validate(id, parameters, browser).await),
            Err(reason) => ("", Err(AuthorizeFailure::local(reason.clone()))),
        };
        // 2. Everything else. An error is recorded for administrators.
        let fault = match validated {
            Ok(outcome) => return Ok(outcome),
            Err(fault) => fault,
        };
        if let Some(cause) = &fault.cause {
            if let OwnedCause::Refused(reason) = cause {
                tracing::info!(client = %id, %reason, "authorization request refused");
            }
            let step = FailedStep::Authorize;
            let client = fault.client.as_deref();
            let address = browser.address;
            let asked = RequestedParameters::of(parameters);
            self.failures
                .note_failure(NewFailure {
                    step,
                    client_id: id,
                    client,
                    cause: cause.borrowed(),
                    asked,
                    address,
                })
                .await;
        }
        Err(fault.error)
    }

    async fn validate(
        &self,
        id: &ClientId,
        parameters: &Parameters,
        browser: &BrowserContext,
    ) -> Result<AuthorizeOutcome, AuthorizeFailure> {
        // 1. The client and the redirect URI. Errors are local.
        let client = self.admitted_client(id, browser).await?;
        let destination = authorize::destination(parameters, client.profile())
            .map_err(|reason| AuthorizeFailure::local(reason).named(&client))?;
        // 2. Everything else. Faults go to the client.
        let settings = self.context.settings();
        let resources = &settings.resources;
        let default = settings.default_resource.as_ref();
        let request = authorize::validate(
            parameters,
            client.profile(),
            &destination,
            resources,
            default,
        )
        .map_err(|reason| {
            let location =
                destination.with_error(&reason, authorize::state(parameters), &settings.issuer);
            AuthorizeFailure::redirected(location, reason, &client)
        })?;
        // 3. An immediate response, or a pending request.
        self.proceed(request, &client, &destination, browser).await
    }

    /// The client of the request, within the limit of its network. Beyond it no document is
    /// fetched.
    async fn admitted_client(
        &self,
        id: &ClientId,
        browser: &BrowserContext,
    ) -> Result<Client, AuthorizeFailure> {
        let admitted = async {
            let mut wait = self.limiter.count_from(REQUESTS, browser.address).await?;
            // Other clients of the same network do not lock a known browser out.
            if wait.is_some() && self.sessions.is_known(browser).await? {
                wait = self
                    .limiter
                    .count(REQUESTS_OF_KNOWN, browser.secret.digest().as_str())
                    .await?;
            }
            wait.map_or(Ok(()), |retry_after| {
                Err(AuthorizeFailure::too_many(
                    retry_after,
                    Counted::AuthorizationRequests,
                ))
            })
        };
        let client = if matches!(id, ClientId::Document(_)) {
            admitted.await?;
            self.documents.resolve_client(id, browser.address).await
        } else {
            let (client, admitted) =
                tokio::join!(self.documents.resolve_client(id, browser.address), admitted);
            admitted?;
            client
        };
        client.map_err(|error| AuthorizeFailure::of_client(error, id))
    }

    /// Reads the session and the remembered consent, and decides the interaction.
    async fn proceed(
        &self,
        request: AuthorizationRequest,
        client: &Client,
        destination: &ValidatedRedirectUri,
        browser: &BrowserContext,
    ) -> Result<AuthorizeOutcome, AuthorizeFailure> {
        // Nothing is remembered of a browser without a session, so nothing is read_context.
        let read_context = async {
            if browser.session.is_some() {
                self.registry.consent_context(&client.id).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (user, consent_context) = tokio::join!(self.sessions.signed_in(browser), read_context);
        let user = user?;
        let consent_context =
            consent_context?.unwrap_or_else(|| self.registry.consent_context_of(Epoch::default()));
        let earlier = match &user {
            Some(user) => {
                self.grants
                    .remembered(user.account, &request, consent_context)
                    .await?
            }
            None => None,
        };
        let state = request.state.as_deref();
        let issuer = &self.context.settings().issuer;
        let refused = |reason: RedirectError| {
            let location = destination.with_error(&reason, state, issuer);
            Err(AuthorizeFailure::redirected(location, reason, client))
        };
        let next = oauth::consent::interaction(
            &request,
            destination,
            user.is_some(),
            earlier.as_ref(),
            consent_context,
        );
        match (next, user) {
            (Interaction::Error(reason), _) => refused(reason),
            (Interaction::None(consent), Some(user)) => {
                match self
                    .issue_without_prompt(client, &request, consent, user.account)
                    .await?
                {
                    Some(code) => {
                        let from = RequestSource::of(browser);
                        let about = Some(request.resource.as_str().to_owned());
                        self.grants
                            .note_of_client(
                                AuditAction::AllowedAgain,
                                Actor::Client,
                                user.account,
                                from,
                                &client.id,
                                about,
                            )
                            .await;
                        Ok(AuthorizeOutcome::Issued(
                            destination.with_code(&code, state, issuer),
                        ))
                    }
                    None if request.prompt == Prompt::None => {
                        refused(RedirectError::ConsentRequired)
                    }
                    None => Ok(self
                        .store_pending(request, browser, NextStep::Consent)
                        .await?),
                }
            }
            (Interaction::Consent, Some(_)) => Ok(self
                .store_pending(request, browser, NextStep::Consent)
                .await?),
            (Interaction::Login | Interaction::Consent | Interaction::None(_), _) => Ok(self
                .store_pending(request, browser, NextStep::Login)
                .await?),
        }
    }

    /// Issues a code for a remembered consent; `None` when it was withdrawn just now.
    async fn issue_without_prompt(
        &self,
        client: &Client,
        request: &AuthorizationRequest,
        consent: &Consent,
        account: Id,
    ) -> Result<Option<String>, AuthorizeError> {
        if !self.registry.mark_used(&client.id).await? {
            return Err(AuthorizeError::Problem(
                LocalFault::from(LocalError::UnknownClient).into(),
            ));
        }
        let offer = (self.context.entropy().id(), self.context.entropy().secret());
        // In the epoch of the consent: a later end of the client applies to this code too.
        Ok(self
            .grants
            .issue_code(
                consent,
                account,
                request.grant_details(client.profile(), self.context.now(), consent.epoch),
                offer,
            )
            .await?)
    }

    /// Stores a pending request, for this browser only.
    async fn store_pending(
        &self,
        request: AuthorizationRequest,
        browser: &BrowserContext,
        next: NextStep,
    ) -> Result<AuthorizeOutcome, AuthorizeError> {
        let id = self.context.entropy().secret();
        let now = self.context.now();
        let lifetime = self.context.settings().lifetimes.request;
        let before = || ReauthRequirement {
            session: browser.session.as_ref().map(Secret::digest),
            at: now,
        };
        let sign_in_after = request.prompt.asks_to_sign_in().then(before);
        let pending = PendingAuthorization {
            request,
            browser: browser.secret.digest(),
            expires_at: now.after(lifetime),
            sign_in_after,
        };
        records::insert(
            self.context.store(),
            &keys::request(&id.digest()),
            &StoredRequest::Pending(Box::new(pending)),
            records::ttl(lifetime),
        )
        .await?;
        Ok(AuthorizeOutcome::Pending {
            request: id.encode(),
            next,
        })
    }
}
