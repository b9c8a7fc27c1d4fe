//! What the command line does: accounts by hand, and in a file of their own, clients.

mod clients;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use clients::{AddedClient, ClientSummary};

use crate::{
    Provider,
    accounts::{
        Account,
        email::Email,
        password::{self, Unfit},
    },
    keys,
    problem::Unavailable,
    record,
};

const A_PAGE: usize = 256;

/// Why a command was not carried out, as a sentence for the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdministrationError {
    /// What it names does not exist.
    #[error("{0}")]
    NotFound(String),
    /// What it was given cannot be.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// The store does not answer.
    #[error("the store does not answer; nothing was half done, so try again")]
    Unavailable,
}

impl From<Unavailable> for AdministrationError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<store::Error> for AdministrationError {
    fn from(error: store::Error) -> Self {
        Unavailable::from(error).into()
    }
}

impl From<Unfit> for AdministrationError {
    fn from(unfit: Unfit) -> Self {
        Self::Invalid(match unfit {
            Unfit::TooShort => format!("a password needs at least {} characters", password::FEWEST_CHARACTERS),
            Unfit::TooLong => format!("a password has at most {} bytes", password::MOST_BYTES),
        })
    }
}

/// An account, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSummary {
    /// Its identifier.
    pub id: Id,
    /// Its e-mail address, as typed.
    pub email: String,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// How many passkeys it has.
    pub passkeys: usize,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was made, in seconds since 1970.
    pub created_at: Timestamp,
}

/// An account that was added. It has no Debug: the link is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedAccount {
    /// The account.
    pub account: AccountSummary,
    /// The one-time link for its person, unless it was given a password.
    pub enrolment_link: Option<String>,
}

type Done<T = ()> = Result<T, AdministrationError>;

impl Provider {
    /// Adds an account with a password, or with a link for its person to choose a credential by. An account that exists gets
    /// the new password, or a new link as long as it has no credentials.
    pub async fn add_account(&self, email: &str, password: Option<&str>) -> Done<AddedAccount> {
        let email =
            Email::parse(email).ok_or_else(|| AdministrationError::Invalid(format!("{email:?} is not an e-mail address")))?;
        let hash = match password {
            None => None,
            Some(password) => {
                password::judge(password)?;
                Some(self.hash_password(password).await?)
            }
        };
        let account = match self.account_of(&email).await? {
            Some(account) => self.renew(account, hash).await?,
            None => self.add_new_account(&email, hash).await?,
        };
        let enrolment_link = if password.is_none() { Some(self.enrolment_link(account.id).await?) } else { None };
        Ok(AddedAccount { account: AccountSummary::of(&account), enrolment_link })
    }

    /// All accounts, by address.
    pub async fn accounts(&self) -> Done<Vec<AccountSummary>> {
        let mut accounts = Vec::new();
        for id in self.all(keys::ACCOUNTS).await?.iter().filter_map(|id| Id::parse(id)) {
            let account: Option<Account> = record::read(self.store(), &keys::account(id)).await?;
            accounts.extend(account.as_ref().map(AccountSummary::of));
        }
        accounts.sort_by(|one, other| one.email.cmp(&other.email));
        Ok(accounts)
    }

    /// Keeps an account from signing in, and ends its sessions and all that it allowed.
    pub async fn disable_account(&self, email: &str) -> Done {
        let account = self.existing_account(email).await?;
        self.suspend(account.id).await
    }

    /// Lets a disabled account sign in again. What it had allowed stays ended.
    pub async fn enable_account(&self, email: &str) -> Done {
        let account = self.existing_account(email).await?;
        // Disabling may have stopped half way: what it left of sessions and grants must not come back to life.
        self.suspend(account.id).await?;
        self.change_account(account.id, |account| account.disabled = false).await?.ok_or_else(|| unknown(email))
    }

    /// Removes an account for good, and ends its sessions and all that it allowed. When it fails half way, the account is
    /// disabled and can be removed again.
    pub async fn remove_account(&self, email: &str) -> Done {
        let account = self.existing_account(email).await?;
        self.suspend(account.id).await?;
        Ok(self.discard(&account).await?)
    }

    async fn existing_account(&self, email: &str) -> Done<Account> {
        let account = match Email::parse(email) {
            Some(email) => self.account_of(&email).await?,
            None => None,
        };
        account.ok_or_else(|| unknown(email))
    }

    async fn add_new_account(&self, email: &Email, password: Option<String>) -> Done<Account> {
        let account = Account { password, ..Account::new(self.entropy().id(), email, self.now()) };
        if !self.create_account(&account, email).await? {
            return Err(AdministrationError::Conflict(format!("{} has just been added by someone else", email.as_typed())));
        }
        self.note_first_account(account.id).await?;
        Ok(account)
    }

    /// A new password ends what the old one may have opened for someone else: sessions, and all that they allowed.
    async fn renew(&self, account: Account, password: Option<String>) -> Done<Account> {
        let Some(hash) = password else { return waiting(account) };
        let set = |account: &mut Account| {
            account.password = Some(hash.clone());
            account.generation += 1;
            account.clone()
        };
        let changed = self.change_account(account.id, set).await?.ok_or_else(|| unknown(&account.email))?;
        self.end_sessions(account.id).await?;
        self.withdraw_all(account.id).await?;
        Ok(changed)
    }

    /// Disables an account: from this one step on nothing of it works. The rest clears away.
    async fn suspend(&self, account: Id) -> Done {
        let disable = |account: &mut Account| {
            account.disabled = true;
            account.generation += 1;
        };
        self.change_account(account, disable).await?;
        self.end_sessions(account).await?;
        Ok(self.withdraw_all(account).await?)
    }

    /// All names in a list.
    pub(crate) async fn all(&self, list: &str) -> Result<Vec<String>, Unavailable> {
        let mut names = Vec::new();
        loop {
            let page = self.store().members(list, names.last().map(String::as_str), A_PAGE).await?;
            let complete = page.len() < A_PAGE;
            names.extend(page);
            if complete {
                return Ok(names);
            }
        }
    }
}

impl AccountSummary {
    fn of(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.clone(),
            disabled: account.disabled,
            passkeys: account.passkeys.len(),
            has_password: account.password.is_some(),
            created_at: account.created_at,
        }
    }
}

fn unknown(email: &str) -> AdministrationError {
    AdministrationError::NotFound(format!("there is no account {email:?}"))
}

/// An account that a link may be made for.
fn waiting(account: Account) -> Done<Account> {
    let conflict = |why| Err(AdministrationError::Conflict(format!("{} {why}", account.email)));
    if account.has_credentials() {
        return conflict("has an account and can sign in already");
    }
    if account.disabled {
        return conflict("has an account that is disabled: enable it first");
    }
    Ok(account)
}
