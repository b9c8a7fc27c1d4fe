//! Accounts by their addresses, and the list of them all.
//!
//! An account is one record. Its address and its place in the list are written after it, so that neither ever leads to an
//! account that is only half there: an address that leads nowhere is free.

use std::time::Duration;

use oauth::Id;
use store::{Keep, Swap};

use super::{Account, NOBODY, email::Email};
use crate::{Provider, keys, problem::Unavailable, record};

const A_FEW: usize = 8;

impl Provider {
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
