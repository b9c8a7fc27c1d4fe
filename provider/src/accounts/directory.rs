//! Accounts as records: read, changed by transitions, listed.

use oauth::Id;
use store::Ttl;

use crate::{
    context::Context,
    records::{self, Change, Collection, Versioned, keys},
    state::Account,
    unavailable::Unavailable,
};

/// The accounts of the store.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(super) context: Context,
}

impl Directory {
    pub(crate) const fn new(context: Context) -> Self {
        Self { context }
    }

    /// An account that exists and is not disabled.
    pub(crate) async fn active_account(
        &self,
        id: Id,
    ) -> Result<Option<Versioned<Account>>, Unavailable> {
        let account = Versioned::read(self.context.store(), &keys::account(id)).await?;
        Ok(account.filter(|account: &Versioned<Account>| account.record.is_active()))
    }

    /// The list of accounts.
    pub(crate) fn all_accounts(&self) -> Collection<'_, Account> {
        Collection::new(self.context.store(), keys::accounts())
    }

    /// Changes an account by a transition; returns its next state and the answer. A refusal changes
    /// nothing. `transition` is called again when another writer was faster; `gone` is the error
    /// when the account does not exist.
    pub(crate) async fn change_account<A, E: From<Unavailable>>(
        &self,
        id: Id,
        transition: impl FnMut(Account) -> Result<(Account, A), E>,
        gone: E,
    ) -> Result<(Account, A), E> {
        let current = Versioned::read(self.context.store(), &keys::account(id)).await?;
        self.change_account_from(id, current, transition, gone)
            .await
    }

    /// The same, starting from what was read.
    pub(crate) async fn change_account_from<A, E: From<Unavailable>>(
        &self,
        id: Id,
        current: Option<Versioned<Account>>,
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
        records::change_from(self.context.store(), &keys::account(id), current, change)
            .await?
            .unwrap_or(Err(gone))
    }
}
