//! Accounts by their addresses, and the list of them all.
//!
//! An account is one record. Its address and its place in the list are written after it, so that
//! neither ever leads to an account that is only half there: an address that leads nowhere is free.

use std::time::Duration;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use store::Ttl;

use super::{
    Account, DUMMY_ACCOUNT,
    account::NextEmail,
    email::{self, Email},
};
use crate::{
    Provider, keys,
    problem::Unavailable,
    records::{self, Key, Swapped, Versioned},
};

const A_FEW: usize = 8;
const CLAIM: Duration = Duration::from_mins(1);

/// Who made the first account, as stored.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum FirstAccount {
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
    /// The account of an address, however it is spelled. How many steps it takes follows from the
    /// text alone.
    pub(crate) async fn account_of(&self, email: &str) -> Result<Option<Account>, Unavailable> {
        let (mut found, mut tried) = (None, false);
        let keys = email::keys_of(email);
        for key in &keys {
            let Some(id) = records::read::<Id>(self.store(), key).await? else {
                continue;
            };
            // Another spelling of earlier releases may lead to another account, if at all.
            if found.is_none() {
                tried = true;
                found = records::read::<Account>(self.store(), &keys::account(id))
                    .await?
                    .filter(|one| one.is_found_by(key));
            }
        }
        if !tried && !keys.is_empty() {
            records::read::<Account>(self.store(), &keys::account(DUMMY_ACCOUNT)).await?;
        }
        Ok(found)
    }

    /// Makes an account. `false` when its address belongs to another; then nothing was made.
    pub(crate) async fn create_account(
        &self,
        account: &Account,
        email: &Email,
    ) -> Result<bool, Unavailable> {
        let (store, key) = (self.store(), keys::account(account.id));
        records::insert(store, &key, account, Ttl::Forever).await?;
        let made = self.settle_account(email, account.id).await;
        if !matches!(made, Ok(true)) {
            // Nobody could find it to remove it. If this fails too, its address still leads to it.
            let removed = records::remove(store, &key).await;
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
            self.all_accounts().list_name(&account.to_string()).await?;
        }
        Ok(claimed)
    }

    /// Makes the first account. `None` when there is one, or another is making it, and `false` when
    /// its address belongs to another; then nothing was made.
    pub(crate) async fn create_first_account(
        &self,
        account: &Account,
        email: &Email,
    ) -> Result<Option<bool>, Unavailable> {
        if !self.claim_first_account(account.id).await? {
            return Ok(None);
        }
        let made = self.create_account(account, email).await;
        self.settle_first_account(account.id, matches!(made, Ok(true)))
            .await?;
        made.map(Some)
    }

    /// Claims, for a minute, that an account which is about to be made is the first one. `false`
    /// when there is one, or another has the claim. Whoever fails half way leaves nothing behind
    /// but the minute.
    async fn claim_first_account(&self, account: Id) -> Result<bool, Unavailable> {
        if self.has_accounts().await? {
            return Ok(false);
        }
        let (store, now) = (self.store(), self.now());
        let claim = FirstAccount::Claimed {
            account,
            until: now.after(CLAIM),
        };
        let Some(there) = Versioned::read(store, &keys::FIRST_ACCOUNT).await? else {
            return records::insert(store, &keys::FIRST_ACCOUNT, &claim, records::ttl(CLAIM)).await;
        };
        if there.record.stands(now) {
            return Ok(false);
        }
        let swapped = there
            .swap(store, &keys::FIRST_ACCOUNT, claim, records::ttl(CLAIM))
            .await?;
        Ok(matches!(swapped, Swapped::Done(_)))
    }

    /// Makes a claim last, or gives it up when the account was not made.
    async fn settle_first_account(&self, account: Id, made: bool) -> Result<(), Unavailable> {
        let settled = if made {
            (FirstAccount::Made(account), Ttl::Forever)
        } else {
            (
                FirstAccount::Claimed {
                    account,
                    until: self.now(),
                },
                Ttl::For(Duration::ZERO),
            )
        };
        let settle = |there: Option<FirstAccount>| {
            let own = there.is_some_and(
                |there| matches!(there, FirstAccount::Claimed { account: by, .. } if by == account),
            );
            records::Change {
                next: own.then_some(settled),
                answer: (),
            }
        };
        records::change(self.store(), &keys::FIRST_ACCOUNT, settle).await
    }

    /// Whether the first account was made, or is being made. The list may name accounts that were
    /// never finished.
    pub(crate) async fn has_accounts(&self) -> Result<bool, Unavailable> {
        let first: Option<FirstAccount> = records::read(self.store(), &keys::FIRST_ACCOUNT).await?;
        if first.is_some_and(|first| first.stands(self.now())) {
            return Ok(true);
        }
        let accounts = self.all_accounts();
        for id in accounts.first_names(A_FEW).await? {
            if records::exists(self.store(), &accounts.key(&id)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives an address to an account that is already stored. `false` when it belongs to another.
    async fn claim(&self, email: &Email, account: Id) -> Result<bool, Unavailable> {
        let (store, key) = (self.store(), email.key());
        if records::insert(store, &key, &account, Ttl::Forever).await? {
            return Ok(true);
        }
        let Some(there) = Versioned::read(store, &key).await? else {
            return records::insert(store, &key, &account, Ttl::Forever).await;
        };
        if there.record == account {
            return Ok(true);
        }
        let owner = records::read(store, &keys::account(there.record)).await?;
        if owner.is_some_and(|owner: Account| owner.holds(&key, self.now())) {
            return Ok(false);
        }
        match there.swap(store, &key, account, Ttl::Forever).await? {
            Swapped::Done(_) => Ok(true),
            Swapped::Changed(Some(_)) => Ok(false),
            // It was just being released.
            Swapped::Changed(None) => records::insert(store, &key, &account, Ttl::Forever).await,
        }
    }

    /// Removes an account. A failure leaves one that is listed, and can be removed again.
    pub(crate) async fn discard(&self, account: Id, email: &str) -> Result<(), Unavailable> {
        records::remove(self.store(), &keys::account(account)).await?;
        // A place in the list, or an address, that leads nowhere is nobody's: it may stay.
        if let Err(error) = self.leave_lists(account, email).await {
            tracing::warn!(%error, "a removed account has left its address behind");
        }
        Ok(())
    }

    async fn leave_lists(&self, account: Id, email: &str) -> Result<(), Unavailable> {
        self.all_accounts()
            .unlist_name(&account.to_string())
            .await?;
        for key in email::keys_of(email) {
            self.release(&key, account).await?;
        }
        Ok(())
    }

    /// Frees the address of an account that was removed, unless another has claimed it by now. The
    /// store cannot remove on a condition, but it can swap on one: for the same value that is gone
    /// in a moment.
    async fn release(&self, key: &Key<Id>, account: Id) -> Result<(), Unavailable> {
        let gone = Ttl::For(Duration::ZERO);
        Versioned::supposed(account)
            .swap(self.store(), key, account, gone)
            .await?;
        Ok(())
    }

    /// Gives an account another address. `None` when that belongs to another account, or the
    /// account has changed meanwhile.
    ///
    /// Each step is one record, and whatever fails in between leaves the account with one address
    /// that leads to it: the record says which it will have, the address is claimed, the record
    /// says that it has it, and the old one is free. Of two accounts that want one address, the
    /// claim lets one have it. A link that went to the old address ends.
    pub(crate) async fn change_address(
        &self,
        account: &Account,
        email: &Email,
    ) -> Result<Option<Account>, Unavailable> {
        if self
            .account_of(&email.shown())
            .await?
            .is_some_and(|other| other.id != account.id)
        {
            return Ok(None);
        }
        let next = NextEmail {
            email: email.shown(),
            until: self.now().after(CLAIM),
        };
        let unchanged = |there: &Account| {
            there.email == account.email && there.generation == account.generation
        };
        let announce = |there: &mut Account| {
            let good = unchanged(there);
            if good {
                there.next_email = Some(next.clone());
            }
            good
        };
        if self.change_account(account.id, announce).await? != Some(true) {
            return Ok(None);
        }
        let claimed = self.claim(email, account.id).await?;
        let now = self.now();
        let take = |there: &mut Account| {
            let own = there.next_email.as_ref() == Some(&next);
            if own {
                there.next_email = None;
            }
            (own && claimed && unchanged(there) && !next.until.has_passed(now)).then(|| {
                there.email.clone_from(&next.email);
                there.withdraw_link(now);
                there.clone()
            })
        };
        let taken = self.change_account(account.id, take).await?.flatten();
        let (had, has) = match &taken {
            Some(_) => (&account.email, &next.email),
            None => (&next.email, &account.email),
        };
        let kept = email::keys_of(has);
        for key in email::keys_of(had).iter().filter(|key| !kept.contains(key)) {
            // An address that leads to an account which has another is nobody's: it may stay.
            if let Err(error) = self.release(key, account.id).await {
                tracing::warn!(%error, "an account that has another address has left the earlier one behind");
            }
        }
        Ok(taken)
    }
}
