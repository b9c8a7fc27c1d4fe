//! People: their accounts, how they come to one, and who is signed in.

pub(crate) mod addresses;
mod attempts;
pub(crate) mod ceremony;
mod credentials;
pub(crate) mod enrolment;
pub(crate) mod hashing;
mod known;
pub(crate) mod links;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod queue;
pub(crate) mod recovery;
pub(crate) mod rights;
pub(crate) mod session;

use std::time::Duration;

use identity::{
    PasswordError, Role, Session,
    account::{CredentialError, SessionEnded, SignInRefused},
};
use oauth::{Id, Timestamp};
use store::Ttl;
use thiserror::Error;

pub use enrolment::{EnrolError, EnrolmentSource};
pub use links::Invitation;
pub use passkey::{Ceremony, PasskeyView};
pub use queue::Busy;
pub use recovery::RemainingCodes;
pub use session::SessionView;

pub(crate) use self::rights::Subject;
use crate::{
    BrowserContext, Provider, SetCookie,
    audit::Whose,
    keys,
    problem::Unavailable,
    records::{self, Change, Collection},
};

/// An account, whose passkeys webauthn-rs verifies.
pub(crate) type Account = identity::Account<webauthn_rs::prelude::Passkey>;

/// A signed-in user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInUser {
    /// Their account.
    pub account: Id,
    /// Their address, as it was typed when the account was made.
    pub email: String,
    /// When they last showed a credential.
    pub authenticated_at: Timestamp,
    /// What they may do.
    pub role: Role,
}

/// What signing in gives.
pub struct SignedIn {
    /// For the browser: its session, and by which way it signed in.
    pub cookies: Vec<SetCookie>,
    /// Whether the user should be offered a passkey: they used a password, have none, and have
    /// not said no lately.
    pub offers_passkey: bool,
}

/// What a user sees of their own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Their passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// Whether they can sign in with a password too.
    pub has_password: bool,
    /// When the password was chosen, where that is known.
    pub password_set_at: Option<Timestamp>,
    /// Their recovery codes, if they made any.
    pub recovery_codes: Option<RemainingCodes>,
    /// Whether they showed a credential in the last five minutes, so that they can change any of
    /// these.
    pub is_fresh: bool,
    /// Whether a recovery code signed this browser in: they have lost what they had.
    pub by_code: bool,
    /// The least number of characters of a new password.
    pub shortest_password: usize,
}

/// Why a user's own account was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccountError {
    /// No user is signed in here.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The user signed in more than five minutes ago.
    #[error("the sign-in is too old")]
    ConfirmFirst,
    /// It is the only way to sign in that is left.
    #[error("it is the last credential")]
    LastCredential,
    /// The password that would be all that an administrator signs in with is too short for that.
    #[error("the password is too short to be the only credential of an administrator")]
    ShortPasswordAlone,
    /// No mail could ever reach the address.
    #[error("the address is not an e-mail address")]
    EmailInvalid,
    /// The address belongs to another account, or to none that may be here.
    #[error("the address cannot be had")]
    EmailUnavailable,
    /// Too many attempts.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// What was named is not there any more.
    #[error("it is gone")]
    Gone,
    /// A name with nothing to see in it.
    #[error("the name is empty")]
    NameEmpty,
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

impl From<Unavailable> for AccountError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<CredentialError> for AccountError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::SessionEnded(_) => Self::NotSignedIn,
            CredentialError::Gone => Self::Gone,
            CredentialError::LastCredential => Self::LastCredential,
            CredentialError::ShortPasswordAlone => Self::ShortPasswordAlone,
            CredentialError::EmptyName => Self::NameEmpty,
            CredentialError::KnownPasskey | CredentialError::TooManyPasskeys => {
                Self::CeremonyFailed
            }
        }
    }
}

impl From<SessionEnded> for AccountError {
    fn from(_: SessionEnded) -> Self {
        Self::NotSignedIn
    }
}

/// Why signing in was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignInError {
    /// The credentials open no account. Which part of them is wrong is not told.
    #[error("the credentials are wrong")]
    WrongCredentials,
    /// Too many attempts on this address, or from this part of the network.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// The queue of passwords to be checked is full. Nothing was checked, and nothing counts
    /// against the account.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store does not answer.
    #[error("the store is unavailable")]
    Unavailable,
}

impl SignInError {
    /// Writes the line of the log by which other programs keep guessers out, as fail2ban does:
    /// docs/OPERATING.md promises its form. A store that fails is no failed sign-in.
    pub fn log(&self, browser: &BrowserContext, method: &'static str) {
        let reason = match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Busy(_) | Self::Unavailable => return,
        };
        let address = browser.address.to_canonical();
        tracing::warn!(target: "vestibule::sign_in", %address, method, reason, "sign-in failed");
    }
}

impl From<SignInRefused> for SignInError {
    fn from(_: SignInRefused) -> Self {
        Self::WrongCredentials
    }
}

impl From<Unavailable> for SignInError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl Provider {
    /// The user who is signed in. A disabled account is signed in nowhere.
    pub async fn signed_in(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<SignedInUser>, Unavailable> {
        let found = self.signed_in_account(browser).await?;
        let person = |(session, account): (Session, Account)| SignedInUser {
            account: account.id(),
            email: account.email().to_owned(),
            authenticated_at: session.authenticated_at,
            role: account.role(),
        };
        Ok(found.map(person))
    }

    /// The account of who is signed in.
    pub async fn account(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<AccountView>, Unavailable> {
        let found = self.signed_in_account(browser).await?;
        Ok(found.map(|(session, account)| {
            let shortest_password = account.min_password_length();
            let fields = account.into_fields();
            AccountView {
                role: fields.role,
                shortest_password,
                has_password: fields.password.is_some(),
                password_set_at: fields.password_set_at,
                recovery_codes: fields.recovery.as_ref().map(RemainingCodes::of),
                passkeys: fields.passkeys.iter().map(PasskeyView::of).collect(),
                email: fields.email,
                is_fresh: session.is_fresh(self.now()),
                by_code: session.by_code,
            }
        }))
    }

    /// An account that exists and is not disabled.
    pub(crate) async fn active_account(&self, id: Id) -> Result<Option<Account>, Unavailable> {
        Ok(records::read(self.store(), &keys::account(id))
            .await?
            .filter(Account::is_active))
    }

    /// The session of a browser with its account, if both are alive.
    pub(crate) async fn signed_in_account(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<(Session, Account)>, Unavailable> {
        let Some(session) = self.session(browser).await? else {
            return Ok(None);
        };
        let account = records::read(self.store(), &keys::account(session.account)).await?;
        let Some(account) = account.filter(|account| session.opens(account)) else {
            return Ok(None);
        };
        self.note_session_use(browser, &session).await;
        Ok(Some((session, account)))
    }

    /// The account of who is signed in and showed a credential in the last five minutes.
    pub(crate) async fn fresh_account(
        &self,
        browser: &BrowserContext,
    ) -> Result<Account, AccountError> {
        let (session, account) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        if session.is_fresh(self.now()) {
            Ok(account)
        } else {
            Err(AccountError::ConfirmFirst)
        }
    }

    /// The list of accounts.
    pub(crate) fn all_accounts(&self) -> Collection<'_, Account> {
        Collection::new(self.store(), keys::accounts())
    }

    /// Changes an account by a transition, and returns its next state with the answer. A refusal
    /// changes nothing. `transition` is asked again whenever another writer was faster; `gone` is
    /// the answer when the account is not there.
    pub(crate) async fn change_account<A, E: From<Unavailable>>(
        &self,
        id: Id,
        mut transition: impl FnMut(Account) -> Result<(Account, A), E>,
        gone: E,
    ) -> Result<(Account, A), E> {
        let change = |current: Option<Account>| {
            let Some(account) = current else {
                return Change {
                    next: None,
                    answer: None,
                };
            };
            match transition(account) {
                Ok((next, answer)) => Change {
                    next: Some((next.clone(), Ttl::Forever)),
                    answer: Some(Ok((next, answer))),
                },
                Err(refusal) => Change {
                    next: None,
                    answer: Some(Err(refusal)),
                },
            }
        };
        records::change(self.store(), &keys::account(id), change)
            .await?
            .unwrap_or(Err(gone))
    }
}

/// How the audit log names an account.
pub(crate) fn whose(account: &Account) -> Whose {
    Whose {
        account: account.id(),
        email: account.email().to_owned(),
    }
}
