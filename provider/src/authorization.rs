//! The authorization endpoint: from the request to the page that asks the person, or straight to
//! the answer.

use crate::step_error::{LocalFault, StepError};
use oauth::error::{LocalError, RedirectError};
use std::time::Duration;

use identity::RateLimit;
use oauth::{
    Id, Parameters, Secret,
    authorize::{self, AuthorizationRequest},
    client::ClientId,
    consent::{self, Consent, Interaction},
    epoch::Epoch,
    prompt::Prompt,
    redirect::{Location, ValidatedRedirectUri},
};
use oauth_clients::client::Client;

use crate::{
    BrowserContext, Provider,
    audit::{Actor, AuditAction, RequestSource},
    decided::StoredRequest,
    documents::NoClient,
    failures::{self, Asked, Failed, FailedStep},
    keys,
    problem::{Problem, Unavailable},
    records,
    waiting::{Before, Waiting, document_host},
};

/// Requests from one part of the network. Each waits in the store for half an hour, whoever sends
/// it; the limit is far above what people and their clients do.
const REQUESTS: RateLimit = RateLimit {
    name: "authorize",
    max: 1000,
    window: Duration::from_mins(15),
};
/// Requests from one browser in which somebody has signed in before, beyond the limit of its part
/// of the network.
const REQUESTS_OF_KNOWN: RateLimit = RateLimit {
    name: "authorize-known",
    max: 200,
    window: Duration::from_mins(15),
};

/// What an admitted request leads to, by 303.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It waits for the person, at this path on this server.
    Waiting(String),
    /// The person has allowed it before: this goes to the client.
    Passed(Location),
}

/// Why an authorization request goes no further. An error knows where it may go (R-O2).
#[derive(Debug)]
pub enum AuthorizeError {
    /// Client or redirect URI are not proved: a local page, never a redirect.
    Problem(Problem),
    /// They are: the client is told.
    Redirect(Location),
    /// Too many requests from this address.
    TooMany {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The client's document cannot be had just now: a local page, and nobody's fault here.
    Unreachable {
        /// Whose web server it is.
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

/// A fault, with why it is of interest to administrators, if it is, and the client where it is
/// known.
struct Fault {
    error: AuthorizeError,
    cause: Option<Cause>,
    client: Option<Box<Client>>,
}

/// What administrators are told of a fault.
enum Cause {
    Refused(StepError),
    Unreachable(&'static str),
    TooMany(&'static str),
}

impl Cause {
    const fn to_note(&self) -> failures::Cause<'_> {
        match self {
            Self::Refused(reason) => failures::Cause::Refused(reason),
            Self::Unreachable(why) => failures::Cause::Unreachable(why),
            Self::TooMany(what) => failures::Cause::TooMany(what),
        }
    }
}

impl Fault {
    /// Told to the person, on a page of ours.
    fn local(fault: impl Into<LocalFault>) -> Self {
        let fault = fault.into();
        Self {
            error: AuthorizeError::Problem(fault.clone().into()),
            cause: Some(Cause::Refused(fault.into())),
            client: None,
        }
    }

    /// Told to the client.
    fn redirected(location: Location, error: RedirectError, client: &Client) -> Self {
        Self {
            error: AuthorizeError::Redirect(location),
            cause: Some(Cause::Refused(error.into())),
            client: Some(Box::new(client.clone())),
        }
    }

    fn too_many(retry_after: Duration, what: &'static str) -> Self {
        Self {
            error: AuthorizeError::TooMany { retry_after },
            cause: Some(Cause::TooMany(what)),
            client: None,
        }
    }

    fn of_client(error: NoClient, id: &str) -> Self {
        let cause = match &error {
            NoClient::Refused(fault) => Some(Cause::Refused(fault.clone().into())),
            NoClient::Unreachable(why) => Some(Cause::Unreachable(why)),
            NoClient::TooMany { .. } => Some(Cause::TooMany("requests for metadata documents")),
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

impl<T: Into<AuthorizeError>> From<T> for Fault {
    fn from(error: T) -> Self {
        Self {
            error: error.into(),
            cause: None,
            client: None,
        }
    }
}

impl Provider {
    /// Judges an authorization request, and lets it wait for the person unless they have allowed
    /// the same before.
    pub async fn begin(
        &self,
        parameters: &Parameters,
        browser: &BrowserContext,
    ) -> Result<Begun, AuthorizeError> {
        // 1. Who asks. Faults stay here.
        let id = authorize::client_id(parameters);
        let (id, judged) = match &id {
            Ok(id) => (&**id, self.judge(id, parameters, browser).await),
            Err(reason) => ("", Err(Fault::local(reason.clone()))),
        };
        // 2. Everything else. A fault is noted for whoever runs the server.
        let fault = match judged {
            Ok(begun) => return Ok(begun),
            Err(fault) => fault,
        };
        if let Some(cause) = &fault.cause {
            if let Cause::Refused(reason) = cause {
                tracing::info!(client = %id, %reason, "authorization request refused");
            }
            let (step, client, address) = (
                FailedStep::Authorize,
                fault.client.as_deref(),
                browser.address,
            );
            let asked = Asked::of(parameters);
            self.note_failure(Failed {
                step,
                client_id: id,
                client,
                cause: cause.to_note(),
                asked,
                address,
            })
            .await;
        }
        Err(fault.error)
    }

    async fn judge(
        &self,
        id: &ClientId,
        parameters: &Parameters,
        browser: &BrowserContext,
    ) -> Result<Begun, Fault> {
        // 1. The client, and where the answer goes. Faults stay here.
        let client = self.admitted_client(id, browser).await?;
        let destination = authorize::destination(parameters, client.profile())
            .map_err(|reason| Fault::local(reason).named(&client))?;
        // 2. Everything else. Faults go to the client.
        let settings = self.settings();
        let (resources, default) = (&settings.resources, settings.default_resource.as_ref());
        let request = authorize::admit(
            parameters,
            client.profile(),
            &destination,
            resources,
            default,
        )
        .map_err(|reason| {
            let location =
                destination.with_error(&reason, authorize::state(parameters), &settings.issuer);
            Fault::redirected(location, reason, &client)
        })?;
        // 3. An answer at once, or the person's turn.
        self.proceed(request, &client, &destination, browser).await
    }

    /// The client that asks, within the limit of its neighbourhood. Nobody beyond it makes this
    /// server ask for a document.
    async fn admitted_client(
        &self,
        id: &ClientId,
        browser: &BrowserContext,
    ) -> Result<Client, Fault> {
        let admitted = async {
            let mut wait = self.limiter().count_from(REQUESTS, browser.address).await?;
            // Strangers behind the same address do not shut out a browser in which somebody has
            // signed in before.
            if wait.is_some() && self.is_known(browser).await? {
                wait = self
                    .limiter()
                    .count(REQUESTS_OF_KNOWN, browser.secret.digest().as_str())
                    .await?;
            }
            wait.map_or(Ok(()), |retry_after| {
                Err(Fault::too_many(
                    retry_after,
                    "authorization requests from this address",
                ))
            })
        };
        let client = if matches!(id, ClientId::Document(_)) {
            admitted.await?;
            self.asking_client(id, browser.address).await
        } else {
            let (client, admitted) =
                tokio::join!(self.asking_client(id, browser.address), admitted);
            admitted?;
            client
        };
        client.map_err(|error| Fault::of_client(error, id))
    }

    /// Sees who is there and what they allowed before, and does what follows from it.
    async fn proceed(
        &self,
        request: AuthorizationRequest,
        client: &Client,
        destination: &ValidatedRedirectUri,
        browser: &BrowserContext,
    ) -> Result<Begun, Fault> {
        // Nothing is remembered of a browser without a session, so nothing is measured.
        let measured = async {
            if browser.session.is_some() {
                self.measure(&client.id).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (person, measure) = tokio::join!(self.signed_in(browser), measured);
        let (person, measure) = (
            person?,
            measure?.unwrap_or_else(|| self.measure_of(Epoch::default())),
        );
        let earlier = match &person {
            Some(person) => self.remembered(person.account, &request, measure).await?,
            None => None,
        };
        let (state, issuer) = (request.state.as_deref(), &self.settings().issuer);
        let refused = |reason: RedirectError| {
            let location = destination.with_error(&reason, state, issuer);
            Err(Fault::redirected(location, reason, client))
        };
        let next = consent::interaction(
            &request,
            destination,
            person.is_some(),
            earlier.as_ref(),
            measure,
        );
        match (next, person) {
            (Interaction::Error(reason), _) => refused(reason),
            (Interaction::None(consent), Some(person)) => {
                match self.pass(client, &request, consent, person.account).await? {
                    Some(code) => {
                        let (from, about) = (
                            RequestSource::of(browser),
                            Some(request.resource.as_str().to_owned()),
                        );
                        self.note_of_client(
                            AuditAction::AllowedAgain,
                            Actor::Client,
                            person.account,
                            from,
                            &client.id,
                            about,
                        )
                        .await;
                        Ok(Begun::Passed(destination.with_code(&code, state, issuer)))
                    }
                    None if request.prompt == Prompt::None => {
                        refused(RedirectError::ConsentRequired)
                    }
                    None => Ok(self.wait(request, browser, "consent").await?),
                }
            }
            (Interaction::Consent, Some(_)) => Ok(self.wait(request, browser, "consent").await?),
            (Interaction::Login | Interaction::Consent | Interaction::None(_), _) => {
                Ok(self.wait(request, browser, "login").await?)
            }
        }
    }

    /// Gives a code for what the person allowed before; `None` when that was taken back this very
    /// moment.
    async fn pass(
        &self,
        client: &Client,
        request: &AuthorizationRequest,
        consent: &Consent,
        account: Id,
    ) -> Result<Option<String>, AuthorizeError> {
        if !self.settle_client(&client.id).await? {
            return Err(AuthorizeError::Problem(
                LocalFault::from(LocalError::UnknownClient).into(),
            ));
        }
        let offer = (self.entropy().id(), self.entropy().secret());
        // Of the epoch in which the person said yes: an end since then ends this too.
        Ok(self
            .offer_under(
                consent,
                account,
                request.grant_details(client.profile(), self.now(), consent.epoch),
                offer,
            )
            .await?)
    }

    /// Lets a request wait for the person, in this browser alone.
    async fn wait(
        &self,
        request: AuthorizationRequest,
        browser: &BrowserContext,
        page: &str,
    ) -> Result<Begun, AuthorizeError> {
        let (id, now, lifetime) = (
            self.entropy().secret(),
            self.now(),
            self.settings().lifetimes.request,
        );
        let before = || Before {
            session: browser.session.as_ref().map(Secret::digest),
            at: now,
        };
        let sign_in_after = request.prompt.asks_to_sign_in().then(before);
        let waiting = Waiting {
            request,
            browser: browser.secret.digest(),
            expires_at: now.after(lifetime),
            sign_in_after,
        };
        records::insert(
            self.store(),
            &keys::request(&id.digest()),
            &StoredRequest::Waiting(Box::new(waiting)),
            records::ttl(lifetime),
        )
        .await?;
        Ok(Begun::Waiting(format!("/{page}?request={}", id.encode())))
    }
}
