//! Pending authorization requests, and their validation when they are read.

use identity::Session;
use oauth::{
    Secret, Timestamp,
    authorize::AuthorizationRequest,
    consent::{Consent, ConsentContext},
    epoch::Epoch,
    redirect::ValidatedRedirectUri,
    resource::Resource,
};
use oauth_clients::{client::Client, document::DocumentUrl};
use primitives::web_address;

use crate::{
    accounts::SignedInUser,
    authorization::{Authorization, consent::Identity, decided::RequestState},
    browser_context::BrowserContext,
    failures::{FailureCause, NewFailure},
    grants::consent_key,
    records::{Batch, Versioned, keys},
    state::{
        Account, PendingAuthorization, ReauthRequirement,
        failure::{self, FailedStep},
    },
    unavailable::Unavailable,
};

impl ReauthRequirement {
    fn is_followed_by(
        &self,
        browser: &BrowserContext,
        authenticated_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let is_new = browser.session.as_ref().map(Secret::digest) != self.session
            && authenticated_at >= self.at;
        is_new && identity::session::is_fresh(authenticated_at, now)
    }
}

/// The description of a request on the login page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// The name the client gave itself, or its id.
    pub client_name: String,
    /// The host of its identity, if any.
    pub client_host: Option<String>,
    /// The requested resource.
    pub resource_name: String,
    /// Who is signed in; their sign-in may yet be too old for this request.
    pub user: Option<SignedInUser>,
    /// Whether a sign-in is required.
    pub needs_sign_in: bool,
}

/// Why a pending request is not shown.
#[derive(Debug)]
pub enum RequestError {
    /// Unknown, expired, decided already, or of another browser: the page is the same.
    Gone,
    /// The store did not answer.
    Unavailable(Unavailable),
}

impl From<Unavailable> for RequestError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// A pending request whose client and redirect URI have just been validated again.
pub(crate) struct Validated {
    pub(crate) request: AuthorizationRequest,
    pub(crate) client: Versioned<Client>,
    pub(crate) destination: ValidatedRedirectUri,
    /// What consents are judged by, read before anything of this request is allowed.
    pub(crate) consent_context: ConsentContext,
    /// The newest withdrawal of the user, read before too.
    pub(crate) withdrawal: Epoch,
}

/// What a request and the session of its browser lead to, as it was read at once.
pub(crate) struct Named {
    /// The session and its account, if both are alive.
    user: Option<(Session, Account)>,
    client: Option<Versioned<Client>>,
    consent_context: ConsentContext,
    consent: Result<Option<Versioned<Consent>>, Unavailable>,
    withdrawal: Epoch,
}

impl Named {
    /// Who is signed in.
    pub(crate) fn user(&self) -> Option<SignedInUser> {
        let user = self.user.as_ref();
        user.map(|(session, account)| SignedInUser::of(session, account))
    }

    /// The consent of the user for the client, the origin and the resource of the request; it may
    /// have ended.
    pub(crate) fn consent(&mut self) -> Result<Option<Versioned<Consent>>, Unavailable> {
        std::mem::replace(&mut self.consent, Ok(None))
    }
}

impl Authorization {
    /// The description of a pending request on the login page.
    pub async fn request(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<RequestView, RequestError> {
        let (pending, session) = self.pending_for_page(id, browser).await?;
        let mut named = self.named(&pending.request, session, browser).await?;
        let user = named.user();
        let authenticated = self.authenticated_user(&pending, &named, browser);
        let needs_sign_in = authenticated.is_none();
        let validated = self.validated(pending.request, &mut named)?;
        let resource = self.resource_of(&validated.request)?;
        Ok(RequestView {
            user,
            needs_sign_in,
            client_name: validated.client_name(),
            client_host: validated.client_host(),
            resource_name: resource.name.clone(),
        })
    }

    /// Reads a request and the session for a page; a missing one is recorded as a failure, since a client waits for
    /// an answer.
    pub(crate) async fn pending_for_page(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<(PendingAuthorization, Option<Session>), RequestError> {
        let pending = self.pending(id, browser).await;
        if let Err(RequestError::Gone) = &pending {
            self.failures
                .note_failure(NewFailure {
                    step: FailedStep::Page,
                    client_id: "",
                    client: None,
                    cause: FailureCause::RequestGone,
                    asked: failure::RequestedParameters::default(),
                    address: browser.address,
                })
                .await;
        }
        pending
    }

    /// Reads a pending request of this browser.
    pub(crate) async fn pending(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<(PendingAuthorization, Option<Session>), RequestError> {
        match self.read_request(id, browser).await? {
            (RequestState::Pending(read), session) => Ok((read.pending, session)),
            (RequestState::Decided(_), _) => Err(RequestError::Gone),
        }
    }

    /// Reads what a request and a session name, in one round trip.
    pub(crate) async fn named(
        &self,
        request: &AuthorizationRequest,
        session: Option<Session>,
        browser: &BrowserContext,
    ) -> Result<Named, Unavailable> {
        let mut batch = Batch::default();
        let client = batch.read(keys::client(&request.client_id));
        let epoch = batch.read(keys::epoch(&request.client_id));
        let of_user = session.map(|session| {
            let account = batch.read(keys::account(session.account));
            let consent = batch.read(consent_key(session.account, request));
            let withdrawals = batch.read(keys::withdrawals(session.account));
            (session, account, consent, withdrawals)
        });
        let mut results = batch.run(self.context.store()).await?;
        let epoch = results.record(&epoch)?.unwrap_or_default();
        let mut named = Named {
            user: None,
            client: results.versioned(&client)?,
            consent_context: self.registry.consent_context_of(epoch),
            consent: Ok(None),
            withdrawal: Epoch::default(),
        };
        if let Some((session, account, consent, withdrawals)) = of_user {
            let account = results.record(&account)?;
            let withdrawals = results.record(&withdrawals)?.unwrap_or_default();
            named.withdrawal = withdrawals.latest;
            named.consent = results.versioned(&consent);
            let account = self.sessions.opened_account(browser, &session, account);
            named.user = account.await.map(|account| (session, account));
        }
        Ok(named)
    }

    /// The signed-in user, unless the client required a new sign-in. A cancelled sign-in leaves the
    /// old session unchanged, which does not count (T-D33).
    pub(crate) fn authenticated_user<'a>(
        &self,
        pending: &PendingAuthorization,
        named: &'a Named,
        browser: &BrowserContext,
    ) -> Option<&'a Account> {
        let now = self.context.now();
        let (session, account) = named.user.as_ref()?;
        let suffices = pending
            .sign_in_after
            .as_ref()
            .is_none_or(|before| before.is_followed_by(browser, session.authenticated_at, now));
        suffices.then_some(account)
    }

    /// Validates client and redirect URI again, since the stored text is not enough. Scopes that
    /// are no longer configured are dropped.
    pub(crate) fn validated(
        &self,
        mut request: AuthorizationRequest,
        named: &mut Named,
    ) -> Result<Validated, RequestError> {
        let client = named.client.take();
        let client = client
            .filter(|client| self.registry.is_registered(&client.record))
            .ok_or(RequestError::Gone)?;
        let uris = &client.record.redirect_uris;
        let destination = ValidatedRedirectUri::validate(uris, &request.redirect_uri)
            .map_err(|_| RequestError::Gone)?;
        request.scopes = request
            .scopes
            .at(self.resource_of(&request)?)
            .map_err(|_| RequestError::Gone)?;
        Ok(Validated {
            request,
            client,
            destination,
            consent_context: named.consent_context,
            withdrawal: named.withdrawal,
        })
    }

    pub(crate) fn resource_of(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<&Resource, RequestError> {
        self.context
            .settings()
            .resource(&request.resource)
            .ok_or(RequestError::Gone)
    }
}

impl Validated {
    pub(crate) fn client_name(&self) -> String {
        let client = &self.client.record;
        client.name.clone().unwrap_or_else(|| client.id.to_string())
    }

    /// The host of its identity: of its document, or of a web redirect URI; none for native
    /// applications.
    pub(crate) fn client_host(&self) -> Option<String> {
        if let oauth_clients::client::ClientSource::Document { .. } = self.client.record.source {
            return Some(document_host(&self.client.record.id));
        }
        if self.destination.targets_native_app() {
            return None;
        }
        web_address::https_host(self.destination.as_str())
    }

    pub(crate) fn identity(&self) -> Identity {
        match self.client.record.source {
            oauth_clients::client::ClientSource::Registered(_) => Identity::SelfNamed {
                host: self.client_host(),
            },
            oauth_clients::client::ClientSource::Added => Identity::Added,
            oauth_clients::client::ClientSource::Document { .. } => Identity::Proven {
                host: document_host(&self.client.record.id),
            },
        }
    }
}

/// The host that vouches for a client with a document.
pub(crate) fn document_host(id: &str) -> String {
    DocumentUrl::parse(id).map_or_else(|_| id.to_owned(), |url| url.authority().to_owned())
}
