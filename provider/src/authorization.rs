//! The authorization endpoint and the person's decision: from the request to the answer that goes to the client.

use std::time::Duration;

use oauth::{
    Digest, Parameters, Reason, Secret, Timestamp,
    authorize::{self, AuthorizationRequest},
    client::Client,
    grant::{Grant, GrantKey, Terms},
    redirect::{Destination, Location},
    resource::Resource,
    scope::{OFFLINE_ACCESS, Scopes},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::{
    Provider, Visitor, keys,
    limits::{self, Limit},
    problem::{Problem, Unavailable},
    record,
};

/// Requests from one part of the network. Each waits in the store for half an hour, whoever sends it; the limit is far
/// above what people and their clients do.
const REQUESTS: Limit = Limit { name: "authorize", most: 1000, stretch: Duration::from_mins(15) };

/// An admitted request waits for the person; the browser goes on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// A path on this server, to be answered by 303.
    pub continue_at: String,
}

/// Why an authorization request goes no further. An error knows where it may go (O2).
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
    /// The store did not answer.
    Unavailable(Unavailable),
}

impl From<Unavailable> for AuthorizeError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// A waiting request, bound to the browser it was made in.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    request: AuthorizationRequest,
    browser: Digest,
    expires_at: Timestamp,
}

/// What the login page says about where signing in leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// The name the client gave itself, or its id.
    pub client_name: String,
    /// The host its identity comes from, where there is one.
    pub client_host: Option<String>,
    /// What it wants to use.
    pub resource_name: String,
}

/// Why a waiting request is not shown.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Unknown, expired, decided already, or another browser's: to a person these are the same.
    #[error("the request is gone")]
    Gone,
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Where a client's identity comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It named itself; nobody has checked the name. The host is the one its answers go to, when that is on the web.
    SelfNamed {
        /// The host that answers go to.
        host: Option<String>,
    },
    /// An administrator added it.
    Added,
}

/// Everything the consent page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentView {
    /// The name the client gave itself, or its id.
    pub client_name: String,
    /// Where its identity comes from.
    pub identity: Identity,
    /// Where the answer goes (C10): host with port, or the scheme of an application.
    pub redirect_host: String,
    /// Whether it goes to an application on this computer (C9).
    pub redirect_is_loopback: bool,
    /// What the client wants to use.
    pub resource_name: String,
    /// Its identifier.
    pub resource_identifier: String,
    /// Its host.
    pub resource_host: String,
    /// What it may do, a sentence each.
    pub scopes: Vec<String>,
    /// As whom.
    pub email: String,
    /// Where the form may end, for the content security policy.
    pub form_action: String,
}

/// What the person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The client gets a code.
    Allow,
    /// The client is told no.
    Deny,
}

/// Why there is nothing to decide.
#[derive(Debug, Error)]
pub enum ConsentError {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignInFirst,
    /// See [`RequestError::Gone`].
    #[error("the request is gone")]
    Gone,
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<RequestError> for ConsentError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Gone => Self::Gone,
            RequestError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

/// A waiting request whose client and destination have just been proved again.
struct Proved {
    request: AuthorizationRequest,
    client: Client,
    destination: Destination,
}

impl Provider {
    /// Judges an authorization request and lets it wait for the person.
    pub async fn begin(&self, parameters: &Parameters, visitor: &Visitor) -> Result<Begun, AuthorizeError> {
        let local = |reason: Reason| AuthorizeError::Problem(reason.into());
        // 1. Who asks, and where the answer goes. Faults stay here.
        let id = authorize::client_id(parameters).map_err(local)?;
        let from = limits::neighbourhood(visitor.address);
        let (client, wait) = tokio::join!(self.client(id), self.count(REQUESTS, &from));
        if let Some(retry_after) = wait? {
            return Err(AuthorizeError::TooMany { retry_after });
        }
        let client = client?.ok_or_else(|| local(Reason::UnknownClient))?;
        let destination = authorize::destination(parameters, &client).map_err(local)?;
        // 2. Everything else. Faults go to the client.
        let settings = self.settings();
        let request = authorize::admit(parameters, &client, &destination, &settings.resources).map_err(|reason| {
            tracing::info!(client = %client.id, %reason, "authorization request refused");
            AuthorizeError::Redirect(destination.with_error(&reason, authorize::state(parameters), &settings.issuer))
        })?;
        // 3. Wait for the person, in this browser alone.
        let id = self.entropy().secret();
        let lifetime = settings.lifetimes.request;
        let waiting = Waiting { request, browser: visitor.browser.digest(), expires_at: self.now().after(lifetime) };
        record::insert(self.store(), &keys::request(&id.digest()), &waiting, record::keep(lifetime)).await?;
        let page = if visitor.session.is_some() { "consent" } else { "login" };
        Ok(Begun { continue_at: format!("/{page}?request={}", id.encode()) })
    }

    /// What the login page says about a waiting request.
    pub async fn request(&self, id: &str, visitor: &Visitor) -> Result<RequestView, RequestError> {
        let (_, waiting) = self.waiting(id, visitor).await?;
        let proved = self.prove(waiting).await?;
        let resource = self.resource_of(&proved.request)?;
        Ok(RequestView {
            client_name: proved.client_name(),
            client_host: proved.client_host(),
            resource_name: resource.name.clone(),
        })
    }

    /// What the consent page says.
    pub async fn consent(&self, id: &str, visitor: &Visitor) -> Result<ConsentView, ConsentError> {
        let (_, waiting) = self.waiting(id, visitor).await?;
        let person = self.signed_in(visitor).await?.ok_or(ConsentError::SignInFirst)?;
        let proved = self.prove(waiting).await?;
        let resource = self.resource_of(&proved.request)?;
        Ok(ConsentView {
            client_name: proved.client_name(),
            identity: proved.identity(),
            redirect_host: proved.destination.host().to_owned(),
            redirect_is_loopback: proved.destination.is_on_this_computer(),
            resource_name: resource.name.clone(),
            resource_identifier: resource.identifier.as_str().to_owned(),
            resource_host: resource.identifier.host().to_owned(),
            scopes: sentences(&proved.request.scopes, resource),
            email: person.email,
            form_action: proved.destination.policy_source(),
        })
    }

    /// Carries out what the person decided; the request is used up by it.
    pub async fn decide(&self, id: &str, visitor: &Visitor, decision: Decision) -> Result<Location, ConsentError> {
        // 1. A request of this browser, a person in this browser, a client and a destination that still stand.
        let (key, waiting) = self.waiting(id, visitor).await?;
        let person = self.signed_in(visitor).await?.ok_or(ConsentError::SignInFirst)?;
        let proved = self.prove(waiting).await?;
        self.resource_of(&proved.request)?;
        // 2. Decide once, though the form be sent twice.
        record::take::<Waiting>(self.store(), &key).await?.ok_or(ConsentError::Gone)?;
        let issuer = &self.settings().issuer;
        let state = proved.request.state.clone();
        if decision == Decision::Deny {
            return Ok(proved.destination.with_error(&Reason::Denied, state.as_deref(), issuer));
        }
        // 3. The client stays, and the grant waits for it under the code.
        if !self.settle_client(&proved.request.client_id).await? {
            return Err(ConsentError::Gone);
        }
        let destination = proved.destination.clone();
        let code = self.offer_grant(proved, person.account).await?;
        Ok(destination.with_code(&code, state.as_deref(), issuer))
    }

    async fn offer_grant(&self, proved: Proved, account: oauth::Id) -> Result<String, Unavailable> {
        let now = self.now();
        let lifetime = self.settings().lifetimes.code;
        let key = GrantKey { account, grant: self.entropy().id() };
        let (grant, code) = Grant::offer(proved.terms(now), key, self.entropy().secret(), now.after(lifetime));
        // Listed first: a grant that exists can always be found and ended.
        let (list, name) = (keys::grants(account), key.grant.to_string());
        self.store().enlist(&list, &name).await?;
        record::forget_lapsed(self.store(), &list, &name, |name| keys::grant_of(account, name)).await?;
        record::insert(self.store(), &keys::grant(&key), &grant, record::keep(lifetime)).await?;
        Ok(code.encode())
    }

    /// Reads a waiting request of this browser.
    async fn waiting(&self, id: &str, visitor: &Visitor) -> Result<(String, Waiting), RequestError> {
        let id = Secret::decode(id).ok_or(RequestError::Gone)?;
        let key = keys::request(&id.digest());
        let waiting: Waiting = record::read(self.store(), &key).await?.ok_or(RequestError::Gone)?;
        let good = waiting.browser == visitor.browser.digest() && !waiting.expires_at.has_passed(self.now());
        if good { Ok((key, waiting)) } else { Err(RequestError::Gone) }
    }

    /// Proves client and destination again: the stored text alone leads nowhere.
    async fn prove(&self, waiting: Waiting) -> Result<Proved, RequestError> {
        let request = waiting.request;
        let client = self.client(&request.client_id).await?.ok_or(RequestError::Gone)?;
        let destination = Destination::prove(&client.redirect_uris, &request.redirect_uri).map_err(|_| RequestError::Gone)?;
        Ok(Proved { request, client, destination })
    }

    fn resource_of(&self, request: &AuthorizationRequest) -> Result<&Resource, RequestError> {
        self.settings().resources.iter().find(|resource| resource.identifier == request.resource).ok_or(RequestError::Gone)
    }
}

impl Proved {
    fn client_name(&self) -> String {
        self.client.name.clone().unwrap_or_else(|| self.client.id.clone())
    }

    /// The web host that answers go to; an application on this computer has none.
    fn client_host(&self) -> Option<String> {
        if self.destination.is_on_this_computer() {
            return None;
        }
        Url::parse(self.destination.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned))
    }

    fn identity(&self) -> Identity {
        match self.client.origin {
            oauth::client::Origin::Registered => Identity::SelfNamed { host: self.client_host() },
            oauth::client::Origin::Added => Identity::Added,
        }
    }

    fn terms(self, now: Timestamp) -> Terms {
        Terms {
            client_id: self.request.client_id,
            redirect_uri: self.request.redirect_uri,
            challenge: self.request.challenge,
            resource: self.request.resource,
            scopes: self.request.scopes,
            refreshes: self.client.refreshes,
            allowed_at: now,
        }
    }
}

/// What scopes of a resource allow, a sentence each.
pub(crate) fn sentences(scopes: &Scopes, resource: &Resource) -> Vec<String> {
    let sentence = |word: &str| match resource.scopes.iter().find(|scope| scope.name == word) {
        Some(scope) => scope.sentence.clone(),
        None if word == OFFLINE_ACCESS => "Stay connected until you end it".to_owned(),
        None => word.to_owned(),
    };
    scopes.iter().map(sentence).collect()
}
