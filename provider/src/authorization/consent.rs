//! The consent page and the user's decision.

use oauth::{
    Digest, Id, Secret,
    consent::Consent,
    error::RedirectError,
    redirect::Location,
    resource::Resource,
    scope::{EMAIL, NAME, OFFLINE_ACCESS, Scopes},
};

use crate::{
    accounts::Sessions,
    authorization::{
        Authorization,
        decided::{Posted, ReadRequest, RequestState},
        pending::{RequestError, Validated},
    },
    browser_context::BrowserContext,
    grants::{Allowed, ClientEvent, client_name, consent_name},
    records::Versioned,
    state::{
        Account, Decided, Decision, account_name,
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
        let (pending, session) = self.pending_for_page(id, browser).await?;
        let mut named = self.named(&pending.request, session, browser).await?;
        let user = self.authenticated_user(&pending, &named, browser);
        let email = user.ok_or(ConsentError::SignInFirst)?.email().to_owned();
        let validated = self.validated(pending.request, &mut named)?;
        let resource = self.resource_of(&validated.request)?;
        let earlier = named.consent()?.map(|earlier| earlier.record);
        let earlier = earlier.filter(|earlier| earlier.is_valid(validated.consent_context));
        Ok(ConsentView {
            client_name: validated.client_name(),
            identity: validated.identity(),
            redirect_host: validated.destination.host().to_owned(),
            redirect_is_loopback: validated.destination.targets_native_app(),
            resource_name: resource.name.clone(),
            resource_identifier: resource.identifier.as_str().to_owned(),
            resource_host: resource.identifier.host().to_owned(),
            permissions: permissions(&validated.request.scopes, earlier.as_ref(), resource),
            email,
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
        let (state, session) = self.read_request(id, browser).await?;
        let ReadRequest {
            key,
            stored,
            pending,
        } = match state {
            RequestState::Pending(read) => read,
            RequestState::Decided(decided) => {
                return self.decided_before(&posted, decided, session).await;
            }
        };
        let named = self.named(&pending.request, session.clone(), browser);
        let mut named = named.await?;
        let user = self.authenticated_user(&pending, &named, browser);
        let user = user.ok_or(ConsentError::SignInFirst)?.clone();
        let decided = Decided::new(&pending, &posted, user.id(), self.context.now());
        let validated = self.validated(pending.request, &mut named)?;
        let earlier = named.consent()?;
        // 2. Decide once, even if the form is sent twice: the second post gets the first decision.
        let settled = self.settle(&key, stored, &decided, &validated.client);
        let stored = match settled.await? {
            Ok(stored) => stored,
            Err(other) => return self.decided_before(&posted, other, session).await,
        };
        let issuer = &self.context.settings().issuer;
        let state = validated.request.state.clone();
        if decision == Decision::Deny {
            self.note_decision(AuditAction::Denied, &validated, &user, browser)
                .await;
            return Ok(validated.destination.with_error(
                &RedirectError::Denied,
                state.as_deref(),
                issuer,
            ));
        }
        // 3. Consent, grant and code.
        let offer = decided.code_secret(&posted).ok_or(ConsentError::Gone)?;
        let allowed = validated.allowed_by(user.id(), offer);
        let code = self.issue_code(allowed, earlier, browser).await?;
        self.note_decision(AuditAction::Allowed, &validated, &user, browser)
            .await;
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
        allowed: Allowed<'_>,
        earlier: Option<Versioned<Consent>>,
        browser: &BrowserContext,
    ) -> Result<String, ConsentError> {
        let account = allowed.account;
        let name = consent_name(&allowed.details);
        // A concurrent end of all sessions, by a new password or by disabling the account, may have
        // looked for consents before this one was stored.
        let (code, session, mut results) = self
            .grants
            .allow(&allowed, earlier, |batch| {
                Sessions::read_signed_in(batch, browser, account)
            })
            .await?;
        let code = code.ok_or(ConsentError::Gone)?;
        if !self.sessions.is_signed_in(session, &mut results)? {
            self.grants.withdraw(account, &name).await?;
            return Err(ConsentError::SignInFirst);
        }
        Ok(code)
    }

    /// Records the decision, with the names that were read before it.
    async fn note_decision(
        &self,
        action: AuditAction,
        validated: &Validated,
        user: &Account,
        browser: &BrowserContext,
    ) {
        let client = &validated.client.record;
        self.grants
            .note_named(ClientEvent {
                action,
                by: Actor::User,
                subject: Some(account_name(user)),
                from: RequestSource::of(browser),
                client: client_name(&client.id, client.name.clone()),
                about: Some(validated.request.resource.as_str().to_owned()),
            })
            .await;
    }
}

impl Validated {
    /// What a user allows by this request. `offer` is the id of the grant and the secret of its
    /// code.
    fn allowed_by(&self, account: Id, offer: (Id, Secret)) -> Allowed<'_> {
        let context = self.consent_context;
        let profile = self.client.record.profile();
        Allowed {
            account,
            request: &self.request,
            details: self
                .request
                .grant_details(profile, context.now, context.epoch),
            context,
            offer,
        }
    }
}

/// The sentences of scopes, each with whether it is new; nothing is marked at the first consent to
/// a client (R-K8).
fn permissions(scopes: &Scopes, earlier: Option<&Consent>, resource: &Resource) -> Vec<Permission> {
    let is_new = |word: &str| earlier.is_some_and(|earlier| !earlier.scopes.contains(word));
    let together = is_new(EMAIL) == is_new(NAME);
    let permission = |(word, sentence)| Permission {
        sentence,
        new: is_new(word),
    };
    told(scopes, resource, together).map(permission).collect()
}

/// What scopes of a resource allow, a sentence each.
pub(crate) fn sentences(scopes: &Scopes, resource: &Resource) -> Vec<String> {
    let told = told(scopes, resource, true);
    told.map(|(_, sentence)| sentence).collect()
}

/// Scopes with their sentences. `together` when one sentence may name all that is disclosed of the
/// user.
fn told<'a>(
    scopes: &'a Scopes,
    resource: &'a Resource,
    together: bool,
) -> impl Iterator<Item = (&'a str, String)> {
    let both = together && scopes.contains(EMAIL) && scopes.contains(NAME);
    let words = scopes.iter().filter(move |word| !(both && *word == NAME));
    words.map(move |word| match word {
        EMAIL if both => (word, "Know your name and e-mail address".to_owned()),
        word => (word, sentence(word, resource)),
    })
}

fn sentence(word: &str, resource: &Resource) -> String {
    match resource.scopes.iter().find(|scope| scope.name == word) {
        Some(scope) => scope.sentence.clone(),
        None if word == OFFLINE_ACCESS => "Stay connected until you end it".to_owned(),
        None if word == EMAIL => "Know your e-mail address".to_owned(),
        None if word == NAME => "Know your name".to_owned(),
        None => word.to_owned(),
    }
}
