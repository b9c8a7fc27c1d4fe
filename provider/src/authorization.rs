//! The authorization endpoint: from the request to the consent page, or straight to the response.

mod consent;
mod decided;
mod failure;
mod pending;
mod problem;

use std::{sync::Arc, time::Duration};

use identity::{RateLimit, Session};
use oauth::{
    Parameters, Secret,
    authorize::{self, AuthorizationRequest},
    client::ClientId,
    consent::{Consent, ConsentContext, Interaction},
    epoch::Epoch,
    error::{LocalError, RedirectError},
    grant::GrantDetails,
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
    grants::{ClientEvent, GrantStore, client_name, consent_key},
    limits::{BatchCounters, RateLimiter},
    records::{self, Batch, keys},
    state::{
        Account, PendingAuthorization, ReauthRequirement, StoredRequest, account_name,
        audit::{Actor, AuditAction, RequestSource},
    },
    step_error::LocalFault,
    unavailable::Unavailable,
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

/// What is read first of a request.
struct Opening {
    client: Client,
    session: Option<Session>,
    consent_context: ConsentContext,
}

/// What is read of a signed-in user.
struct Remembered {
    account: Account,
    /// What the user allowed the client before, if that is still valid.
    consent: Option<Consent>,
    /// The newest withdrawal of the account.
    withdrawal: Epoch,
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
        let counters = self.limiter.address_counters(REQUESTS, browser.address);
        let failure = match self.validate(&id, parameters, browser, &counters).await {
            Ok(outcome) => return Ok(outcome),
            Err(failure) => failure,
        };
        if failure.counts() {
            self.count(&counters).await;
        }
        Err(self.note(failure, &id, parameters, browser.address).await)
    }

    async fn validate(
        &self,
        id: &ClientId,
        parameters: &Parameters,
        browser: &BrowserContext,
        counters: &BatchCounters,
    ) -> Result<AuthorizeOutcome, AuthorizeFailure> {
        // 1. The client and the redirect URI. Errors are local.
        let opening = self.opening(id, browser, counters).await?;
        let client = &opening.client;
        let destination = authorize::destination(parameters, client.profile())
            .map_err(|reason| AuthorizeFailure::local(reason).named(client))?;
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
            AuthorizeFailure::redirected(location, reason, client)
        })?;
        // 3. An immediate response, or a pending request.
        self.proceed(request, &opening, &destination, browser, counters)
            .await
    }

    /// Reads what decides a request, in one round trip: blocked hosts, client, epoch, session, and
    /// the counters of its network. Beyond the limit no document is fetched.
    async fn opening(
        &self,
        id: &ClientId,
        browser: &BrowserContext,
        counters: &BatchCounters,
    ) -> Result<Opening, AuthorizeFailure> {
        let mut batch = Batch::default();
        let client = self.documents.read_client(&mut batch, id);
        let epoch = batch.read(keys::epoch(id));
        let session = Sessions::read_session(&mut batch, browser);
        let counts = counters.read(&mut batch);
        let mut results = batch.run(self.context.store()).await?;
        if let Some(wait) = counters.reached(counts, &mut results)? {
            self.admit_known(browser, wait).await?;
        }
        let client = self
            .documents
            .resolve_client(id, browser.address, &client, &mut results)
            .await
            .map_err(|error| AuthorizeFailure::of_client(error, id))?;
        let session = match session {
            Some(ticket) => self.sessions.valid_session(&ticket, &mut results)?,
            None => None,
        };
        let epoch = results.record(&epoch)?.unwrap_or_default();
        Ok(Opening {
            client,
            session,
            consent_context: self.registry.consent_context_of(epoch),
        })
    }

    /// Admits a known browser of a network that has reached its limit, so that others there do not
    /// lock it out.
    async fn admit_known(
        &self,
        browser: &BrowserContext,
        wait: Duration,
    ) -> Result<(), AuthorizeFailure> {
        let mut wait = Some(wait);
        if self.sessions.is_known(browser).await? {
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
    }

    /// Counts a request that failed.
    async fn count(&self, counters: &BatchCounters) {
        let mut batch = Batch::default();
        counters.count(&mut batch);
        if let Err(error) = batch.run(self.context.plain_store()).await {
            tracing::warn!(%error, "a failed authorization request could not be counted");
        }
    }

    /// The account of the session, the remembered consent and the newest withdrawal, in one round
    /// trip.
    async fn remembered(
        &self,
        opening: &Opening,
        request: &AuthorizationRequest,
        browser: &BrowserContext,
    ) -> Result<Option<Remembered>, Unavailable> {
        let Some(session) = &opening.session else {
            return Ok(None);
        };
        let mut batch = Batch::default();
        let account = batch.read(keys::account(session.account));
        let consent = batch.read(consent_key(session.account, request));
        let withdrawals = batch.read(keys::withdrawals(session.account));
        let mut results = batch.run(self.context.store()).await?;
        let account = results.record(&account)?;
        let Some(account) = self
            .sessions
            .opened_account(browser, session, account)
            .await
        else {
            return Ok(None);
        };
        let consent = results
            .record(&consent)?
            .filter(|consent: &Consent| consent.is_valid(opening.consent_context));
        let withdrawals = results.record(&withdrawals)?.unwrap_or_default();
        Ok(Some(Remembered {
            account,
            consent,
            withdrawal: withdrawals.latest,
        }))
    }

    /// Reads the remembered consent, and decides the interaction.
    async fn proceed(
        &self,
        request: AuthorizationRequest,
        opening: &Opening,
        destination: &ValidatedRedirectUri,
        browser: &BrowserContext,
        counters: &BatchCounters,
    ) -> Result<AuthorizeOutcome, AuthorizeFailure> {
        let client = &opening.client;
        let user = self.remembered(opening, &request, browser).await?;
        let earlier = user.as_ref().and_then(|user| user.consent.as_ref());
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
            earlier,
            opening.consent_context,
        );
        let next = match (next, &user) {
            (Interaction::Error(reason), _) => return refused(reason),
            (Interaction::None(consent), Some(user)) => {
                let code = self
                    .issue_without_prompt(client, &request, consent, user, browser, counters)
                    .await?;
                match code {
                    Some(code) => {
                        return Ok(AuthorizeOutcome::Issued(
                            destination.with_code(&code, state, issuer),
                        ));
                    }
                    None if request.prompt == Prompt::None => {
                        return refused(RedirectError::ConsentRequired);
                    }
                    None => NextStep::Consent,
                }
            }
            (Interaction::Consent, Some(_)) => NextStep::Consent,
            (Interaction::Login | Interaction::Consent | Interaction::None(_), _) => {
                NextStep::Login
            }
        };
        Ok(self.store_pending(request, browser, next, counters).await?)
    }

    /// Issues a code for a remembered consent; `None` when it was withdrawn just now.
    async fn issue_without_prompt(
        &self,
        client: &Client,
        request: &AuthorizationRequest,
        consent: &Consent,
        user: &Remembered,
        browser: &BrowserContext,
        counters: &BatchCounters,
    ) -> Result<Option<String>, AuthorizeError> {
        // Once a day. An end of the client in between ends its epoch, which is read after the
        // grant is stored.
        if client.touched(self.context.now()).is_some()
            && !self.registry.mark_used(&client.id).await?
        {
            return Err(AuthorizeError::Problem(
                LocalFault::from(LocalError::UnknownClient).into(),
            ));
        }
        let offer = (self.context.entropy().id(), self.context.entropy().secret());
        // In the epoch of the consent: a later end of the client applies to this code too.
        let details = GrantDetails {
            withdrawal: user.withdrawal,
            ..request.grant_details(client.profile(), self.context.now(), consent.epoch)
        };
        let account = &user.account;
        let code = self
            .grants
            .issue_code(consent, account.id(), details, offer, counters)
            .await?;
        if code.is_some() {
            self.grants
                .note_named(ClientEvent {
                    action: AuditAction::AllowedAgain,
                    by: Actor::Client,
                    subject: Some(account_name(account)),
                    from: RequestSource::of(browser),
                    client: client_name(&client.id, client.name.clone()),
                    about: Some(request.resource.as_str().to_owned()),
                })
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
        counters: &BatchCounters,
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
        let mut batch = Batch::default();
        batch.insert(
            &keys::request(&id.digest()),
            &StoredRequest::Pending(Box::new(pending)),
            records::ttl(lifetime),
        );
        counters.count(&mut batch);
        batch.run(self.context.store()).await?;
        Ok(AuthorizeOutcome::Pending {
            request: id.encode(),
            next,
        })
    }
}
