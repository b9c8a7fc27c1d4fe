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
    links::{Door, digest},
    passkey::{Failed, StoredPasskey},
    password::{NewPassword, PasswordError},
    queue::{Busy, Requester},
};
use crate::{Provider, Visitor, Way, audit::AuditAction, keys, problem::Unavailable};

/// By what somebody comes to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
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
        visitor: &Visitor,
        entry: Entry<'_>,
        email: &str,
        password: &str,
    ) -> Result<SignedIn, EnrolError> {
        let (link, door) = self.door(visitor, entry).await?;
        let person = self.newcomer(&door, email).await?;
        let requester = match &door {
            // Whoever has a link holds a secret already.
            Door::FirstAccount | Door::Enrolment(_) | Door::Reset(_) => {
                Requester::known(visitor, person.id)
            }
            Door::SignUp => Requester::stranger(visitor),
        };
        let minimum = person.shortest_password();
        let password = self
            .new_password::<EnrolError>(&requester, password, minimum, &person.email)
            .await?;
        let credential = Credential::Password(password);
        let account = self
            .enter(link.as_ref(), &door, person, &credential)
            .await?;
        self.welcome(visitor, link.as_ref(), &door, &account, Way::Password)
            .await
    }

    /// Begins coming in with a new passkey.
    pub async fn start_accept_with_passkey(
        &self,
        visitor: &Visitor,
        entry: Entry<'_>,
        email: &str,
    ) -> Result<Ceremony<CreationChallengeResponse>, EnrolError> {
        let (invitation, door) = self.door(visitor, entry).await?;
        let Account {
            id: account,
            email,
            passkeys,
            ..
        } = self.newcomer(&door, email).await?;
        let (options, state) = self
            .passkeys()
            .start_registration(account, &email, &passkeys)?;
        let id = self
            .begin_ceremony(
                visitor,
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
        visitor: &Visitor,
        entry: Entry<'_>,
        ceremony: &str,
        credential: &RegisterPublicKeyCredential,
    ) -> Result<SignedIn, EnrolError> {
        let Some(Task::Accept {
            invitation,
            account,
            email,
            state,
        }) = self.take_ceremony(visitor, ceremony).await?
        else {
            return Err(EnrolError::CeremonyFailed);
        };
        let (link, door) = self.door(visitor, entry).await?;
        if invitation != link {
            return Err(EnrolError::CeremonyFailed);
        }
        let passkey = self.passkeys().finish_registration(credential, &state)?;
        let person = Account {
            id: account,
            ..self.newcomer(&door, &email).await?
        };
        let credential = Credential::Passkey(Box::new(StoredPasskey::new(
            &visitor.device,
            passkey,
            self.now(),
        )));
        let account = self
            .enter(link.as_ref(), &door, person, &credential)
            .await?;
        self.welcome(visitor, link.as_ref(), &door, &account, Way::Passkey)
            .await
    }

    /// What lies behind an entry now, and the link that led there.
    async fn door(
        &self,
        visitor: &Visitor,
        entry: Entry<'_>,
    ) -> Result<(Option<Digest>, Door), EnrolError> {
        match entry {
            Entry::Link(token) => {
                let link = digest(token)?;
                let door = self.door_of_link(&link).await?;
                Ok((Some(link), door))
            }
            Entry::SignUp => {
                self.admit_sign_up(visitor).await?;
                Ok((None, Door::SignUp))
            }
        }
    }

    /// Whose account it will be. Whoever makes one may choose any address that could exist, is
    /// free, and is let in.
    async fn newcomer(&self, door: &Door, email: &str) -> Result<Account, EnrolError> {
        let role = match door {
            Door::Enrolment(account) | Door::Reset(account) => return Ok(Account::clone(account)),
            Door::FirstAccount => Role::Administrator,
            Door::SignUp => Role::Person,
        };
        let email = Email::parse(email).ok_or(EnrolError::EmailInvalid)?;
        let allowed = matches!(door, Door::FirstAccount) || self.settings().sign_up.allows(&email);
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
        door: &Door,
        mut person: Account,
        credential: &Credential,
    ) -> Result<Account, EnrolError> {
        let now = self.now();
        match door {
            Door::FirstAccount => {
                credential.give(&mut person, now);
                // Of any number of people who do so at once, one does; the others have nothing at
                // any time.
                let made = self
                    .create_first_account(&person, &address(&person)?)
                    .await?
                    .ok_or(EnrolError::LinkGone)?;
                made.then_some(person).ok_or(EnrolError::EmailUnavailable)
            }
            Door::SignUp => {
                credential.give(&mut person, now);
                let made = self.create_account(&person, &address(&person)?).await?;
                made.then_some(person).ok_or(EnrolError::EmailUnavailable)
            }
            Door::Enrolment(account) => {
                let link = link.ok_or(EnrolError::LinkGone)?;
                self.give(link, account, credential, |account| {
                    !account.has_credentials()
                })
                .await
            }
            Door::Reset(account) => {
                let clear = |account: &mut Account| {
                    account.forget_what_can_be_told();
                    true
                };
                // Here, so that a failure leaves a link to try again with; and once more
                // afterwards, for what was allowed meanwhile.
                self.withdraw_all(account.id).await?;
                self.give(
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
    async fn give(
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
    async fn welcome(
        &self,
        visitor: &Visitor,
        link: Option<&Digest>,
        door: &Door,
        account: &Account,
        way: Way,
    ) -> Result<SignedIn, EnrolError> {
        let action = match door {
            Door::FirstAccount => AuditAction::FirstAccountMade,
            Door::SignUp => AuditAction::SignedUp,
            Door::Enrolment(_) => AuditAction::Enrolled,
            Door::Reset(_) => AuditAction::AccountReset,
        };
        self.note_by_person(action, account.whose(), visitor, None)
            .await;
        if let Some(link) = link {
            self.store()
                .remove(&keys::invitation(link))
                .await
                .map_err(Unavailable::from)?;
        }
        if matches!(door, Door::Reset(_)) {
            self.end_sessions(account.id).await?;
            self.withdraw_all(account.id).await?;
        }
        Ok(self.begin_session(visitor, account, Some(way)).await?)
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
