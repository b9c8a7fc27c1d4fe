//! The consent page and the user's decision.

use oauth::{
    Digest, Id, Secret,
    client::ClientId,
    consent::Consent,
    error::RedirectError,
    grant::GrantDetails,
    redirect::Location,
    resource::Resource,
    scope::{EMAIL, NAME, OFFLINE_ACCESS, Scopes},
};

use crate::{
    accounts::{Sessions, SignedInRead},
    authorization::{
        Authorization,
        decided::{Posted, ReadRequest, RequestState},
        pending::{RequestError, Validated},
    },
    browser_context::BrowserContext,
    clients::{ClientRegistry, UseNote},
    grants::{AllowWrite, Allowed, ClientEvent, client_name, consent_name},
    records::{Batch, BatchResults, Versioned},
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

/// How often a consent is given again when other decisions change it first.
const MOST_TRIES: usize = 64;

/// What a decision allows, as its batch writes it.
struct Issue<'a> {
    client: &'a ClientId,
    allowed: Allowed<'a>,
    /// The consent that was read before.
    earlier: Option<Versioned<Consent>>,
    used: UseNote,
    written: IssueWrite,
}

/// A consent and a grant that a batch writes, and whether the user is signed in after that.
struct IssueWrite {
    allow: AllowWrite,
    session: SignedInRead,
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
        //    What is allowed is written after the decision, in the same round trip.
        let mut batch = Batch::default();
        let decision_write = Self::write_decision(&mut batch, &key, stored, &decided);
        let issue = (decision == Decision::Allow).then_some(earlier);
        let issue = issue
            .map(|earlier| self.begin_issue(&mut batch, &decided, &posted, &validated, earlier))
            .transpose()?;
        let mut results = batch.run(self.context.store()).await?;
        let stored = match Self::decision(decision_write, &mut results)? {
            Ok(stored) => stored,
            Err(other) => return self.decided_before(&posted, other, session).await,
        };
        let issuer = &self.context.settings().issuer;
        let state = validated.request.state.clone();
        let Some(issue) = issue else {
            let nothing = Batch::default();
            self.note_decision(AuditAction::Denied, &validated, &user, browser, nothing)
                .await;
            return Ok(validated.destination.with_error(
                &RedirectError::Denied,
                state.as_deref(),
                issuer,
            ));
        };
        // 3. Consent, grant and code.
        let code = self.end_issue(issue, results, browser).await?;
        let mut answered = Batch::default();
        Self::write_answered(&mut answered, &key, stored, decided);
        self.note_decision(AuditAction::Allowed, &validated, &user, browser, answered)
            .await;
        Ok(validated
            .destination
            .with_code(&code, state.as_deref(), issuer))
    }

    /// Notes in a batch that the client is used, remembers the consent, and issues a grant with its
    /// code. Earlier grants of the client stay valid: other installations may share its id, and a
    /// step-up of one must not sign the others out.
    fn begin_issue<'a>(
        &self,
        batch: &mut Batch,
        decided: &Decided,
        posted: &Posted<'_>,
        validated: &'a Validated,
        earlier: Option<Versioned<Consent>>,
    ) -> Result<Issue<'a>, ConsentError> {
        let offer = decided.code_secret(posted).ok_or(ConsentError::Gone)?;
        let allowed = validated.allowed_by(decided.account, offer);
        let used = self.registry.note_use(batch, validated.client.clone());
        let written = self.write_issue(batch, &allowed, earlier.clone(), posted.browser);
        Ok(Issue {
            client: &validated.client.record.id,
            allowed,
            earlier,
            used,
            written,
        })
    }

    fn write_issue(
        &self,
        batch: &mut Batch,
        allowed: &Allowed<'_>,
        earlier: Option<Versioned<Consent>>,
        browser: &BrowserContext,
    ) -> IssueWrite {
        let allow = self.grants.write_allowed(batch, allowed, earlier);
        // A concurrent end of all sessions, by a new password or by disabling the account, may have
        // looked for consents before this one was stored.
        let session = Sessions::read_signed_in(batch, browser, allowed.account);
        IssueWrite { allow, session }
    }

    async fn issue_again(
        &self,
        allowed: &Allowed<'_>,
        earlier: Option<Versioned<Consent>>,
        browser: &BrowserContext,
    ) -> Result<(IssueWrite, BatchResults), Unavailable> {
        let mut batch = Batch::default();
        let written = self.write_issue(&mut batch, allowed, earlier, browser);
        Ok((written, batch.run(self.context.store()).await?))
    }

    /// The code of a grant that a batch has written. What another writer prevented is written again.
    async fn end_issue(
        &self,
        issue: Issue<'_>,
        mut results: BatchResults,
        browser: &BrowserContext,
    ) -> Result<String, ConsentError> {
        let Issue {
            client,
            allowed,
            earlier,
            used,
            mut written,
        } = issue;
        if !ClientRegistry::is_noted(used, &mut results)? {
            if !self.registry.mark_used(client).await? {
                return Err(ConsentError::Gone);
            }
            (written, results) = self.issue_again(&allowed, earlier, browser).await?;
        }
        for _ in 0..MOST_TRIES {
            let IssueWrite { allow, session } = written;
            let account = allowed.account;
            match self.grants.allowed(account, allow, &mut results).await? {
                Ok(None) => return Err(ConsentError::Gone),
                Ok(Some(_)) if !self.sessions.is_signed_in(session, &mut results)? => {
                    let name = consent_name(&allowed.details);
                    self.grants.withdraw(account, &name).await?;
                    return Err(ConsentError::SignInFirst);
                }
                Ok(Some(code)) => return Ok(code),
                // Another decision was faster: its consent is the one to add to.
                Err(there) => {
                    (written, results) = self.issue_again(&allowed, there, browser).await?;
                }
            }
        }
        Err(Unavailable::contended().into())
    }

    /// Records the decision, with the names that were read before it. `also` is done in the same
    /// round trip.
    async fn note_decision(
        &self,
        action: AuditAction,
        validated: &Validated,
        user: &Account,
        browser: &BrowserContext,
        also: Batch,
    ) {
        let client = &validated.client.record;
        let event = ClientEvent {
            action,
            by: Actor::User,
            subject: Some(account_name(user)),
            from: RequestSource::of(browser),
            client: client_name(&client.id, client.name.clone()),
            about: Some(validated.request.resource.as_str().to_owned()),
        };
        self.grants.note_named_with(event, also).await;
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
            details: GrantDetails {
                withdrawal: self.withdrawal,
                ..self
                    .request
                    .grant_details(profile, context.now, context.epoch)
            },
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
        EMAIL if both => (word, "See your name and email address".to_owned()),
        word => (word, sentence(word, resource)),
    })
}

fn sentence(word: &str, resource: &Resource) -> String {
    match resource.scopes.iter().find(|scope| scope.name == word) {
        Some(scope) => scope.sentence.clone(),
        None if word == OFFLINE_ACCESS => "Stay connected until you disconnect it".to_owned(),
        None if word == EMAIL => "See your email address".to_owned(),
        None if word == NAME => "See your name".to_owned(),
        None => word.to_owned(),
    }
}
