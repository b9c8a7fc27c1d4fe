//! The consent page and the user's decision.

use oauth::{
    Digest, Id,
    consent::Consent,
    error::RedirectError,
    redirect::Location,
    resource::Resource,
    scope::{EMAIL, OFFLINE_ACCESS, Scopes},
};

use crate::{
    authorization::{
        Authorization,
        decided::{Posted, ReadRequest, RequestState},
        pending::{RequestError, Validated},
    },
    browser_context::BrowserContext,
    grants::consent_name,
    state::{
        Decided, Decision,
        audit::{Actor, AuditAction, RequestSource},
    },
    unavailable::Unavailable,
};

/// The source of a client's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It named itself; the name is unverified. The host is that of its redirect URI, if it is a
    /// web client.
    SelfNamed {
        /// The host that answers go to.
        host: Option<String>,
    },
    /// An administrator added it.
    Added,
    /// The owner of a URL, who vouches for the name (R-C11).
    Proven {
        /// The host of the address.
        host: String,
    },
}

/// The content of the consent page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentView {
    /// The name the client gave itself, or its id.
    pub client_name: String,
    /// The source of its identity.
    pub identity: Identity,
    /// The redirect target (R-C10): host with port, or the scheme of a native client.
    pub redirect_host: String,
    /// Whether it is a loopback or native application (R-C9).
    pub redirect_is_loopback: bool,
    /// What the client wants to use.
    pub resource_name: String,
    /// Its identifier.
    pub resource_identifier: String,
    /// Its host.
    pub resource_host: String,
    /// The requested scopes.
    pub permissions: Vec<Permission>,
    /// The signed-in user.
    pub email: String,
    /// The origin or the scheme of the redirect.
    pub answer_source: String,
}

/// One thing that a client may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its sentence.
    pub sentence: String,
    /// Whether the user has not allowed it to this client before.
    pub new: bool,
}

/// Why there is nothing to decide.
#[derive(Debug)]
pub enum ConsentError {
    /// There is no session, or none since the client required a new sign-in.
    SignInFirst,
    /// See [`RequestError::Gone`].
    Gone,
    /// The store did not answer.
    Unavailable(Unavailable),
}

impl From<Unavailable> for ConsentError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
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
    /// The content of the consent page.
    pub async fn consent(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<ConsentView, ConsentError> {
        let pending = self.pending_for_page(id, browser).await?;
        let user = self
            .authenticated_user(&pending, browser)
            .await?
            .ok_or(ConsentError::SignInFirst)?;
        let validated = self.revalidate(pending).await?;
        let resource = self.resource_of(&validated.request)?;
        let earlier = self
            .grants
            .remembered(user.account, &validated.request, validated.consent_context)
            .await?;
        Ok(ConsentView {
            client_name: validated.client_name(),
            identity: validated.identity(),
            redirect_host: validated.destination.host().to_owned(),
            redirect_is_loopback: validated.destination.targets_native_app(),
            resource_name: resource.name.clone(),
            resource_identifier: resource.identifier.as_str().to_owned(),
            resource_host: resource.identifier.host().to_owned(),
            permissions: permissions(&validated.request.scopes, earlier.as_ref(), resource),
            email: user.email,
            answer_source: validated.destination.policy_source(),
        })
    }

    /// Carries out the user's decision, which uses up the request. The same form, by its token,
    /// gets the same response for a minute.
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
        // 1. A pending request and a session of this browser, a valid client and redirect URI.
        let read = match self.read_request(id, browser).await? {
            RequestState::Pending(read) => read,
            RequestState::Decided(decided) => return self.decided_before(&posted, decided).await,
        };
        let ReadRequest {
            key,
            stored,
            pending,
        } = read;
        let user = self
            .authenticated_user(&pending, browser)
            .await?
            .ok_or(ConsentError::SignInFirst)?;
        let decided = Decided::new(&pending, &posted, user.account, self.context.now());
        let validated = self.revalidate(pending).await?;
        self.resource_of(&validated.request)?;
        // 2. Decide once, even if the form is sent twice: the second post gets the first decision.
        let stored = match self.settle(&key, stored, &decided).await? {
            Ok(stored) => stored,
            Err(other) => return self.decided_before(&posted, other).await,
        };
        let issuer = &self.context.settings().issuer;
        let state = validated.request.state.clone();
        let resource = validated.request.resource.as_str().to_owned();
        let note = async |action: AuditAction| {
            let from = RequestSource::of(browser);
            let client = &validated.request.client_id;
            self.grants
                .note_of_client(
                    action,
                    Actor::User,
                    user.account,
                    from,
                    client,
                    Some(resource.clone()),
                )
                .await;
        };
        if decision == Decision::Deny {
            note(AuditAction::Denied).await;
            return Ok(validated.destination.with_error(
                &RedirectError::Denied,
                state.as_deref(),
                issuer,
            ));
        }
        let code = self
            .issue_code(&validated, user.account, &decided, &posted)
            .await?;
        note(AuditAction::Allowed).await;
        self.answered(&key, stored, decided).await;
        Ok(validated
            .destination
            .with_code(&code, state.as_deref(), issuer))
    }

    /// Remembers the consent, and issues a grant with its code. Earlier grants of the client stay
    /// valid: other installations may share its id, and a step-up of one must not sign the others
    /// out.
    async fn issue_code(
        &self,
        validated: &Validated,
        account: Id,
        decided: &Decided,
        posted: &Posted<'_>,
    ) -> Result<String, ConsentError> {
        let client = &validated.client;
        if !self.registry.mark_used(&client.id).await? {
            return Err(ConsentError::Gone);
        }
        let consent = self
            .grants
            .remember(account, &validated.request, validated.consent_context)
            .await?;
        let details = validated.request.grant_details(
            client.profile(),
            self.context.now(),
            validated.consent_context.epoch,
        );
        let name = consent_name(&details);
        let offer = decided.code_secret(posted).ok_or(ConsentError::Gone)?;
        let code = self
            .grants
            .issue_code(&consent, account, details, offer, None)
            .await?
            .ok_or(ConsentError::Gone)?;
        // A concurrent end of all sessions, by a new password or by disabling the account, may have
        // looked for consents before this one was stored.
        if self.sessions.signed_in(posted.browser).await?.is_none() {
            self.grants.withdraw(account, &name).await?;
            return Err(ConsentError::SignInFirst);
        }
        Ok(code)
    }
}

/// The sentences of scopes, each with whether it is new; nothing is marked at the first consent to
/// a client (R-K8).
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
        None if word == EMAIL => "Know your e-mail address".to_owned(),
        None => word.to_owned(),
    }
}
