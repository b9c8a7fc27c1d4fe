//! The authorization endpoint: from the request to the consent page, or straight to the response.

mod consent;
mod decided;
mod failure;
mod pending;
mod problem;

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
    browser_context::BrowserContext,
    clients::{ClientDocuments, ClientRegistry},
    context::Context,
    failures::{Counted, FailureLog},
    grants::GrantStore,
    limits::RateLimiter,
    records::{self, keys},
    state::{
        PendingAuthorization, ReauthRequirement, StoredRequest,
        audit::{Actor, AuditAction, RequestSource},
    },
    step_error::LocalFault,
};

pub(crate) use self::consent::sentences;
use self::failure::AuthorizeFailure;
pub use self::{
    consent::{ConsentError, ConsentView, Identity, Permission},
    failure::AuthorizeError,
    pending::{RequestError, RequestView},
    problem::{Problem, ProblemKind},
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
        let id = match authorize::client_id(parameters) {
            Ok(id) => id,
            Err(error) => {
                let failure = AuthorizeFailure::local(error);
                return Err(self.note(failure, "", parameters, browser.address).await);
            }
        };
        match self.validate(&id, parameters, browser).await {
            Ok(outcome) => Ok(outcome),
            Err(failure) => Err(self.note(failure, &id, parameters, browser.address).await),
        }
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
        // Nothing is remembered of a browser without a session, so nothing is read.
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
                let code = self
                    .issue_without_prompt(client, &request, consent, user.account, browser)
                    .await?;
                match code {
                    Some(code) => Ok(AuthorizeOutcome::Issued(
                        destination.with_code(&code, state, issuer),
                    )),
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
        browser: &BrowserContext,
    ) -> Result<Option<String>, AuthorizeError> {
        if !self.registry.mark_used(&client.id).await? {
            return Err(AuthorizeError::Problem(
                LocalFault::from(LocalError::UnknownClient).into(),
            ));
        }
        let offer = (self.context.entropy().id(), self.context.entropy().secret());
        // In the epoch of the consent: a later end of the client applies to this code too.
        let details = request.grant_details(client.profile(), self.context.now(), consent.epoch);
        let code = self
            .grants
            .issue_code(consent, account, details, offer)
            .await?;
        if code.is_some() {
            self.grants
                .note_of_client(
                    AuditAction::AllowedAgain,
                    Actor::Client,
                    account,
                    RequestSource::of(browser),
                    &client.id,
                    Some(request.resource.as_str().to_owned()),
                )
                .await;
        }
        Ok(code)
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
