//! Pending authorization requests, and their validation when they are read.

use crate::authorization::Authorization;
use crate::state::PendingAuthorization;
use crate::state::ReauthRequirement;
use crate::state::failure;
use oauth::{
    Secret, Timestamp, authorize::AuthorizationRequest, consent::ConsentContext,
    redirect::ValidatedRedirectUri, resource::Resource,
};
use oauth_clients::{client::Client, document::DocumentUrl};
use primitives::web_address;
use thiserror::Error;

use crate::{
    accounts::SignedInUser,
    authorization::{consent::Identity, decided::Asked},
    browser_context::BrowserContext,
    failures::{Cause, Failed},
    state::failure::FailedStep,
    unavailable::Unavailable,
};

impl ReauthRequirement {
    fn is_followed_by(
        &self,
        browser: &BrowserContext,
        person: &SignedInUser,
        now: Timestamp,
    ) -> bool {
        let is_new = browser.session.as_ref().map(Secret::digest) != self.session
            && person.authenticated_at >= self.at;
        is_new && identity::session::is_fresh(person.authenticated_at, now)
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
    pub person: Option<SignedInUser>,
    /// Whether a sign-in is required.
    pub needs_sign_in: bool,
}

/// Why a waiting request is not shown.
#[derive(Debug, Error)]
pub enum RequestError {
    /// Unknown, expired, decided already, or of another browser: the page is the same.
    #[error("the request is gone")]
    Gone,
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A pending request whose client and redirect URI have just been validated again.
pub(crate) struct Validated {
    pub(crate) request: AuthorizationRequest,
    pub(crate) client: Client,
    pub(crate) destination: ValidatedRedirectUri,
    /// What consents are judged by, read before anything of this request is allowed.
    pub(crate) measure: ConsentContext,
}

impl Authorization {
    /// The description of a pending request on the login page.
    pub async fn request(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<RequestView, RequestError> {
        let waiting = self.waiting_shown(id, browser).await?;
        let (person, present) = (
            self.sessions.signed_in(browser).await?,
            self.authenticated_user(&waiting, browser).await?,
        );
        let proved = self.revalidate(waiting).await?;
        let resource = self.resource_of(&proved.request)?;
        Ok(RequestView {
            person,
            needs_sign_in: present.is_none(),
            client_name: proved.client_name(),
            client_host: proved.client_host(),
            resource_name: resource.name.clone(),
        })
    }

    /// Reads a request for a page; a missing one is recorded as a failure, since an application
    /// waits in vain.
    pub(crate) async fn waiting_shown(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<PendingAuthorization, RequestError> {
        let waiting = self.waiting(id, browser).await;
        if let Err(RequestError::Gone) = &waiting {
            let (step, cause, address) = (FailedStep::Page, Cause::RequestGone, browser.address);
            self.failures
                .note_failure(Failed {
                    step,
                    client_id: "",
                    client: None,
                    cause,
                    asked: failure::Asked::default(),
                    address,
                })
                .await;
        }
        waiting
    }

    /// Reads a waiting request of this browser.
    pub(crate) async fn waiting(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<PendingAuthorization, RequestError> {
        match self.asked(id, browser).await? {
            Asked::Waiting(read) => Ok(read.waiting),
            Asked::Decided(_) => Err(RequestError::Gone),
        }
    }

    /// The signed-in user, unless the client required a new sign-in. A cancelled sign-in leaves the
    /// old session unchanged, which does not count (T-D33).
    pub(crate) async fn authenticated_user(
        &self,
        waiting: &PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<Option<SignedInUser>, Unavailable> {
        let person = self.sessions.signed_in(browser).await?;
        let now = self.context.now();
        let suffices = |person: &SignedInUser| {
            waiting
                .sign_in_after
                .as_ref()
                .is_none_or(|before| before.is_followed_by(browser, person, now))
        };
        Ok(person.filter(suffices))
    }

    /// Validates client and redirect URI again, since the stored text is not enough. Scopes that
    /// are no longer configured are dropped.
    pub(crate) async fn revalidate(
        &self,
        waiting: PendingAuthorization,
    ) -> Result<Validated, RequestError> {
        self.revalidate_request(waiting.request).await
    }

    pub(crate) async fn revalidate_request(
        &self,
        mut request: AuthorizationRequest,
    ) -> Result<Validated, RequestError> {
        let (client, measure) = tokio::join!(
            self.registry.client(&request.client_id),
            self.registry.measure(&request.client_id)
        );
        let (client, measure) = (client?.ok_or(RequestError::Gone)?, measure?);
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
            measure,
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
