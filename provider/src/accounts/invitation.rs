//! One-time links: to the first account of a server, and to an account that waits for its person.
//!
//! Looking at a link does not use it up. What makes it one-time is what it opens, not the link itself: there is one first
//! account, and an account takes credentials from a link only while it has none. Each is one atomic step, so that a failure
//! before it leaves the link good, and one after it leaves an account that its person can sign in to.

use oauth::{Digest, Id, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use webauthn_rs::prelude::{CreationChallengeResponse, RegisterPublicKeyCredential};

use super::{
    Account, Ceremony,
    ceremony::Task,
    email::Email,
    passkey::{Failed, StoredPasskey},
    password::{self, Unfit},
};
use crate::{Provider, SetCookie, Visitor, keys, problem::Unavailable, record};

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Making the first account of the server.
    FirstAccount,
    /// Giving an account its first passkey or password.
    Enrolment,
}

/// What a person sees of a one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What it is for.
    pub purpose: Purpose,
    /// The address of the account, where that is settled already.
    pub email: Option<String>,
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
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// The password is too short.
    #[error("the password has fewer than {minimum} characters")]
    PasswordTooShort {
        /// The least number of characters.
        minimum: usize,
    },
    /// The password is too long.
    #[error("the password is too long")]
    PasswordTooLong,
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

impl From<Unfit> for EnrolError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::TooShort => Self::PasswordTooShort { minimum: password::FEWEST_CHARACTERS },
            Unfit::TooLong => Self::PasswordTooLong,
        }
    }
}

/// A link, as stored.
#[derive(Serialize, Deserialize)]
struct Link {
    target: Target,
    expires_at: Timestamp,
}

/// What a link opens.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    FirstAccount,
    Enrolment { account: Id },
}

/// What a living link opens: an account to be made, or one that waits.
enum Door {
    FirstAccount,
    Enrolment(Box<Account>),
}

/// What a person signs in with from now on.
enum Credential {
    Password(String),
    Passkey(Box<StoredPasskey>),
}

impl Provider {
    /// The link to make the first account with, as long as there is none.
    pub async fn first_account_link(&self) -> Result<Option<String>, Unavailable> {
        if self.has_accounts().await? {
            return Ok(None);
        }
        let token = self.invite(Target::FirstAccount).await?;
        Ok(Some(self.settings().issuer.url(&format!("/setup/{token}"))))
    }

    /// What a link is for.
    pub async fn invitation(&self, token: &str) -> Result<Invitation, EnrolError> {
        Ok(match self.door(&digest(token)?).await? {
            Door::FirstAccount => Invitation { purpose: Purpose::FirstAccount, email: None },
            Door::Enrolment(account) => Invitation { purpose: Purpose::Enrolment, email: Some(account.email) },
        })
    }

    /// Accepts a link with a password, and signs in. The address counts for the first account only.
    pub async fn accept_with_password(
        &self,
        visitor: &Visitor,
        token: &str,
        email: &str,
        password: &str,
    ) -> Result<SetCookie, EnrolError> {
        let link = digest(token)?;
        let door = self.door(&link).await?;
        let person = self.newcomer(&door, email).await?;
        password::judge(password)?;
        let credential = Credential::Password(self.hash_password(password).await?);
        let account = self.enter(door, person, credential).await?;
        self.welcome(visitor, &link, &account).await
    }

    /// Begins accepting a link with a new passkey.
    pub async fn start_accept_with_passkey(
        &self,
        visitor: &Visitor,
        token: &str,
        email: &str,
    ) -> Result<Ceremony<CreationChallengeResponse>, EnrolError> {
        let invitation = digest(token)?;
        let door = self.door(&invitation).await?;
        let Account { id: account, email, .. } = self.newcomer(&door, email).await?;
        let (options, state) = self.passkeys().start_registration(account, &email, &[])?;
        let id = self.begin_ceremony(visitor, Task::Accept { invitation, account, email, state }).await?;
        Ok(Ceremony { id, options })
    }

    /// Accepts a link with a new passkey, called `name`, and signs in.
    pub async fn finish_accept_with_passkey(
        &self,
        visitor: &Visitor,
        token: &str,
        ceremony: &str,
        credential: &RegisterPublicKeyCredential,
        name: &str,
    ) -> Result<SetCookie, EnrolError> {
        let link = digest(token)?;
        let Some(Task::Accept { invitation, account, email, state }) = self.take_ceremony(visitor, ceremony).await? else {
            return Err(EnrolError::CeremonyFailed);
        };
        if invitation != link {
            return Err(EnrolError::CeremonyFailed);
        }
        let passkey = self.passkeys().finish_registration(credential, &state)?;
        let door = self.door(&link).await?;
        let person = Account { id: account, ..self.newcomer(&door, &email).await? };
        let credential = Credential::Passkey(Box::new(StoredPasskey::new(name, passkey, self.now())));
        let account = self.enter(door, person, credential).await?;
        self.welcome(visitor, &link, &account).await
    }

    /// A link for an account that waits for its person.
    pub(crate) async fn enrolment_link(&self, account: Id) -> Result<String, Unavailable> {
        let token = self.invite(Target::Enrolment { account }).await?;
        Ok(self.settings().issuer.url(&format!("/enroll/{token}")))
    }

    async fn invite(&self, target: Target) -> Result<String, Unavailable> {
        let (token, lifetime) = (self.entropy().secret(), self.settings().lifetimes.invitation);
        let link = Link { target, expires_at: self.now().after(lifetime) };
        record::insert(self.store(), &keys::invitation(&token.digest()), &link, record::keep(lifetime)).await?;
        Ok(token.encode())
    }

    /// What a link opens now.
    async fn door(&self, link: &Digest) -> Result<Door, EnrolError> {
        let link: Option<Link> = record::read(self.store(), &keys::invitation(link)).await?;
        let now = self.now();
        match link.filter(|link| !link.expires_at.has_passed(now)).ok_or(EnrolError::LinkGone)?.target {
            Target::FirstAccount if self.has_accounts().await? => Err(EnrolError::LinkGone),
            Target::FirstAccount => Ok(Door::FirstAccount),
            Target::Enrolment { account } => {
                let account = self.active_account(account).await?.filter(|account| !account.has_credentials());
                Ok(Door::Enrolment(Box::new(account.ok_or(EnrolError::LinkGone)?)))
            }
        }
    }

    /// Whose account it will be. The first person may choose any address that could exist and is free.
    async fn newcomer(&self, door: &Door, email: &str) -> Result<Account, EnrolError> {
        if let Door::Enrolment(account) = door {
            return Ok(Account::clone(account));
        }
        let email = Email::parse(email).ok_or(EnrolError::EmailInvalid)?;
        if self.account_of(&email).await?.is_some() {
            return Err(EnrolError::EmailTaken);
        }
        Ok(Account::new(self.entropy().id(), &email, self.now()))
    }

    /// Gives the account its first credential, if it is still to be had.
    async fn enter(&self, door: Door, mut person: Account, credential: Credential) -> Result<Account, EnrolError> {
        match door {
            Door::FirstAccount => {
                credential.give(&mut person);
                self.make_first_account(person).await
            }
            Door::Enrolment(account) => self.enrol(account.id, &credential).await,
        }
    }

    /// Of any number of people who make the first account at once, one keeps it.
    async fn make_first_account(&self, account: Account) -> Result<Account, EnrolError> {
        let email = Email::parse(&account.email).ok_or(EnrolError::EmailInvalid)?;
        if !self.create_account(&account, &email).await? {
            return Err(EnrolError::EmailTaken);
        }
        if self.note_first_account(account.id).await? {
            return Ok(account);
        }
        self.discard(&account).await?;
        Err(EnrolError::LinkGone)
    }

    async fn enrol(&self, account: Id, credential: &Credential) -> Result<Account, EnrolError> {
        let give = |account: &mut Account| {
            let waiting = account.is_active() && !account.has_credentials();
            waiting.then(|| {
                credential.give(account);
                account.clone()
            })
        };
        self.change_account(account, give).await?.flatten().ok_or(EnrolError::LinkGone)
    }

    /// Clears the link away and signs in.
    async fn welcome(&self, visitor: &Visitor, link: &Digest, account: &Account) -> Result<SetCookie, EnrolError> {
        self.store().remove(&keys::invitation(link)).await.map_err(Unavailable::from)?;
        Ok(self.begin_session(visitor, account).await?)
    }
}

impl Credential {
    fn give(&self, account: &mut Account) {
        match self {
            Self::Password(hash) => account.password = Some(hash.clone()),
            Self::Passkey(passkey) => account.passkeys.push(StoredPasskey::clone(passkey)),
        }
    }
}

fn digest(token: &str) -> Result<Digest, EnrolError> {
    Secret::decode(token).map(|secret| secret.digest()).ok_or(EnrolError::LinkGone)
}
