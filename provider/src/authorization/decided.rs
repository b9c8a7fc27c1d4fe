//! Decisions, kept for a minute: the same form gets the same response.
//!
//! A decided request replaces the pending one under its key, which makes the decision single-use.
//! It has no code: the code is derived from the secrets of the browser, the session and the
//! request, of which the store has digests only (docs/decisions/identical-posts.md).

use std::time::Duration;

use identity::Session;
use oauth::{
    Digest, Id, Secret, Timestamp,
    error::RedirectError,
    grant::{AuthorizationCode, Grant, GrantKey, GrantState},
    redirect::Location,
};
use tokio::time::sleep;

use crate::{
    accounts::Sessions,
    authorization::{Authorization, consent::ConsentError, pending::RequestError},
    browser_context::BrowserContext,
    records::{self, Batch, BatchResults, Key, StoredBytes, SwapTicket, Swapped, Versioned, keys},
    state::{Decided, Decision, PendingAuthorization, StoredRequest},
};

/// How long the same decision gets the same answer.
const REMEMBERED: Duration = Duration::from_mins(1);
/// The interval and number of checks of a second post for the first one's response.
const PAUSE: Duration = Duration::from_millis(50);
const MOST_LOOKS: usize = 200;

/// A request of this browser.
pub(crate) enum RequestState {
    Pending(ReadRequest),
    Decided(Decided),
}

/// A pending request, and its stored bytes.
pub(crate) struct ReadRequest {
    pub(crate) key: Key<StoredRequest>,
    pub(crate) stored: StoredBytes,
    pub(crate) pending: PendingAuthorization,
}

/// A form with a decision, as it was sent.
pub(crate) struct Posted<'a> {
    pub(crate) id: &'a str,
    pub(crate) browser: &'a BrowserContext,
    pub(crate) decision: Decision,
    /// Of the form's token, which every page has for itself.
    pub(crate) form: Digest,
}

impl Posted<'_> {
    fn session(&self) -> Option<Digest> {
        self.browser.session.as_ref().map(Secret::digest)
    }
}

impl Decided {
    pub(crate) fn new(
        pending: &PendingAuthorization,
        posted: &Posted<'_>,
        account: Id,
        now: Timestamp,
    ) -> Self {
        Self {
            request: pending.request.clone(),
            browser: pending.browser.clone(),
            session: posted.session(),
            account,
            decision: posted.decision,
            form: posted.form.clone(),
            until: now.after(REMEMBERED),
            answered: posted.decision == Decision::Deny,
        }
    }

    /// The id of the grant and the secret of its code. `None` without a session.
    pub(crate) fn code_secret(&self, posted: &Posted<'_>) -> Option<(Id, Secret)> {
        let browser = posted.browser.secret_of(&self.browser)?;
        let context = [browser.bytes(), posted.id.as_bytes()].concat();
        let secret = posted
            .browser
            .session
            .as_ref()?
            .derive("decided request", &context);
        let number = secret.derive("grant", b"");
        let id = number.bytes().first_chunk().copied().map(Id::new)?;
        Some((id, secret.derive("code", b"")))
    }

    fn is_repeated_by(&self, posted: &Posted<'_>, now: Timestamp) -> bool {
        let same = posted.decision == self.decision
            && posted.form == self.form
            && posted.session() == self.session;
        same && posted.browser.is_browser(&self.browser) && !self.until.has_passed(now)
    }
}

impl Authorization {
    /// Reads a request of this browser, and its session, unless that has expired.
    pub(crate) async fn read_request(
        &self,
        id: &str,
        browser: &BrowserContext,
    ) -> Result<(RequestState, Option<Session>), RequestError> {
        let id = Secret::decode(id).ok_or(RequestError::Gone)?;
        let key = keys::request(&id.digest());
        let mut batch = Batch::default();
        let request = batch.read(key.clone());
        let session = Sessions::read_session(&mut batch, browser);
        let mut results = batch.run(self.context.store()).await?;
        let there = results.versioned(&request)?.ok_or(RequestError::Gone)?;
        let session = match session {
            Some(ticket) => self.sessions.valid_session(&ticket, &mut results)?,
            None => None,
        };
        let state = self.request_state(there, key, browser)?;
        Ok((state, session))
    }

    fn request_state(
        &self,
        there: Versioned<StoredRequest>,
        key: Key<StoredRequest>,
        browser: &BrowserContext,
    ) -> Result<RequestState, RequestError> {
        let (request, stored) = there.apart();
        match request {
            StoredRequest::Decided { decided } => Ok(RequestState::Decided(*decided)),
            StoredRequest::Pending(pending)
                if browser.is_browser(&pending.browser)
                    && !pending.expires_at.has_passed(self.context.now()) =>
            {
                Ok(RequestState::Pending(ReadRequest {
                    key,
                    stored,
                    pending: *pending,
                }))
            }
            StoredRequest::Pending(_) => Err(RequestError::Gone),
        }
    }

    /// Replaces the pending request by a decision. Of several concurrent decisions one is made, and
    /// the others get it: nothing else of their batches is done.
    pub(crate) fn write_decision(
        batch: &mut Batch,
        key: &Key<StoredRequest>,
        pending: StoredBytes,
        decided: &Decided,
    ) -> SwapTicket<StoredRequest> {
        let next = StoredRequest::Decided {
            decided: Box::new(decided.clone()),
        };
        let decision = batch.swap(key, pending, next, records::ttl(REMEMBERED));
        batch.if_changed();
        decision
    }

    /// The stored decision, or that of another.
    pub(crate) fn decision(
        decision: SwapTicket<StoredRequest>,
        results: &mut BatchResults,
    ) -> Result<Result<Versioned<StoredRequest>, Decided>, ConsentError> {
        match results.swapped(decision)? {
            Swapped::Done(stored) => Ok(Ok(stored)),
            Swapped::Changed(None) => Err(ConsentError::Gone),
            Swapped::Changed(Some(other)) => match other.record {
                StoredRequest::Decided { decided } => Ok(Err(*decided)),
                StoredRequest::Pending(_) => Err(ConsentError::Gone),
            },
        }
    }

    /// The step which notes that all of a decision is stored. If it fails, a second post gets no
    /// answer.
    pub(crate) fn write_answered(
        batch: &mut Batch,
        key: &Key<StoredRequest>,
        stored: Versioned<StoredRequest>,
        decided: Decided,
    ) {
        let next = StoredRequest::Decided {
            decided: Box::new(Decided {
                answered: true,
                ..decided
            }),
        };
        let (_, stored) = stored.apart();
        batch.swap(key, stored, next, records::ttl(REMEMBERED));
    }

    /// The response to a second post. The same decision of the same session gets the same response
    /// until the client has redeemed its code; after that the page shows that the request is gone.
    pub(crate) async fn decided_before(
        &self,
        posted: &Posted<'_>,
        mut decided: Decided,
        mut session: Option<Session>,
    ) -> Result<Location, ConsentError> {
        for _ in 0..MOST_LOOKS {
            if !decided.is_repeated_by(posted, self.context.now()) {
                return Err(ConsentError::Gone);
            }
            if decided.answered {
                return self.answer_again(posted, decided, session).await;
            }
            sleep(PAUSE).await;
            let (state, now) = self.read_request(posted.id, posted.browser).await?;
            session = now;
            match state {
                RequestState::Decided(now) => decided = now,
                RequestState::Pending(_) => return Err(ConsentError::Gone),
            }
        }
        Err(ConsentError::Gone)
    }

    async fn answer_again(
        &self,
        posted: &Posted<'_>,
        decided: Decided,
        session: Option<Session>,
    ) -> Result<Location, ConsentError> {
        let named = self.named(&decided.request, session, posted.browser);
        let mut named = named.await?;
        let user = named.user().filter(|user| user.account == decided.account);
        let account = user.ok_or(ConsentError::SignInFirst)?.account;
        let offer = decided.code_secret(posted);
        let decision = decided.decision;
        let validated = self.validated(decided.request, &mut named)?;
        let state = validated.request.state.as_deref();
        let issuer = &self.context.settings().issuer;
        if decision == Decision::Deny {
            return Ok(validated
                .destination
                .with_error(&RedirectError::Denied, state, issuer));
        }
        let (grant, secret) = offer.ok_or(ConsentError::Gone)?;
        let key = GrantKey { account, grant };
        let grant: Option<Grant> = records::read(self.context.store(), &keys::grant(&key)).await?;
        match grant.map(|grant| grant.state) {
            Some(GrantState::CodeIssued { .. }) => {
                let code = AuthorizationCode { key, secret }.encode();
                Ok(validated.destination.with_code(&code, state, issuer))
            }
            _ => Err(ConsentError::Gone),
        }
    }
}
