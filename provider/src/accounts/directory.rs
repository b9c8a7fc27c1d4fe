//! Accounts as records: read, changed by transitions, listed.

use oauth::Id;
use store::Ttl;

use crate::{
    context::Context,
    records::{self, Change, Collection, keys},
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
    pub(crate) async fn active_account(&self, id: Id) -> Result<Option<Account>, Unavailable> {
        Ok(records::read(self.context.store(), &keys::account(id))
            .await?
            .filter(|account| account.is_active()))
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
        records::change(self.context.store(), &keys::account(id), change)
            .await?
            .unwrap_or(Err(gone))
    }
}
