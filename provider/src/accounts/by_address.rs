//! The accounts in the order of their addresses.

use identity::email::folded;
use oauth::{Id, Timestamp};

use crate::{
    accounts::Directory,
    records::{self, List, PageRequest, SortedPage, Sorting, keys},
    state::Account,
    unavailable::Unavailable,
};

/// By the form in which addresses are compared.
pub(super) struct ByAddress;

impl Sorting for ByAddress {
    type Record = Account;
    const NAME: &'static str = "accounts-by-address";

    fn records() -> List<Account> {
        keys::accounts()
    }

    fn sorted() -> List<Account> {
        keys::accounts_by_address()
    }

    fn member(account: &Account) -> Option<String> {
        Some(Self::member_of(account.email(), account.id()))
    }

    fn unreadable(name: &str) -> String {
        keys::listed_address("", name)
    }

    fn is_expected(account: &Account, member: &str, now: Timestamp) -> bool {
        account.holds_address(keys::address_of_listed(member), now)
    }
}

impl ByAddress {
    /// The member of an account with an address.
    pub(super) fn member_of(email: &str, account: Id) -> String {
        keys::listed_address(&folded(email), &account.to_string())
    }
}

impl Directory {
    /// A page of the accounts by address; `prefix` is the beginning of an address.
    pub(crate) async fn accounts_by_address(
        &self,
        request: &PageRequest,
    ) -> Result<SortedPage<Account>, Unavailable> {
        let request = PageRequest {
            prefix: identity::email::folded_prefix(&request.prefix),
            ..request.clone()
        };
        records::page::<ByAddress>(&self.context, &request).await
    }

    /// Builds a part of the list, or all of it for a few accounts.
    pub(crate) async fn begin_sorting(&self) -> Result<(), Unavailable> {
        records::build_some::<ByAddress>(self.context.store())
            .await
            .map(drop)
    }

    /// Builds the list from the accounts of earlier releases, unless it is complete.
    pub(crate) async fn sort_accounts(&self) -> Result<(), Unavailable> {
        records::build::<ByAddress>(self.context.store()).await
    }
}
