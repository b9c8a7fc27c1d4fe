//! Accounts by hand.

use identity::{
    DisplayName, Email, NewPassword, Role, account::InviteError, password::min_length,
    rights::may_change_rights,
};
use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    AccountAdministration, AdministrationError, Done, InvalidInput, MissingTarget, StateConflict,
    UnfinishedOperation,
};
use crate::{
    accounts::queue::Requester,
    provider::Services,
    records::{Listing, PageRequest, SortedPage},
    state::{Account, account_name, audit::AuditAction},
};

/// An account, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSummary {
    /// Its identifier.
    #[serde(with = "crate::values")]
    pub id: Id,
    /// Its email address, as typed.
    pub email: String,
    /// The name of its user, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is disabled.
    pub disabled: bool,
    /// How many passkeys it has.
    pub passkeys: usize,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was created, in seconds since 1970.
    #[serde(with = "crate::values")]
    pub created_at: Timestamp,
    /// Its role.
    #[serde(default)]
    pub role: Role,
    /// When its user last signed in.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub last_sign_in_at: Option<Timestamp>,
    /// When the pending one-time link expires.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub link_expires_at: Option<Timestamp>,
}

impl AccountSummary {
    /// Whether it waits for its user, as [`identity::AccountFields::is_pending`] says.
    pub const fn is_pending(&self) -> bool {
        self.passkeys == 0 && !self.has_password
    }
}

/// An account to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Its email address.
    pub email: String,
    /// The name of its user, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl NewAccount {
    fn read(&self) -> Done<(Email, Option<DisplayName>)> {
        let name = self.name.as_deref().unwrap_or_default();
        Ok((address(&self.email)?, DisplayName::read(name)?))
    }
}

/// An account that is known by its address alone.
impl<T: AsRef<str>> From<T> for NewAccount {
    fn from(email: T) -> Self {
        Self {
            email: email.as_ref().to_owned(),
            name: None,
        }
    }
}

/// An account that was added. It has no Debug: the link is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedAccount {
    /// The account.
    pub account: AccountSummary,
    /// The one-time link for its user, unless it has a password.
    pub enrolment_link: Option<String>,
    /// Until when the link works.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub link_expires_at: Option<Timestamp>,
    /// Whether the account was already pending: earlier links are no longer valid.
    #[serde(default)]
    pub invited_again: bool,
}

impl AccountAdministration<'_> {
    pub(super) fn services(&self) -> &Services {
        self.administration.services()
    }

    /// Adds an account with a password, or with an enrolment link. An existing account is not
    /// changed; a pending one gets a new link, which replaces earlier ones.
    pub async fn add_account(
        &self,
        account: impl Into<NewAccount>,
        password: Option<&str>,
    ) -> Done<AddedAccount> {
        let Some(password) = password else {
            return self.add_pending_account(account, None).await;
        };
        let (email, name) = account.into().read()?;
        if let Some(account) = self.account_at(&email).await? {
            return Err(StateConflict::AccountExists(account.email().to_owned()).into());
        }
        let first = !self.services().accounts.directory.has_accounts().await?;
        let minimum = min_length(
            if first {
                Role::Administrator
            } else {
                Role::User
            },
            false,
        );
        let password = self.hashed(password, minimum, &email.shown()).await?;
        let account = self
            .add_new_account(&email, name, Role::User, Some(password))
            .await?;
        Ok(AddedAccount::with_password(self.summary(&account)))
    }

    /// Adds an account with an enrolment link. A pending one gets a new link, but no other role.
    pub async fn add_pending_account(
        &self,
        account: impl Into<NewAccount>,
        role: Option<Role>,
    ) -> Done<AddedAccount> {
        let (email, name) = account.into().read()?;
        match self.account_at(&email).await? {
            Some(account) => {
                account
                    .may_be_added_again(role)
                    .map_err(|error| match error {
                        InviteError::OtherRole => {
                            StateConflict::AccountHasOtherRole(account.email().to_owned())
                        }
                        InviteError::CanSignIn | InviteError::Disabled => {
                            StateConflict::AccountExists(account.email().to_owned())
                        }
                    })?;
                self.send_link(&self.invite_again(account, None).await?, true)
                    .await
            }
            None => self.add_invited_account(&email, name, role).await,
        }
    }

    /// The account of an address, if there is one.
    async fn account_at(&self, email: &Email) -> Done<Option<Account>> {
        let directory = &self.services().accounts.directory;
        Ok(directory.account_of(&email.shown()).await?)
    }

    /// Adds a pending account with its first link.
    async fn add_invited_account(
        &self,
        email: &Email,
        name: Option<DisplayName>,
        role: Option<Role>,
    ) -> Done<AddedAccount> {
        let role = role.unwrap_or_default();
        let account = self.add_new_account(email, name, role, None).await?;
        self.send_link(&account, false).await
    }

    /// Sets the password of an account. Recovery codes, sessions and consents end.
    pub async fn set_account_password(&self, email: &str, password: &str) -> Done {
        let account = self.another_account(email).await?;
        let password = self
            .hashed(password, account.min_password_length(), account.email())
            .await?;
        self.set_password(account, password).await
    }

    /// Invites a user: adds an account with an enrolment link. A pending one gets the given role,
    /// if any, and a new link, which replaces earlier ones.
    pub async fn invite(&self, email: &str, role: Option<Role>) -> Done<AddedAccount> {
        let email = address(email)?;
        match self.account_at(&email).await? {
            Some(account) => {
                self.send_link(&self.invite_again(account, role).await?, true)
                    .await
            }
            None => self.add_invited_account(&email, None, role).await,
        }
    }

    /// A page of the accounts. In a store of an earlier release, some may be missing
    /// for a while.
    pub async fn page(&self, request: &PageRequest) -> Done<SortedPage<AccountSummary>> {
        let directory = &self.services().accounts.directory;
        let page = directory.sorted_accounts(request).await?;
        Ok(page.map(|account| self.summary(&account)))
    }

    /// A page from which none is missing, after the list has been built.
    pub async fn complete_page(&self, request: &PageRequest) -> Done<SortedPage<AccountSummary>> {
        let directory = &self.services().accounts.directory;
        directory.sort_accounts(request.list_order()).await?;
        self.page(request).await
    }

    /// All accounts, by address, read page by page.
    pub async fn list(&self) -> Done<Listing<AccountSummary>> {
        Listing::of_pages(async |wanted: &PageRequest| self.complete_page(wanted).await).await
    }

    /// Creates a reset link. Existing credentials work until it is used; then password, recovery
    /// codes, sessions and consents end, and passkeys stay.
    pub async fn reset_account(&self, email: &str) -> Done<String> {
        let account = self.existing_account(email).await?;
        if !account.is_active() {
            return Err(StateConflict::AccountDisabled(account.email().to_owned()).into());
        }
        let link = self
            .services()
            .accounts
            .enrolment
            .reset_link(&account)
            .await?;
        self.note(AuditAction::ResetLinkMade, &account, None).await;
        Ok(link)
    }

    /// Withdraws the pending one-time link of an account, if any.
    pub async fn withdraw_link(&self, email: &str) -> Done {
        let account = self.existing_account(email).await?;
        let now = self.services().context.now();
        let withdraw = |account: Account| Ok((account.without_link(now), ()));
        self.services()
            .accounts
            .directory
            .change_account(account.id(), withdraw, unknown(email))
            .await?;
        self.note(AuditAction::LinkWithdrawn, &account, None).await;
        Ok(())
    }

    async fn hashed(&self, password: &str, minimum: usize, address: &str) -> Done<NewPassword> {
        self.services()
            .accounts
            .hasher
            .new_password(&Requester::operator(), password, minimum, address)
            .await
    }

    pub(super) async fn existing_account(&self, email: &str) -> Done<Account> {
        self.services()
            .accounts
            .directory
            .account_of(email)
            .await?
            .ok_or_else(|| unknown(email))
    }

    /// An account other than the administrator's own, so that at least one administrator remains.
    async fn another_account(&self, email: &str) -> Done<Account> {
        let account = self.existing_account(email).await?;
        if !may_change_rights(self.administration.own_account(), account.id()) {
            return Err(AdministrationError::Own);
        }
        Ok(account)
    }

    async fn add_new_account(
        &self,
        email: &Email,
        name: Option<DisplayName>,
        role: Role,
        password: Option<NewPassword>,
    ) -> Done<Account> {
        let services = self.services();
        let now = services.context.now();
        let id = services.context.entropy().id();
        let mut account = Account::new(id, email, role, now).with_name(name);
        if let Some(password) = password {
            account = account.given_password(password, now);
        }
        let first = account.clone().with_role(Role::Administrator);
        let (account, made) = if let Some(made) = services
            .accounts
            .directory
            .create_first_account(&first, email)
            .await?
        {
            (first, made)
        } else {
            let made = services
                .accounts
                .directory
                .create_account(&account, email)
                .await?;
            (account, made)
        };
        if !made {
            return Err(StateConflict::AccountJustAdded(email.shown()).into());
        }
        self.note(
            AuditAction::AccountAdded,
            &account,
            Some(account.role().as_str()),
        )
        .await;
        Ok(account)
    }

    /// An enrolment link for a pending account.
    async fn send_link(&self, account: &Account, invited_again: bool) -> Done<AddedAccount> {
        let services = self.services();
        let expires_at = services
            .context
            .now()
            .after(services.context.settings().lifetimes.invitation);
        let link = services.accounts.enrolment.enrolment_link(account).await?;
        let account = self.existing_account(account.email()).await?;
        let account = self.summary(&account);
        Ok(AddedAccount {
            account,
            enrolment_link: Some(link),
            link_expires_at: Some(expires_at),
            invited_again,
        })
    }

    async fn invite_again(&self, account: Account, role: Option<Role>) -> Done<Account> {
        let renew = |account: Account| {
            let renewed = account.clone().invite_again(role);
            Ok((renewed.map_err(|error| not_invited(&account, error))?, ()))
        };
        let (renewed, ()) = self
            .services()
            .accounts
            .directory
            .change_account(account.id(), renew, unknown(account.email()))
            .await?;
        self.note(
            AuditAction::InvitedAgain,
            &renewed,
            Some(renewed.role().as_str()),
        )
        .await;
        Ok(renewed)
    }

    /// A new password ends everything that an attacker may have gained with the old one: recovery
    /// codes, sessions, and consents.
    async fn set_password(&self, account: Account, password: NewPassword) -> Done {
        let now = self.services().context.now();
        let set = |account: Account| Ok((account.set_password(password.clone(), now), ()));
        let directory = &self.services().accounts.directory;
        let (changed, ()) = directory
            .change_account(account.id(), set, unknown(account.email()))
            .await?;
        self.note(AuditAction::AccountPasswordSet, &changed, None)
            .await;
        self.administration
            .end_all(account.id())
            .await
            .map_err(|_| UnfinishedOperation::PasswordSet(account.email().to_owned()).into())
    }

    pub(super) async fn note(&self, action: AuditAction, account: &Account, about: Option<&str>) {
        self.administration
            .record(
                action,
                Some(account_name(account)),
                about.map(str::to_owned),
            )
            .await;
    }
}

impl AccountAdministration<'_> {
    pub(super) fn summary(&self, account: &Account) -> AccountSummary {
        let fields = account.fields();
        AccountSummary {
            link_expires_at: account.link_expires_at(self.services().context.now()),
            id: fields.id,
            email: fields.email.clone(),
            name: fields.name().map(str::to_owned),
            disabled: fields.disabled,
            passkeys: fields.passkeys.len(),
            has_password: fields.password.is_some(),
            created_at: fields.created_at,
            role: fields.role,
            last_sign_in_at: fields.last_sign_in_at,
        }
    }
}

impl AddedAccount {
    const fn with_password(account: AccountSummary) -> Self {
        Self {
            account,
            enrolment_link: None,
            link_expires_at: None,
            invited_again: false,
        }
    }
}

pub(super) fn address(email: &str) -> Done<Email> {
    Ok(Email::parse(email).ok_or_else(|| InvalidInput::Email(email.to_owned()))?)
}

pub(super) fn unknown(email: &str) -> AdministrationError {
    MissingTarget::Account(email.to_owned()).into()
}

fn not_invited(account: &Account, error: InviteError) -> AdministrationError {
    match error {
        InviteError::CanSignIn => {
            StateConflict::AccountCanSignIn(account.email().to_owned()).into()
        }
        InviteError::Disabled => StateConflict::AccountDisabled(account.email().to_owned()).into(),
        InviteError::OtherRole => {
            StateConflict::AccountHasOtherRole(account.email().to_owned()).into()
        }
    }
}
