//! Disabling, enabling and removing accounts.
//!
//! Each operation has one decisive step, which is then recorded in the audit log. The cleanup after
//! it continues after errors.

use identity::{
    Rights, Role,
    rights::{ShortPasswordAlone, may_change_rights},
};

use oauth::Id;

use super::{
    AccountAdministration, Administration, AdministrationError, Done, StateConflict,
    UnfinishedOperation, accounts::unknown,
};
use crate::{
    accounts::Subject,
    state::audit::{AccountName, AuditAction},
    unavailable::Unavailable,
};

impl AccountAdministration<'_> {
    /// Disables an account. Nothing of it counts from then on; its sessions and grants, which may be
    /// many, are removed after the response.
    pub async fn disable_account(&self, email: &str) -> Done {
        let account = self.other_subject(email).await?;
        self.suspend(&account).await?;
        self.note_subject(AuditAction::AccountDisabled, &account, None)
            .await;
        let administration = self.administration.clone();
        let removal = async move { administration.clear_disabled(&account).await };
        let background = self.administration.services().context.background();
        background.spawn(removal).await;
        Ok(())
    }

    /// Enables a disabled account. Revoked grants stay revoked.
    pub async fn enable_account(&self, email: &str) -> Done {
        let account = self.subject(email).await?;
        if !account.disabled {
            return Ok(());
        }
        // Not all of its sessions and grants may have been removed. They must not become valid again.
        self.suspend(&account).await?;
        self.administration
            .end_all(account.id)
            .await
            .map_err(|_| UnfinishedOperation::StaysDisabled(account.email.clone()))?;
        let enable = |rights: Rights| (rights.enable(), ());
        self.administration
            .services()
            .accounts
            .directory
            .change_rights(account.id, enable)
            .await?
            .ok_or_else(|| unknown(email))?;
        self.note_subject(AuditAction::AccountEnabled, &account, None)
            .await;
        Ok(())
    }

    /// Removes an account, and ends its sessions and grants. If it fails in between, the account is
    /// disabled and can be removed again.
    pub async fn remove_account(&self, email: &str) -> Done {
        let account = self.other_subject(email).await?;
        // Without a record that can be changed, removing it is the one step.
        if account.is_record {
            self.suspend(&account).await?;
        }
        if let Err(error) = self.administration.end_all(account.id).await {
            // Everything of it is invalid without its account.
            tracing::warn!(%error, account = %account.id, "some data of a removed account could not be deleted");
        }
        if let Err(error) = self
            .administration
            .services()
            .accounts
            .directory
            .discard(account.id, &account.email)
            .await
        {
            if !account.is_record {
                return Err(error.into());
            }
            self.note_subject(AuditAction::AccountDisabled, &account, None)
                .await;
            return Err(UnfinishedOperation::NotRemoved(account.email.clone()).into());
        }
        self.note_subject(AuditAction::AccountRemoved, &account, None)
            .await;
        Ok(())
    }

    /// Changes the role of an account. An administrator needs a passkey or a long password.
    pub async fn set_role(&self, email: &str, role: Role) -> Done {
        let account = self.other_subject(email).await?;
        let give = |rights: Rights| match rights.with_role(role) {
            Ok(next) => (next, true),
            Err(ShortPasswordAlone) => (rights, false),
        };
        if !self.change_other(&account, give).await? {
            return Err(StateConflict::ShortPasswordAlone(account.email).into());
        }
        self.note_subject(AuditAction::RoleChanged, &account, Some(role.as_str()))
            .await;
        Ok(())
    }

    async fn subject(&self, email: &str) -> Done<Subject> {
        self.administration
            .services()
            .accounts
            .directory
            .subject(email)
            .await?
            .ok_or_else(|| unknown(email))
    }

    /// An account other than the administrator's own, so that at least one administrator remains.
    async fn other_subject(&self, email: &str) -> Done<Subject> {
        let account = self.subject(email).await?;
        if !may_change_rights(self.administration.own_account(), account.id) {
            return Err(AdministrationError::Own);
        }
        Ok(account)
    }

    /// Disables an account: from this one step on nothing of it works.
    async fn suspend(&self, account: &Subject) -> Done {
        self.change_other(account, |rights| (rights.disable(), ()))
            .await
    }

    /// Changes the rights of an account. Two administrators may do so to each other concurrently.
    /// The one who is no longer an administrator undoes the change, so that one remains.
    async fn change_other<A>(
        &self,
        account: &Subject,
        change: impl Fn(Rights) -> (Rights, A),
    ) -> Done<A> {
        let services = self.administration.services();
        let note = |before: Rights| {
            let (after, answer) = change(before);
            (after, (before, after, answer))
        };
        let (before, after, answer) = services
            .accounts
            .directory
            .change_rights(account.id, note)
            .await?
            .ok_or_else(|| unknown(&account.email))?;
        if let Some(own) = self.administration.own_account() {
            let own = services.accounts.directory.active_account(own).await?;
            if own.is_none_or(|own| own.record.role() != Role::Administrator) {
                let undo = |rights: Rights| (rights.undo(before, after), ());
                services
                    .accounts
                    .directory
                    .change_rights(account.id, undo)
                    .await?;
                return Err(StateConflict::NoLongerAdministrator.into());
            }
        }
        Ok(answer)
    }

    async fn note_subject(&self, action: AuditAction, account: &Subject, about: Option<&str>) {
        let subject = AccountName {
            account: account.id,
            email: account.email.clone(),
        };
        self.administration
            .record(action, Some(subject), about.map(str::to_owned))
            .await;
    }
}

impl Administration {
    /// Removes the sessions and grants of a disabled account. What remains is removed before it is
    /// enabled again.
    async fn clear_disabled(&self, account: &Subject) {
        let directory = &self.services().accounts.directory;
        let cleared = match directory.subject(&account.email).await {
            Ok(Some(now)) if now.id == account.id && now.disabled => self.end_all(account.id).await,
            // It was enabled meanwhile, or removed.
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = cleared {
            tracing::warn!(%error, account = %account.id, "some data of a disabled account could not be deleted");
        }
    }

    /// Ends the sessions and grants of an account, as many as can be.
    pub(super) async fn end_all(&self, account: Id) -> Result<(), Unavailable> {
        let services = self.services();
        let sessions = services.accounts.sessions.end_sessions(account).await;
        let grants = services.grants.withdraw_all(account).await;
        sessions.and(grants.map(drop))
    }
}
