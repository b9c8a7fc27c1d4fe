//! Pending authorization requests, and their validation when they are read.

use oauth::{
    Secret, Timestamp, authorize::AuthorizationRequest, consent::ConsentContext,
    redirect::ValidatedRedirectUri, resource::Resource,
};
use oauth_clients::{client::Client, document::DocumentUrl};
use primitives::web_address;

use crate::{
    accounts::SignedInUser,
    authorization::{Authorization, consent::Identity, decided::RequestState},
    browser_context::BrowserContext,
    failures::{FailureCause, NewFailure},
    state::{
        PendingAuthorization, ReauthRequirement,
        failure::{self, FailedStep},
    },
    unavailable::Unavailable,
};

impl ReauthRequirement {
    fn is_followed_by(
        &self,
        browser: &BrowserContext,
        user: &SignedInUser,
        now: Timestamp,
    ) -> bool {
        let is_new = browser.session.as_ref().map(Secret::digest) != self.session
            && user.authenticated_at >= self.at;
        is_new && identity::session::is_fresh(user.authenticated_at, now)
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
    pub(crate) client: Client,
    pub(crate) destination: ValidatedRedirectUri,
    /// What consents are judged by, read before anything of this request is allowed.
    pub(crate) consent_context: ConsentContext,
}

impl Authorization {
    /// The description of a pending request on the login page.
    pub async fn request(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<RequestView, RequestError> {
        let pending = self.pending_for_page(id, browser).await?;
        let user = self.sessions.signed_in(browser).await?;
        let authenticated = self.authenticated_user(&pending, browser).await?;
        let validated = self.revalidate(pending).await?;
        let resource = self.resource_of(&validated.request)?;
        Ok(RequestView {
            user,
            needs_sign_in: authenticated.is_none(),
            client_name: validated.client_name(),
            client_host: validated.client_host(),
            resource_name: resource.name.clone(),
        })
    }

    /// Reads a request for a page; a missing one is recorded as a failure, since a client waits for
    /// an answer.
    pub(crate) async fn pending_for_page(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<PendingAuthorization, RequestError> {
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
    ) -> Result<PendingAuthorization, RequestError> {
        match self.read_request(id, browser).await? {
            RequestState::Pending(read) => Ok(read.pending),
            RequestState::Decided(_) => Err(RequestError::Gone),
        }
    }

    /// The signed-in user, unless the client required a new sign-in. A cancelled sign-in leaves the
    /// old session unchanged, which does not count (T-D33).
    pub(crate) async fn authenticated_user(
        &self,
        pending: &PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<Option<SignedInUser>, Unavailable> {
        let user = self.sessions.signed_in(browser).await?;
        let now = self.context.now();
        let suffices = |user: &SignedInUser| {
            pending
                .sign_in_after
                .as_ref()
                .is_none_or(|before| before.is_followed_by(browser, user, now))
        };
        Ok(user.filter(suffices))
    }

    /// Validates client and redirect URI again, since the stored text is not enough. Scopes that
    /// are no longer configured are dropped.
    pub(crate) async fn revalidate(
        &self,
        pending: PendingAuthorization,
    ) -> Result<Validated, RequestError> {
        self.revalidate_request(pending.request).await
    }

    pub(crate) async fn revalidate_request(
        &self,
        mut request: AuthorizationRequest,
    ) -> Result<Validated, RequestError> {
        let (client, consent_context) = tokio::join!(
            self.registry.client(&request.client_id),
            self.registry.consent_context(&request.client_id)
        );
        let client = client?.ok_or(RequestError::Gone)?;
        let consent_context = consent_context?;
        let destination =
            ValidatedRedirectUri::validate(&client.redirect_uris, &request.redirect_uri)
                .map_err(|_| RequestError::Gone)?;
        request.scopes = request
            .scopes
            .at(self.resource_of(&request)?)
            .map_err(|_| RequestError::Gone)?;
        Ok(Validated {
            request,
            client,
            destination,
            consent_context,
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
        self.client
            .name
            .clone()
            .unwrap_or_else(|| self.client.id.to_string())
    }

    /// The host of its identity: of its document, or of a web redirect URI; none for native
    /// applications.
    pub(crate) fn client_host(&self) -> Option<String> {
        if let oauth_clients::client::ClientSource::Document { .. } = self.client.source {
            return Some(document_host(&self.client.id));
        }
        if self.destination.targets_native_app() {
            return None;
        }
        web_address::https_host(self.destination.as_str())
    }

    pub(crate) fn identity(&self) -> Identity {
        match self.client.source {
            oauth_clients::client::ClientSource::Registered(_) => Identity::SelfNamed {
                host: self.client_host(),
            },
            oauth_clients::client::ClientSource::Added => Identity::Added,
            oauth_clients::client::ClientSource::Document { .. } => Identity::Proven {
                host: document_host(&self.client.id),
            },
        }
    }
}

/// The host that vouches for a client with a document.
pub(crate) fn document_host(id: &str) -> String {
    DocumentUrl::parse(id).map_or_else(|_| id.to_owned(), |url| url.authority().to_owned())
}
