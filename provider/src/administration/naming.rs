//! By which address users sign in, and what they are called.

use identity::DisplayName;

use super::{
    AccountAdministration, AccountSummary, Done, StateConflict,
    accounts::{address, unknown},
};
use crate::state::{Account, audit::AuditAction};

impl AccountAdministration<'_> {
    /// Changes the address of an account, with which its user signs in from now on. Sessions
    /// continue; a pending link ends.
    pub async fn change_email(&self, email: &str, new: &str) -> Done<AccountSummary> {
        let account = self.existing_account(email).await?;
        let new = address(new)?;
        let taken = || StateConflict::AddressTaken(new.shown());
        let changed = self
            .services()
            .accounts
            .directory
            .change_address(&account, &new)
            .await?
            .ok_or_else(taken)?;
        self.note(
            AuditAction::AccountEmailSet,
            &changed,
            Some(account.email()),
        )
        .await;
        Ok(self.summary(&changed))
    }

    /// Sets the name of an account; an empty one removes it.
    pub async fn set_name(&self, email: &str, typed: &str) -> Done<AccountSummary> {
        let name = DisplayName::read(typed)?;
        let account = self.existing_account(email).await?;
        if account.name == name {
            return Ok(self.summary(&account));
        }
        let set = |account: Account| Ok((account.with_name(name.clone()), ()));
        let directory = &self.services().accounts.directory;
        let (changed, ()) = directory
            .change_account(account.id(), set, unknown(email))
            .await?;
        let action = if name.is_some() {
            AuditAction::AccountNameSet
        } else {
            AuditAction::AccountNameRemoved
        };
        self.note(action, &changed, changed.name()).await;
        Ok(self.summary(&changed))
    }
}
