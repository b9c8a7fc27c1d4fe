//! The accounts in the order of their addresses, of their sign-ins, and of their age.

use identity::email::folded;
use oauth::{Id, Timestamp};

use crate::{
    accounts::Directory,
    records::{self, Batch, List, Members, PageRequest, SortOrder, SortedPage, Sorting, keys},
    state::Account,
    unavailable::Unavailable,
};

/// What accounts are sorted by.
pub(super) struct AccountLists;

impl Sorting for AccountLists {
    type Record = Account;

    fn records() -> List<Account> {
        keys::accounts()
    }

    fn sorted(order: SortOrder) -> List<Account> {
        keys::sorted_accounts(order)
    }

    fn listed(sorted_by: &str, name: &str) -> String {
        keys::listed_account(sorted_by, name)
    }

    fn name(account: &Account) -> String {
        account.id().to_string()
    }

    /// Its address, in the form in which addresses are compared.
    fn called(account: &Account) -> String {
        folded(account.email())
    }

    fn created_at(account: &Account) -> Timestamp {
        account.created_at
    }

    fn last_use(account: &Account) -> Option<Timestamp> {
        account.last_sign_in_at
    }

    fn is_expected(account: &Account, member: &str, now: Timestamp) -> bool {
        account.holds_address(keys::address_of_listed(member), now)
    }
}

impl AccountLists {
    /// The list by address.
    pub(super) fn by_address() -> List<Account> {
        keys::sorted_accounts(SortOrder::Name)
    }

    /// The member of an account with an address in that list.
    pub(super) fn under(email: &str, account: Id) -> String {
        keys::listed_account(&folded(email), &account.to_string())
    }
}

/// Lists an account, in a batch, after its record.
pub(super) fn list_account(batch: &mut Batch, account: &Account) {
    batch.list_name(&keys::accounts(), &account.id().to_string());
    Members::<AccountLists>::of(account).list(batch);
}

/// Moves an account that has signed in, in a batch, after its record.
pub(super) fn move_account(batch: &mut Batch, before: &Account, next: &Account) {
    Members::<AccountLists>::of(before).replace_by(Members::of(next), batch);
}

impl Directory {
    /// A page of the accounts; `prefix` is the beginning of an address.
    pub(crate) async fn sorted_accounts(
        &self,
        request: &PageRequest,
    ) -> Result<SortedPage<Account>, Unavailable> {
        let request = PageRequest {
            prefix: identity::email::folded_prefix(&request.prefix),
            ..request.clone()
        };
        records::page::<AccountLists>(&self.context, &request).await
    }

    /// Builds a part of the lists, or all of them for a few accounts.
    pub(crate) async fn begin_sorting(&self) -> Result<(), Unavailable> {
        for order in SortOrder::ALL {
            records::build_some::<AccountLists>(self.context.store(), order).await?;
        }
        Ok(())
    }

    /// Builds the list of an order from the accounts of earlier releases, unless it is complete.
    pub(crate) async fn sort_accounts(&self, order: SortOrder) -> Result<(), Unavailable> {
        records::build::<AccountLists>(self.context.store(), order).await
    }
}
