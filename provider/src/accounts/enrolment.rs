//! Coming to an account, by a one-time link or by signing up: with a first credential, or a new
//! one.
//!
//! Each is one atomic step on the account: after an earlier failure the link stays valid, and after
//! a later one the user can sign in.

use std::{sync::Arc, time::Duration};

use identity::{
    Email, LinkTarget, NewPassword, PasswordError, SignInMethod,
    account::LinkGone,
    enrolment::{AddressError, Credential},
    sign_up::SIGN_UPS,
};
use oauth::Digest;
use webauthn_rs::prelude::{
    CreationChallengeResponse, Passkey as PasskeyKey, RegisterPublicKeyCredential,
};

use super::{
    Ceremony, SignedIn,
    links::{Target, digest},
    lists::move_account,
    passkey::{Failed, new_passkey},
    queue::{Busy, Requester},
};
use crate::{
    accounts::{Ceremonies, Directory, Passkeys, PasswordHasher, Sessions},
    audit::AuditLog,
    browser_context::BrowserContext,
    context::Context,
    grants::GrantStore,
    limits::RateLimiter,
    records::{self, Batch, keys},
    state::{Account, Task, account_name, audit::AuditAction},
    unavailable::Unavailable,
};

/// The source of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentSource<'a> {
    /// A one-time link: its token.
    Link(&'a str),
    /// Sign-up, if the settings allow it.
    SignUp,
}

/// Why a link was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolError {
    /// The link is unknown, used or expired.
    LinkGone,
    /// No mail could ever reach the address.
    EmailInvalid,
    /// The address belongs to another account, or is not allowed; the error does not say which.
    EmailUnavailable,
    /// Sign-up is closed.
    Closed,
    /// Too many accounts were created or begun from this network.
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// The password cannot be chosen.
    Password(PasswordError),
    /// The queue of passwords to be hashed is full. Nothing was done.
    Busy(Busy),
    /// The browser's response is invalid or too late.
    CeremonyFailed,
    /// The store does not answer.
    Unavailable,
}

impl From<PasswordError> for EnrolError {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}

impl From<Busy> for EnrolError {
    fn from(error: Busy) -> Self {
        Self::Busy(error)
    }
}

impl From<Unavailable> for EnrolError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<Failed> for EnrolError {
    fn from(_: Failed) -> Self {
        Self::CeremonyFailed
    }
}

impl From<LinkGone> for EnrolError {
    fn from(_: LinkGone) -> Self {
        Self::LinkGone
    }
}

impl From<AddressError> for EnrolError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Invalid => Self::EmailInvalid,
            AddressError::NotAllowed => Self::EmailUnavailable,
        }
    }
}

/// A valid enrolment: its current target, and the link.
struct Arrival {
    link: Option<(Digest, LinkTarget)>,
    target: Target,
}

impl Arrival {
    fn digest(&self) -> Option<&Digest> {
        self.link.as_ref().map(|(digest, _)| digest)
    }
}

/// One-time links, sign-up, and the first credential of an account.
pub struct Enrolment {
    pub(super) context: Context,
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) directory: Arc<Directory>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) hasher: Arc<PasswordHasher>,
    pub(super) ceremonies: Arc<Ceremonies>,
    pub(super) passkeys: Arc<Passkeys>,
    pub(super) grants: Arc<GrantStore>,
}

impl Enrolment {
    /// Enrols with a password, and signs in. The address is used if the account is still to be
    /// created.
    pub async fn accept_with_password(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
        email: &str,
        password: &str,
    ) -> Result<SignedIn, EnrolError> {
        let arrival = self.arrival(browser, source).await?;
        let candidate = self.candidate(&arrival.target, email).await?;
        let requester = if arrival.target.needs_link() {
            // A link is a secret already.
            Requester::of_account(browser, candidate.id())
        } else {
            Requester::of_network(browser)
        };
        let minimum = candidate.min_password_length();
        let password: NewPassword = self
            .hasher
            .new_password::<EnrolError>(&requester, password, minimum, candidate.email())
            .await?;
        let credential = Credential::Password(password);
        let account = self.enrol(&arrival, candidate, credential).await?;
        self.finish_enrolment(browser, &arrival, &account, SignInMethod::Password)
            .await
    }

    /// Begins coming in with a new passkey.
    pub async fn start_accept_with_passkey(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
        email: &str,
    ) -> Result<Ceremony<CreationChallengeResponse>, EnrolError> {
        let arrival = self.arrival(browser, source).await?;
        let candidate = self.candidate(&arrival.target, email).await?;
        let (options, state) = self.passkeys.start_registration(&candidate)?;
        let task = Task::Accept {
            invitation: arrival.digest().cloned(),
            account: candidate.id(),
            email: candidate.email().to_owned(),
            state,
        };
        let id = self.ceremonies.begin_ceremony(browser, task).await?;
        Ok(Ceremony { id, options })
    }

    /// Enrols with a new passkey, named after the device, and signs in.
    pub async fn finish_accept_with_passkey(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
        ceremony: &str,
        credential: &RegisterPublicKeyCredential,
    ) -> Result<SignedIn, EnrolError> {
        let Some(Task::Accept {
            invitation,
            account,
            email,
            state,
        }) = self.ceremonies.take_ceremony(browser, ceremony).await?
        else {
            return Err(EnrolError::CeremonyFailed);
        };
        let arrival = self.arrival(browser, source).await?;
        if invitation.as_ref() != arrival.digest() {
            return Err(EnrolError::CeremonyFailed);
        }
        let key = self.passkeys.finish_registration(credential, &state)?;
        let candidate = self.candidate(&arrival.target, &email).await?;
        let passkey = new_passkey(&browser.device, key, self.context.now());
        let credential = Credential::Passkey(Box::new(passkey));
        let account = self
            .enrol(&arrival, candidate.with_id(account), credential)
            .await?;
        self.finish_enrolment(browser, &arrival, &account, SignInMethod::Passkey)
            .await
    }

    /// The current target of a source.
    async fn arrival(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
    ) -> Result<Arrival, EnrolError> {
        match source {
            EnrolmentSource::Link(token) => {
                let digest = digest(token)?;
                let (link, target) = self.target_of_link(&digest).await?;
                Ok(Arrival {
                    link: Some((digest, link)),
                    target,
                })
            }
            EnrolmentSource::SignUp => {
                self.admit_sign_up(browser).await?;
                Ok(Arrival {
                    link: None,
                    target: Target::SignUp,
                })
            }
        }
    }

    /// Counts and limits a sign-up.
    async fn admit_sign_up(&self, browser: &BrowserContext) -> Result<(), EnrolError> {
        let policy = &self.context.settings().sign_up;
        if !policy.is_open() || !policy.admits_sign_up(self.directory.has_accounts().await?) {
            return Err(EnrolError::Closed);
        }
        match self.limiter.count_from(SIGN_UPS, browser.address).await? {
            None => Ok(()),
            Some(retry_after) => Err(EnrolError::TooManyAttempts { retry_after }),
        }
    }

    /// The account of the enrolment: the existing one, or a new one for a free and allowed address.
    async fn candidate(&self, target: &Target, email: &str) -> Result<Account, EnrolError> {
        if let Some(account) = target.account() {
            return Ok(account.clone());
        }
        let email = target.new_address(email, &self.context.settings().sign_up)?;
        if self.directory.account_of(&email.shown()).await?.is_some() {
            return Err(EnrolError::EmailUnavailable);
        }
        Ok(target.new_account(self.context.entropy().id(), &email, self.context.now()))
    }

    /// Adds the credential to the account, if the enrolment is still possible.
    async fn enrol(
        &self,
        arrival: &Arrival,
        candidate: Account,
        credential: Credential<PasskeyKey>,
    ) -> Result<Account, EnrolError> {
        match &arrival.target {
            Target::FirstAccount | Target::SignUp => {
                self.make_account(&arrival.target, candidate, credential)
                    .await
            }
            Target::Enrolment(_) => self.add_credential(arrival, credential, false).await,
            Target::Reset(account) => {
                // Before the change, so that the link is still valid after a failure; and again
                // afterwards, for concurrent consents.
                self.grants.withdraw_all(account.id()).await?;
                self.add_credential(arrival, credential, true).await
            }
        }
    }

    /// Creates an account. Of several browsers that create the first one concurrently, one
    /// succeeds; nothing is created for the others.
    async fn make_account(
        &self,
        target: &Target,
        candidate: Account,
        credential: Credential<PasskeyKey>,
    ) -> Result<Account, EnrolError> {
        let email = Email::parse(candidate.email()).ok_or(EnrolError::EmailInvalid)?;
        let account = candidate.with_first_credential(credential, self.context.now());
        let made = if matches!(target, Target::FirstAccount) {
            self.directory
                .create_first_account(&account, &email)
                .await?
                .ok_or(EnrolError::LinkGone)?
        } else {
            self.directory.create_account(&account, &email).await?
        };
        made.then_some(account).ok_or(EnrolError::EmailUnavailable)
    }

    /// Adds a credential by a link, in one step that ends the link.
    async fn add_credential(
        &self,
        arrival: &Arrival,
        credential: Credential<PasskeyKey>,
        resets: bool,
    ) -> Result<Account, EnrolError> {
        let Some((digest, target)) = &arrival.link else {
            return Err(EnrolError::LinkGone);
        };
        let id = target.account().ok_or(EnrolError::LinkGone)?;
        let now = self.context.now();
        let enrol = |account: Account| {
            let credential = credential.clone();
            let next = if resets {
                account.reset(*target, digest, credential, now)
            } else {
                account.enrol(*target, digest, credential, now)
            };
            Ok((next?, ()))
        };
        let (account, ()) = self
            .directory
            .change_account(id, enrol, EnrolError::LinkGone)
            .await?;
        Ok(account)
    }

    /// Notes it, which cannot be done again; clears away what has ended, and signs in.
    async fn finish_enrolment(
        &self,
        browser: &BrowserContext,
        arrival: &Arrival,
        account: &Account,
        method: SignInMethod,
    ) -> Result<SignedIn, EnrolError> {
        let action = match arrival.target {
            Target::FirstAccount => AuditAction::FirstAccountMade,
            Target::SignUp => AuditAction::SignedUp,
            Target::Enrolment(_) => AuditAction::Enrolled,
            Target::Reset(_) => AuditAction::AccountReset,
        };
        self.audit
            .note_by_user(action, account_name(account), browser, None)
            .await;
        if let Some(link) = arrival.digest() {
            records::remove(self.context.store(), &keys::invitation(link)).await?;
        }
        if matches!(arrival.target, Target::Reset(_)) {
            self.sessions.end_sessions(account.id()).await?;
            self.grants.withdraw_all(account.id()).await?;
        }
        let mut moved = Batch::default();
        if let Some(before) = arrival.target.account() {
            move_account(&mut moved, before, account);
        }
        Ok(self
            .sessions
            .begin_session(browser, account, Some(method), moved)
            .await?)
    }
}
