//! Coming to an account, by a one-time link or by signing up: with a first credential, or a new
//! one.
//!
//! Each is one atomic step on the account, so that a failure before it leaves the link good, and
//! one after it leaves an account that its person can sign in to.

use std::time::Duration;

use oauth::{Digest, Timestamp};
use thiserror::Error;
use webauthn_rs::prelude::{CreationChallengeResponse, RegisterPublicKeyCredential};

use super::{
    Account, Ceremony, Role, SignedIn,
    ceremony::Task,
    email::Email,
    links::{EnrolmentTarget, digest},
    passkey::{Failed, StoredPasskey},
    password::{NewPassword, PasswordError},
    queue::{Busy, Requester},
};
use crate::{
    BrowserContext, Provider, SignInMethod, audit::AuditAction, keys, problem::Unavailable, records,
};

/// By what somebody comes to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentSource<'a> {
    /// A one-time link: its token.
    Link(&'a str),
    /// Signing up, where the settings let them.
    SignUp,
}

/// Why a link was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnrolError {
    /// The link is unknown, used or expired.
    #[error("the link is gone")]
    LinkGone,
    /// No mail could ever reach the address.
    #[error("the address is not an e-mail address")]
    EmailInvalid,
    /// The address belongs to another account, or to none that may be made here; which of the two
    /// is not told.
    #[error("no account can be made for this address")]
    EmailUnavailable,
    /// Nobody signs up here.
    #[error("signing up is closed")]
    Closed,
    /// Too many accounts were made, or begun, from this part of the network.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// The password cannot be chosen.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The queue of passwords to be hashed is full. Nothing was done.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The browser's answer does not fit, or came too late.
    #[error("the passkey was not accepted")]
    CeremonyFailed,
    /// The store does not answer.
    #[error("the store is unavailable")]
    Unavailable,
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

/// What a person signs in with from now on.
enum Credential {
    Password(NewPassword),
    Passkey(Box<StoredPasskey>),
}

impl Provider {
    /// Comes in with a password, and signs in. The address counts where the account is yet to be
    /// made.
    pub async fn accept_with_password(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
        email: &str,
        password: &str,
    ) -> Result<SignedIn, EnrolError> {
        let (link, target) = self.target(browser, source).await?;
        let person = self.candidate(&target, email).await?;
        let requester = match &target {
            // Whoever has a link holds a secret already.
            EnrolmentTarget::FirstAccount
            | EnrolmentTarget::Enrolment(_)
            | EnrolmentTarget::Reset(_) => Requester::known(browser, person.id),
            EnrolmentTarget::SignUp => Requester::stranger(browser),
        };
        let minimum = person.shortest_password();
        let password = self
            .new_password::<EnrolError>(&requester, password, minimum, &person.email)
            .await?;
        let credential = Credential::Password(password);
        let account = self
            .enter(link.as_ref(), &target, person, &credential)
            .await?;
        self.finish(
            browser,
            link.as_ref(),
            &target,
            &account,
            SignInMethod::Password,
        )
        .await
    }

    /// Begins coming in with a new passkey.
    pub async fn start_accept_with_passkey(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
        email: &str,
    ) -> Result<Ceremony<CreationChallengeResponse>, EnrolError> {
        let (invitation, target) = self.target(browser, source).await?;
        let Account {
            id: account,
            email,
            passkeys,
            ..
        } = self.candidate(&target, email).await?;
        let (options, state) = self
            .passkeys()
            .start_registration(account, &email, &passkeys)?;
        let id = self
            .begin_ceremony(
                browser,
                Task::Accept {
                    invitation,
                    account,
                    email,
                    state,
                },
            )
            .await?;
        Ok(Ceremony { id, options })
    }

    /// Comes in with a new passkey, called after the device, and signs in.
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
        }) = self.take_ceremony(browser, ceremony).await?
        else {
            return Err(EnrolError::CeremonyFailed);
        };
        let (link, target) = self.target(browser, source).await?;
        if invitation != link {
            return Err(EnrolError::CeremonyFailed);
        }
        let passkey = self.passkeys().finish_registration(credential, &state)?;
        let person = Account {
            id: account,
            ..self.candidate(&target, &email).await?
        };
        let credential = Credential::Passkey(Box::new(StoredPasskey::new(
            &browser.device,
            passkey,
            self.now(),
        )));
        let account = self
            .enter(link.as_ref(), &target, person, &credential)
            .await?;
        self.finish(
            browser,
            link.as_ref(),
            &target,
            &account,
            SignInMethod::Passkey,
        )
        .await
    }

    /// What lies behind an source now, and the link that led there.
    async fn target(
        &self,
        browser: &BrowserContext,
        source: EnrolmentSource<'_>,
    ) -> Result<(Option<Digest>, EnrolmentTarget), EnrolError> {
        match source {
            EnrolmentSource::Link(token) => {
                let link = digest(token)?;
                let target = self.target_of_link(&link).await?;
                Ok((Some(link), target))
            }
            EnrolmentSource::SignUp => {
                self.admit_sign_up(browser).await?;
                Ok((None, EnrolmentTarget::SignUp))
            }
        }
    }

    /// Whose account it will be. Whoever makes one may choose any address that could exist, is
    /// free, and is let in.
    async fn candidate(
        &self,
        target: &EnrolmentTarget,
        email: &str,
    ) -> Result<Account, EnrolError> {
        let role = match target {
            EnrolmentTarget::Enrolment(account) | EnrolmentTarget::Reset(account) => {
                return Ok(Account::clone(account));
            }
            EnrolmentTarget::FirstAccount => Role::Administrator,
            EnrolmentTarget::SignUp => Role::Person,
        };
        let email = Email::parse(email).ok_or(EnrolError::EmailInvalid)?;
        let allowed = matches!(target, EnrolmentTarget::FirstAccount)
            || self.settings().sign_up.allows(&email);
        if !allowed || self.account_of(&email.shown()).await?.is_some() {
            return Err(EnrolError::EmailUnavailable);
        }
        Ok(Account {
            role,
            ..Account::new(self.entropy().id(), &email, self.now())
        })
    }

    /// Gives the account its credential, if it is still to be had.
    async fn enter(
        &self,
        link: Option<&Digest>,
        target: &EnrolmentTarget,
        mut person: Account,
        credential: &Credential,
    ) -> Result<Account, EnrolError> {
        let now = self.now();
        match target {
            EnrolmentTarget::FirstAccount => {
                credential.give(&mut person, now);
                // Of any number of people who do so at once, one does; the others have nothing at
                // any time.
                let made = self
                    .create_first_account(&person, &address(&person)?)
                    .await?
                    .ok_or(EnrolError::LinkGone)?;
                made.then_some(person).ok_or(EnrolError::EmailUnavailable)
            }
            EnrolmentTarget::SignUp => {
                credential.give(&mut person, now);
                let made = self.create_account(&person, &address(&person)?).await?;
                made.then_some(person).ok_or(EnrolError::EmailUnavailable)
            }
            EnrolmentTarget::Enrolment(account) => {
                let link = link.ok_or(EnrolError::LinkGone)?;
                self.add_credential(link, account, credential, |account| {
                    !account.has_credentials()
                })
                .await
            }
            EnrolmentTarget::Reset(account) => {
                let clear = |account: &mut Account| {
                    account.forget_what_can_be_told();
                    true
                };
                // Here, so that a failure leaves a link to try again with; and once more
                // afterwards, for what was allowed meanwhile.
                self.withdraw_all(account.id).await?;
                self.add_credential(
                    link.ok_or(EnrolError::LinkGone)?,
                    account,
                    credential,
                    clear,
                )
                .await
            }
        }
    }

    /// Gives an account a credential, if it is of the generation still that was looked at, in one
    /// step with `prepare`, which says whether it takes one.
    async fn add_credential(
        &self,
        link: &Digest,
        looked_at: &Account,
        credential: &Credential,
        prepare: impl Fn(&mut Account) -> bool,
    ) -> Result<Account, EnrolError> {
        let now = self.now();
        let give = |account: &mut Account| {
            let (before, good) = (
                account.clone(),
                account.is_active() && account.generation == looked_at.generation,
            );
            if good && account.is_current_link(link) && prepare(account) {
                credential.give(account, now);
                // It may have become an administrator's meanwhile.
                if account.may_be(account.role) {
                    account.generation += 1;
                    account.link = None;
                    return Some(account.clone());
                }
            }
            *account = before;
            None
        };
        self.change_account(looked_at.id, give)
            .await?
            .flatten()
            .ok_or(EnrolError::LinkGone)
    }

    /// Notes it, which cannot be done again; clears away what has ended, and signs in.
    async fn finish(
        &self,
        browser: &BrowserContext,
        link: Option<&Digest>,
        target: &EnrolmentTarget,
        account: &Account,
        way: SignInMethod,
    ) -> Result<SignedIn, EnrolError> {
        let action = match target {
            EnrolmentTarget::FirstAccount => AuditAction::FirstAccountMade,
            EnrolmentTarget::SignUp => AuditAction::SignedUp,
            EnrolmentTarget::Enrolment(_) => AuditAction::Enrolled,
            EnrolmentTarget::Reset(_) => AuditAction::AccountReset,
        };
        self.note_by_person(action, account.whose(), browser, None)
            .await;
        if let Some(link) = link {
            records::remove(self.store(), &keys::invitation(link)).await?;
        }
        if matches!(target, EnrolmentTarget::Reset(_)) {
            self.end_sessions(account.id).await?;
            self.withdraw_all(account.id).await?;
        }
        Ok(self.begin_session(browser, account, Some(way)).await?)
    }
}

fn address(person: &Account) -> Result<Email, EnrolError> {
    Email::parse(&person.email).ok_or(EnrolError::EmailInvalid)
}

impl Credential {
    /// Whoever gets a credential is signed in with it.
    fn give(&self, account: &mut Account, now: Timestamp) {
        account.last_sign_in_at = Some(now);
        match self {
            Self::Password(password) => account.set_password(password.clone(), now),
            Self::Passkey(passkey) => account.passkeys.push(StoredPasskey::clone(passkey)),
        }
    }
}
