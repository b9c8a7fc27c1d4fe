//! People: their accounts, and who is signed in.
//!
//! An account is one record. Its address and its place in the list of all accounts are written after it, so that neither
//! ever leads to an account that is only half there: an address that leads nowhere is free.

pub(crate) mod ceremony;
pub(crate) mod email;
pub(crate) mod invitation;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod session;

use std::time::Duration;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Keep, Swap};
use thiserror::Error;

pub use invitation::{EnrolError, Invitation, Purpose};
pub use passkey::{Ceremony, PasskeyError, PasskeyView};

use self::{email::Email, passkey::StoredPasskey, session::Session};
use crate::{Provider, Visitor, keys, problem::Unavailable, record};

/// Nobody has it. Looked up in place of an account that is not there, so that both take the same number of steps.
const NOBODY: Id = Id::new([0; 16]);
const A_FEW: usize = 8;

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their account.
    pub account: Id,
    /// Their address, as it was typed when the account was made.
    pub email: String,
    /// When they last showed a credential.
    pub authenticated_at: Timestamp,
}

/// What a person sees of their own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Their address.
    pub email: String,
    /// Their passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// Whether they can sign in with a password too.
    pub has_password: bool,
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
    /// The store does not answer.
    #[error("the store is unavailable")]
    Unavailable,
}

impl From<Unavailable> for SignInError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// An account, as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: Id,
    /// As typed; it is found by [`Email::key`].
    pub(crate) email: String,
    pub(crate) disabled: bool,
    /// An argon2id hash as a PHC string.
    pub(crate) password: Option<String>,
    pub(crate) passkeys: Vec<StoredPasskey>,
    pub(crate) created_at: Timestamp,
    /// Raised to end every session there is, in the same step that gives the reason: a session holds the generation that
    /// it began in.
    pub(crate) generation: u64,
}

/// What every token request asks of an account, read out of the same record: passkeys take long to read.
#[derive(Deserialize)]
pub(crate) struct Standing {
    disabled: bool,
}

impl Standing {
    /// Whether the account may be used.
    pub(crate) const fn is_active(&self) -> bool {
        !self.disabled
    }
}

impl Account {
    pub(crate) fn new(id: Id, email: &Email, created_at: Timestamp) -> Self {
        let (disabled, password, passkeys, generation) = (false, None, Vec::new(), 0);
        Self { id, email: email.as_typed().to_owned(), disabled, password, passkeys, created_at, generation }
    }

    /// Whether it may be used.
    pub(crate) const fn is_active(&self) -> bool {
        !self.disabled
    }

    /// Whether there is any way to sign in.
    pub(crate) const fn has_credentials(&self) -> bool {
        self.password.is_some() || !self.passkeys.is_empty()
    }
}

impl Provider {
    /// Who is signed in. A disabled account is signed in nowhere.
    pub async fn signed_in(&self, visitor: &Visitor) -> Result<Option<Person>, Unavailable> {
        let found = self.signed_in_account(visitor).await?;
        let person = |(session, account): (Session, Account)| Person {
            account: account.id,
            email: account.email,
            authenticated_at: session.authenticated_at,
        };
        Ok(found.map(person))
    }

    /// The account of who is signed in.
    pub async fn account(&self, visitor: &Visitor) -> Result<Option<AccountView>, Unavailable> {
        let found = self.signed_in_account(visitor).await?;
        Ok(found.map(|(_, account)| AccountView {
            has_password: account.password.is_some(),
            passkeys: account.passkeys.iter().map(StoredPasskey::view).collect(),
            email: account.email,
        }))
    }

    /// An account that exists and is not disabled.
    pub(crate) async fn active_account(&self, id: Id) -> Result<Option<Account>, Unavailable> {
        Ok(record::read(self.store(), &keys::account(id)).await?.filter(Account::is_active))
    }

    /// The session of a browser with its account, if both are alive.
    pub(crate) async fn signed_in_account(&self, visitor: &Visitor) -> Result<Option<(Session, Account)>, Unavailable> {
        let Some(session) = self.session(visitor).await? else { return Ok(None) };
        let account = self.active_account(session.account).await?;
        Ok(account.filter(|account| account.generation == session.generation).map(|account| (session, account)))
    }

    /// The account of an address.
    pub(crate) async fn account_of(&self, email: &Email) -> Result<Option<Account>, Unavailable> {
        let id = record::read(self.store(), &email.key()).await?;
        record::read(self.store(), &keys::account(id.unwrap_or(NOBODY))).await
    }

    /// Makes an account. `false` when its address belongs to another; then nothing was made.
    pub(crate) async fn create_account(&self, account: &Account, email: &Email) -> Result<bool, Unavailable> {
        let (store, key) = (self.store(), keys::account(account.id));
        record::insert(store, &key, account, Keep::Forever).await?;
        if !self.claim(email, account.id).await? {
            store.remove(&key).await?;
            return Ok(false);
        }
        if let Err(error) = store.enlist(keys::ACCOUNTS, &account.id.to_string()).await {
            // Nobody could find it to remove it. If this fails too, its address still leads to it.
            store.remove(&key).await.ok();
            return Err(error.into());
        }
        Ok(true)
    }

    /// Notes who made the first account. `false` when another did.
    pub(crate) async fn note_first_account(&self, account: Id) -> Result<bool, Unavailable> {
        record::insert(self.store(), keys::FIRST_ACCOUNT, &account, Keep::Forever).await
    }

    /// Whether the first account was made. The list may name accounts that were never finished.
    pub(crate) async fn has_accounts(&self) -> Result<bool, Unavailable> {
        if self.store().get(keys::FIRST_ACCOUNT).await?.is_some() {
            return Ok(true);
        }
        for id in self.store().members(keys::ACCOUNTS, None, A_FEW).await?.iter().filter_map(|id| Id::parse(id)) {
            if self.store().get(&keys::account(id)).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Changes an account; `None` when it is not there. `decide` is asked anew whenever another was faster.
    pub(crate) async fn change_account<A>(
        &self,
        id: Id,
        mut decide: impl FnMut(&mut Account) -> A,
    ) -> Result<Option<A>, Unavailable> {
        let change = |current: Option<Account>| match current {
            None => record::Change { next: None, answer: None },
            Some(mut account) => {
                let answer = Some(decide(&mut account));
                record::Change { next: Some((account, Keep::Forever)), answer }
            }
        };
        record::change(self.store(), &keys::account(id), change).await
    }

    /// Gives an address to an account that is already stored. `false` when it belongs to another.
    async fn claim(&self, email: &Email, account: Id) -> Result<bool, Unavailable> {
        let (store, key, own) = (self.store(), email.key(), record::encode(&account));
        if store.insert(&key, &own, Keep::Forever).await? {
            return Ok(true);
        }
        let Some(there) = store.get(&key).await? else { return Ok(store.insert(&key, &own, Keep::Forever).await?) };
        let owner = record::decode(&key, &there)?;
        if record::read::<Account>(store, &keys::account(owner)).await?.is_some() {
            return Ok(false);
        }
        match store.compare_and_swap(&key, &there, &own, Keep::Forever).await? {
            Swap::Done => Ok(true),
            Swap::Changed(Some(_)) => Ok(false),
            // It was just being released.
            Swap::Changed(None) => Ok(store.insert(&key, &own, Keep::Forever).await?),
        }
    }

    /// Removes an account with its address and its place in the list. A failure leaves an account that can be found, and
    /// removed, again.
    pub(crate) async fn discard(&self, account: &Account) -> Result<(), Unavailable> {
        self.store().delist(keys::ACCOUNTS, &account.id.to_string()).await?;
        self.store().remove(&keys::account(account.id)).await?;
        match Email::parse(&account.email) {
            Some(email) => self.release(&email, account.id).await,
            None => Ok(()),
        }
    }

    /// Frees the address of an account that was removed, unless another has claimed it by now. The store cannot remove on
    /// a condition, but it can swap on one: for the same value that is gone in a moment.
    async fn release(&self, email: &Email, account: Id) -> Result<(), Unavailable> {
        let own = record::encode(&account);
        self.store().compare_and_swap(&email.key(), &own, &own, Keep::For(Duration::ZERO)).await?;
        Ok(())
    }
}
