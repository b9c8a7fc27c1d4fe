//! Accounts by their addresses, and the list of them all.
//!
//! An account is one record. Its address and its list entry are written after it, so that neither
//! ever refers to an incomplete account. An address without an account is free.

use std::time::Duration;

use identity::{
    Email, FirstAccount, account::NextEmail, attempt::DUMMY_ACCOUNT, email::folded_forms,
    first_account::CLAIM,
};
use oauth::Id;
use store::Ttl;

use crate::{
    accounts::{
        Directory,
        lists::{AccountLists, list_account},
    },
    records::{self, Batch, BatchResults, Change, Key, ReadTicket, Swapped, Versioned, keys},
    state::Account,
    unavailable::Unavailable,
};

/// How many listed accounts are looked at where the first one is looked for.
const LOOKED_AT: usize = 8;

/// A read of the account ids of an address, by each form that it may be stored in.
pub(super) struct AddressRead(Vec<(String, ReadTicket<Id>)>);

impl AddressRead {
    /// Reads them in a batch.
    pub(super) fn of(email: &str, batch: &mut Batch) -> Self {
        let read = |form: String| {
            let id = batch.read(keys::email(&form));
            (form, id)
        };
        Self(folded_forms(email).into_iter().map(read).collect())
    }
}

impl Directory {
    /// The account of an address in any spelling. The store operations depend on the text alone.
    pub(crate) async fn account_of(&self, email: &str) -> Result<Option<Account>, Unavailable> {
        let mut batch = Batch::default();
        let address = AddressRead::of(email, &mut batch);
        let mut results = batch.run(self.context.store()).await?;
        let found = self.account_at(address, &mut results).await?;
        Ok(found.map(|account| account.record))
    }

    /// The account of an address that was read in a batch.
    pub(super) async fn account_at(
        &self,
        address: AddressRead,
        results: &mut BatchResults,
    ) -> Result<Option<Versioned<Account>>, Unavailable> {
        let mut batch = Batch::default();
        let mut tickets = Vec::new();
        for (form, id) in address.0 {
            let id = results.record(&id)?.unwrap_or(DUMMY_ACCOUNT);
            tickets.push((form, batch.read(keys::account(id))));
        }
        let mut results = batch.run(self.context.store()).await?;
        let mut found = None;
        // Another spelling of earlier releases may belong to another account.
        for (form, ticket) in tickets {
            let account: Option<Versioned<Account>> = results.versioned(&ticket)?;
            let account = account.filter(|one| one.record.is_found_by(&form));
            found = found.or(account);
        }
        Ok(found)
    }

    /// Creates an account. `false` when its address belongs to another account; then nothing is
    /// created.
    pub(crate) async fn create_account(
        &self,
        account: &Account,
        email: &Email,
    ) -> Result<bool, Unavailable> {
        let store = self.context.store();
        let key = keys::account(account.id());
        records::insert(store, &key, account, Ttl::Forever).await?;
        let made = self.settle_account(email, account).await;
        if !matches!(made, Ok(true)) {
            // It could not be found to be removed. If this fails too, its address still leads to
            // it.
            let removed = records::remove(store, &key).await;
            if made.is_ok() {
                removed?;
            }
        }
        made
    }

    /// Claims the address of a stored account and lists it. `false` when the address belongs to
    /// another account.
    async fn settle_account(&self, email: &Email, account: &Account) -> Result<bool, Unavailable> {
        let claimed = self.claim(email, account.id()).await?;
        if claimed {
            let mut lists = Batch::default();
            list_account(&mut lists, account);
            lists.run(self.context.store()).await?;
        }
        Ok(claimed)
    }

    /// Creates the first account. `None` when there is one, or another request is creating it, and
    /// `false` when its address belongs to another account; then nothing is created.
    pub(crate) async fn create_first_account(
        &self,
        account: &Account,
        email: &Email,
    ) -> Result<Option<bool>, Unavailable> {
        if !self.claim_first_account(account.id()).await? {
            return Ok(None);
        }
        let made = self.create_account(account, email).await;
        self.settle_first_account(account.id(), matches!(made, Ok(true)))
            .await?;
        made.map(Some)
    }

    /// Claims the first account for a minute, before it is created. `false` when it exists or is
    /// claimed. After a failure in between only the claim remains.
    async fn claim_first_account(&self, account: Id) -> Result<bool, Unavailable> {
        if self.has_accounts().await? {
            return Ok(false);
        }
        let store = self.context.store();
        let key = &keys::FIRST_ACCOUNT;
        let there = Versioned::read(store, key).await?;
        let first = there.as_ref().map(|there| there.record);
        let Some(claim) = FirstAccount::claim(first, account, self.context.now()) else {
            return Ok(false);
        };
        let ttl = records::ttl(CLAIM);
        match there {
            None => records::insert(store, key, &claim, ttl).await,
            Some(there) => {
                let swapped = there.swap(store, key, claim, ttl).await?;
                Ok(matches!(swapped, Swapped::Done(_)))
            }
        }
    }

    /// Makes a claim permanent, or releases it when the account was not created.
    async fn settle_first_account(&self, account: Id, made: bool) -> Result<(), Unavailable> {
        let now = self.context.now();
        let ttl = if made {
            Ttl::Forever
        } else {
            Ttl::For(Duration::ZERO)
        };
        let settle = |there: Option<FirstAccount>| {
            let settled = FirstAccount::settle(there, account, made, now);
            Change {
                next: settled.map(|settled| (settled, ttl)),
                answer: (),
            }
        };
        records::change(self.context.store(), &keys::FIRST_ACCOUNT, settle).await
    }

    /// Whether the first account exists or is being created. The list may contain accounts that
    /// were never completed.
    pub(crate) async fn has_accounts(&self) -> Result<bool, Unavailable> {
        let first: Option<FirstAccount> =
            records::read(self.context.store(), &keys::FIRST_ACCOUNT).await?;
        if first.is_some_and(|first| first.is_taken(self.context.now())) {
            return Ok(true);
        }
        let accounts = self.all_accounts();
        for id in accounts.first_names(LOOKED_AT).await? {
            if records::exists(self.context.store(), &accounts.key(&id)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Claims an address for a stored account. `false` when it belongs to another account.
    async fn claim(&self, email: &Email, account: Id) -> Result<bool, Unavailable> {
        let store = self.context.store();
        let form = email.folded();
        let key = keys::email(&form);
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
        if owner.is_some_and(|owner: Account| owner.holds_address(&form, self.context.now())) {
            return Ok(false);
        }
        match there.swap(store, &key, account, Ttl::Forever).await? {
            Swapped::Done(_) => Ok(true),
            Swapped::Changed(Some(_)) => Ok(false),
            // It was just being released.
            Swapped::Changed(None) => records::insert(store, &key, &account, Ttl::Forever).await,
        }
    }

    /// Removes an account. A failure leaves one that is listed, and can be removed again. Its members
    /// of the lists by time stay until they are read, since it may be one that cannot be read.
    pub(crate) async fn discard(&self, account: Id, email: &str) -> Result<(), Unavailable> {
        records::remove(self.context.store(), &keys::account(account)).await?;
        // A list entry or an address without an account is free, so it may stay.
        if let Err(error) = self.leave_lists(account, email).await {
            tracing::warn!(%error, "the email address of a removed account could not be freed");
        }
        Ok(())
    }

    async fn leave_lists(&self, account: Id, email: &str) -> Result<(), Unavailable> {
        let mut lists = Batch::default();
        lists.unlist_name(&keys::accounts(), &account.to_string());
        let sorted = AccountLists::under(email, account);
        lists.unlist_name(&AccountLists::by_address(), &sorted);
        lists.run(self.context.store()).await?;
        for form in folded_forms(email) {
            self.release(&keys::email(&form), account).await?;
        }
        Ok(())
    }

    /// Releases the address of a removed account, unless another account has claimed it. The store
    /// has no conditional removal, but a conditional swap: the same value with a short lifetime.
    async fn release(&self, key: &Key<Id>, account: Id) -> Result<(), Unavailable> {
        let gone = Ttl::For(Duration::ZERO);
        Versioned::supposed(account)
            .swap(self.context.store(), key, account, gone)
            .await?;
        Ok(())
    }

    /// Changes the address of an account. `None` when it belongs to another account, or the account
    /// has changed since it was read.
    ///
    /// Each step changes one record, and after a failure between two steps exactly one address
    /// leads to the account: the account records the next address, the address is claimed, the
    /// account switches to it, and the old address is released. Of two accounts that want one
    /// address, the claim decides. A link to the old address ends.
    pub(crate) async fn change_address(
        &self,
        account: &Account,
        email: &Email,
    ) -> Result<Option<Account>, Unavailable> {
        let owner = self.account_of(&email.shown()).await?;
        if owner.is_some_and(|owner| owner.id() != account.id()) {
            return Ok(None);
        }
        let had = account.email();
        let session_epoch = account.session_epoch();
        let next = NextEmail::new(email, self.context.now());
        // 1. The account records its next address.
        let announce = |there: Account| {
            let announced = there.announce_email(had, session_epoch, next.clone());
            Ok((announced.ok_or(NotChanged::Refused)?, ()))
        };
        let announced = self
            .change_account(account.id(), announce, NotChanged::Refused)
            .await;
        if !is_changed(announced)? {
            return Ok(None);
        }
        // 2. The address is sorted in and claimed, and the account switches to it.
        let sorted = AccountLists::under(&next.email, account.id());
        let mut lists = Batch::default();
        lists.list_name(&AccountLists::by_address(), &sorted);
        lists.run(self.context.store()).await?;
        let claimed = self.claim(email, account.id()).await?;
        let now = self.context.now();
        let take = |there: Account| Ok(there.take_email(had, session_epoch, &next, claimed, now));
        let taken = self
            .change_account(account.id(), take, NotChanged::Refused)
            .await;
        let taken = match taken {
            Ok((changed, taken)) => taken.then_some(changed),
            Err(NotChanged::Refused) => None,
            Err(NotChanged::Unavailable(error)) => return Err(error),
        };
        // 3. The address that it has not is free.
        let (left, has) = match &taken {
            Some(_) => (had, next.email.as_str()),
            None => (next.email.as_str(), had),
        };
        self.leave_address(account.id(), left, has).await;
        Ok(taken)
    }

    /// Takes an account out from under an address that it has not. An address that leads to an
    /// account which has another one is free, and a member of the sorted list that does not fit is
    /// skipped: both may stay.
    async fn leave_address(&self, account: Id, left: &str, has: &str) {
        let [sorted, kept] = [left, has].map(|email| AccountLists::under(email, account));
        let mut lists = Batch::default();
        if sorted != kept {
            lists.unlist_name(&AccountLists::by_address(), &sorted);
        }
        if let Err(error) = lists.run(self.context.store()).await {
            tracing::warn!(%error, "an account is still listed under an email address that it does not have");
        }
        let kept = folded_forms(has);
        for form in folded_forms(left)
            .iter()
            .filter(|form| !kept.contains(form))
        {
            if let Err(error) = self.release(&keys::email(form), account).await {
                tracing::warn!(%error, "the earlier email address of an account could not be freed");
            }
        }
    }
}

/// Why an account was not changed.
enum NotChanged {
    /// It is gone, or has changed since it was read.
    Refused,
    /// The store does not answer.
    Unavailable(Unavailable),
}

impl From<Unavailable> for NotChanged {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

fn is_changed<T>(changed: Result<T, NotChanged>) -> Result<bool, Unavailable> {
    match changed {
        Ok(_) => Ok(true),
        Err(NotChanged::Refused) => Ok(false),
        Err(NotChanged::Unavailable(error)) => Err(error),
    }
}
