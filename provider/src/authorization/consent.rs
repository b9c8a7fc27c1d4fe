//! The consent page and the person's decision.

use crate::authorization::Authorization;
use crate::state::Decision;
use oauth::error::RedirectError;
use oauth::{
    Digest,
    consent::Consent,
    redirect::Location,
    resource::Resource,
    scope::{OFFLINE_ACCESS, Scopes},
};
use thiserror::Error;

use crate::{
    authorization::{
        decided::{Asked, Posted, ReadRequest},
        pending::RequestError,
    },
    browser_context::BrowserContext,
    grants::consent_name,
    state::{
        Decided,
        audit::{Actor, AuditAction, RequestSource},
    },
    unavailable::Unavailable,
};

/// Where a client's identity comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It named itself; nobody has checked the name. The host is the one its answers go to, when
    /// that is on the web.
    SelfNamed {
        /// The host that answers go to.
        host: Option<String>,
    },
    /// An administrator added it.
    Added,
    /// It is who holds an address on the web, and the name is that holder's word (R-C11).
    Proven {
        /// The host of the address.
        host: String,
    },
}

/// Everything the consent page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentView {
    /// The name the client gave itself, or its id.
    pub client_name: String,
    /// Where its identity comes from.
    pub identity: Identity,
    /// Where the answer goes (R-C10): host with port, or the scheme of an application.
    pub redirect_host: String,
    /// Whether it goes to an application on this computer (R-C9).
    pub redirect_is_loopback: bool,
    /// What the client wants to use.
    pub resource_name: String,
    /// Its identifier.
    pub resource_identifier: String,
    /// Its host.
    pub resource_host: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// As whom.
    pub email: String,
    /// The origin, or the scheme, that the answer goes to.
    pub answer_source: String,
}

/// One thing that a client may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What it is, as a sentence.
    pub sentence: String,
    /// Whether it comes on top of what the person has allowed this client already.
    pub new: bool,
}

/// Why there is nothing to decide.
#[derive(Debug, Error)]
pub enum ConsentError {
    /// Nobody is signed in, or not since the client asked for it.
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

impl Authorization {
    /// What the consent page says.
    pub async fn consent(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<ConsentView, ConsentError> {
        let waiting = self.waiting_shown(id, browser).await?;
        let person = self
            .authenticated_user(&waiting, browser)
            .await?
            .ok_or(ConsentError::SignInFirst)?;
        let proved = self.revalidate(waiting).await?;
        let resource = self.resource_of(&proved.request)?;
        let earlier = self
            .grants
            .remembered(person.account, &proved.request, proved.measure)
            .await?;
        Ok(ConsentView {
            client_name: proved.client_name(),
            identity: proved.identity(),
            redirect_host: proved.destination.host().to_owned(),
            redirect_is_loopback: proved.destination.targets_native_app(),
            resource_name: resource.name.clone(),
            resource_identifier: resource.identifier.as_str().to_owned(),
            resource_host: resource.identifier.host().to_owned(),
            permissions: permissions(&proved.request.scopes, earlier.as_ref(), resource),
            email: person.email,
            answer_source: proved.destination.policy_source(),
        })
    }

    /// Carries out what the person decided; the request is used up by it. The same form, by its
    /// token, gets the same answer for a minute.
    pub async fn decide(
        &self,
        id: &str,
        browser: &BrowserContext,
        decision: Decision,
        form_token: &str,
    ) -> Result<Location, ConsentError> {
        let posted = Posted {
            id,
            browser,
            decision,
            form: Digest::of(form_token.as_bytes()),
        };
        // 1. A request of this browser, a person in this browser, a client and a destination that
        //    still stand.
        let read = match self.asked(id, browser).await? {
            Asked::Waiting(read) => read,
            Asked::Decided(decided) => return self.decided_before(&posted, decided).await,
        };
        let ReadRequest {
            key,
            stored,
            waiting,
        } = read;
        let person = self
            .authenticated_user(&waiting, browser)
            .await?
            .ok_or(ConsentError::SignInFirst)?;
        let decided = Decided::new(&waiting, &posted, person.account, self.context.now());
        let proved = self.revalidate(waiting).await?;
        self.resource_of(&proved.request)?;
        // 2. Decide once, though the form be sent twice: whoever comes second is told what the
        //    first decided.
        let stored = match self.settle(&key, stored, &decided).await? {
            Ok(stored) => stored,
            Err(other) => return self.decided_before(&posted, other).await,
        };
        let issuer = &self.context.settings().issuer;
        let state = proved.request.state.clone();
        let resource = proved.request.resource.as_str().to_owned();
        let note = async |action: AuditAction| {
            let (from, client) = (RequestSource::of(browser), &proved.request.client_id);
            self.grants
                .note_of_client(
                    action,
                    Actor::Person,
                    person.account,
                    from,
                    client,
                    Some(resource.clone()),
                )
                .await;
        };
        if decision == Decision::Deny {
            note(AuditAction::Denied).await;
            return Ok(proved.destination.with_error(
                &RedirectError::Denied,
                state.as_deref(),
                issuer,
            ));
        }
        // 3. The client stays, the consent is remembered, and a grant waits under the code. Earlier
        //    grants of the client go on: other installations may share its id, and a step-up of one
        //    must not sign the others out.
        if !self.registry.mark_used(&proved.request.client_id).await? {
            return Err(ConsentError::Gone);
        }
        let consent = self
            .grants
            .remember(person.account, &proved.request, proved.measure)
            .await?;
        let terms = proved.request.grant_details(
            proved.client.profile(),
            self.context.now(),
            proved.measure.epoch,
        );
        let name = consent_name(&terms);
        let offer = decided.offer(&posted).ok_or(ConsentError::Gone)?;
        let code = self
            .grants
            .issue_code(&consent, person.account, terms, offer)
            .await?
            .ok_or(ConsentError::Gone)?;
        // 4. Whoever ended every session meanwhile, by a new password or by disabling the account,
        //    may have looked for what was allowed before this was there.
        if self.sessions.signed_in(browser).await?.is_none() {
            self.grants.withdraw(person.account, &name).await?;
            return Err(ConsentError::SignInFirst);
        }
        note(AuditAction::Allowed).await;
        self.answered(&key, stored, decided).await;
        Ok(proved
            .destination
            .with_code(&code, state.as_deref(), issuer))
    }
}

/// What scopes of a resource allow, each with whether it is new; nothing is new to a person who
/// allows a client for the first time (R-K8).
fn permissions(scopes: &Scopes, earlier: Option<&Consent>, resource: &Resource) -> Vec<Permission> {
    let is_new = |word: &str| earlier.is_some_and(|earlier| !earlier.scopes.contains(word));
    let permission = |word| Permission {
        sentence: sentence(word, resource),
        new: is_new(word),
    };
    scopes.iter().map(permission).collect()
}

/// What scopes of a resource allow, a sentence each.
pub(crate) fn sentences(scopes: &Scopes, resource: &Resource) -> Vec<String> {
    scopes.iter().map(|word| sentence(word, resource)).collect()
}

fn sentence(word: &str, resource: &Resource) -> String {
    match resource.scopes.iter().find(|scope| scope.name == word) {
        Some(scope) => scope.sentence.clone(),
        None if word == OFFLINE_ACCESS => "Stay connected until you end it".to_owned(),
        None => word.to_owned(),
    }
}
