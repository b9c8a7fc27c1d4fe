//! Accounts by their addresses, and the list of them all.
//!
//! An account is one record. Its address and its place in the list are written after it, so that neither ever leads to an
//! account that is only half there: an address that leads nowhere is free.

use std::time::Duration;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Keep, Swap};

use super::{Account, NOBODY, email::Email};
use crate::{Provider, keys, problem::Unavailable, record};

const A_FEW: usize = 8;
const CLAIM: Duration = Duration::from_mins(1);

/// Who made the first account, as stored.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum FirstAccount {
    Made(Id),
    /// Who is making it.
    Claimed {
        account: Id,
        until: Timestamp,
    },
}

impl FirstAccount {
    fn stands(self, now: Timestamp) -> bool {
        match self {
            Self::Made(_) => true,
            Self::Claimed { until, .. } => !until.has_passed(now),
        }
    }
}

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
        let made = self.settle_account(email, account.id).await;
        if !matches!(made, Ok(true)) {
            // Nobody could find it to remove it. If this fails too, its address still leads to it.
            let removed = store.remove(&key).await;
            if made.is_ok() {
                removed?;
            }
        }
        made
    }

    /// Lets an account that is stored be found. `false` when its address belongs to another.
    async fn settle_account(&self, email: &Email, account: Id) -> Result<bool, Unavailable> {
        let claimed = self.claim(email, account).await?;
        if claimed {
            self.store().enlist(keys::ACCOUNTS, &account.to_string()).await?;
        }
        Ok(claimed)
    }

    /// Makes the first account. `None` when there is one, or another is making it, and `false` when its address belongs to another;
    /// then nothing was made.
    pub(crate) async fn create_first_account(&self, account: &Account, email: &Email) -> Result<Option<bool>, Unavailable> {
        if !self.claim_first_account(account.id).await? {
            return Ok(None);
        }
        let made = self.create_account(account, email).await;
        self.settle_first_account(account.id, matches!(made, Ok(true))).await?;
        made.map(Some)
    }

    /// Claims, for a minute, that an account which is about to be made is the first one. `false` when there is one, or another has
    /// the claim. Whoever fails half way leaves nothing behind but the minute.
    async fn claim_first_account(&self, account: Id) -> Result<bool, Unavailable> {
        if self.has_accounts().await? {
            return Ok(false);
        }
        let (store, now) = (self.store(), self.now());
        let claim = FirstAccount::Claimed { account, until: now.after(CLAIM) };
        let Some(there) = store.get(keys::FIRST_ACCOUNT).await? else {
            return record::insert(store, keys::FIRST_ACCOUNT, &claim, record::keep(CLAIM)).await;
        };
        if record::decode::<FirstAccount>(keys::FIRST_ACCOUNT, &there)?.stands(now) {
            return Ok(false);
        }
        let swap = store.compare_and_swap(keys::FIRST_ACCOUNT, &there, &record::encode(&claim), record::keep(CLAIM)).await?;
        Ok(matches!(swap, Swap::Done))
    }

    /// Makes a claim last, or gives it up when the account was not made.
    async fn settle_first_account(&self, account: Id, made: bool) -> Result<(), Unavailable> {
        let settled = if made {
            (FirstAccount::Made(account), Keep::Forever)
        } else {
            (FirstAccount::Claimed { account, until: self.now() }, Keep::For(Duration::ZERO))
        };
        let settle = |there: Option<FirstAccount>| {
            let own = there.is_some_and(|there| matches!(there, FirstAccount::Claimed { account: by, .. } if by == account));
            record::Change { next: own.then_some(settled), answer: () }
        };
        record::change(self.store(), keys::FIRST_ACCOUNT, settle).await
    }

    /// Whether the first account was made, or is being made. The list may name accounts that were never finished.
    pub(crate) async fn has_accounts(&self) -> Result<bool, Unavailable> {
        let first: Option<FirstAccount> = record::read(self.store(), keys::FIRST_ACCOUNT).await?;
        if first.is_some_and(|first| first.stands(self.now())) {
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

    /// Removes an account. A failure leaves one that is listed, and can be removed again.
    pub(crate) async fn discard(&self, account: Id, email: &str) -> Result<(), Unavailable> {
        self.store().remove(&keys::account(account)).await?;
        // A place in the list, or an address, that leads nowhere is nobody's: it may stay.
        if let Err(error) = self.leave_lists(account, email).await {
            tracing::warn!(%error, "a removed account has left its address behind");
        }
        Ok(())
    }

    async fn leave_lists(&self, account: Id, email: &str) -> Result<(), Unavailable> {
        self.store().delist(keys::ACCOUNTS, &account.to_string()).await?;
        match Email::parse(email) {
            Some(email) => self.release(&email, account).await,
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
