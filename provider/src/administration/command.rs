//! The administrative operations as data. The terminal, the control socket and the pages send the
//! same [`AdminCommand`], which [`Administration::execute`] carries out.

use identity::Role;
use serde::{Deserialize, Serialize};

use super::{
    AccountSummary, AddedAccount, AddedClient, Administration, ChangedClient, ClientChanges,
    ClientSummary, Done, NewAccount, NewClient,
};
use crate::{
    audit::{AuditFilter, AuditPage, AuditReport},
    key_ring::KeySummary,
    records::{PageRequest, SortedPage},
    state::audit::AuditEntry,
    store_identity::IssuerReport,
};

/// An administrative operation. It has no Debug, since it may contain a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum AdminCommand {
    /// Adds an account with a password.
    AddAccount {
        /// The account.
        #[serde(flatten)]
        account: NewAccount,
        /// Its password.
        password: String,
    },
    /// Adds an account with an enrolment link. An existing account keeps its role.
    AddPendingAccount {
        /// The account.
        #[serde(flatten)]
        account: NewAccount,
        /// Its role; `None` leaves it as it is.
        role: Option<Role>,
    },
    /// Adds an account with an enrolment link, or creates a new link for a pending one.
    Invite {
        /// Its email address.
        email: String,
        /// The role it gets.
        role: Role,
    },
    /// Sets the password of an account.
    SetPassword {
        /// The email address of the account.
        email: String,
        /// The new password.
        password: String,
    },
    /// Creates a reset link.
    ResetAccount {
        /// The email address of the account.
        email: String,
    },
    /// Withdraws the one-time link to an account.
    WithdrawLink {
        /// The email address of the account.
        email: String,
    },
    /// Changes the address of an account.
    ChangeEmail {
        /// The present address.
        email: String,
        /// The next address.
        new: String,
    },
    /// Sets the name of an account.
    SetName {
        /// The email address of the account.
        email: String,
        /// The name; an empty one removes it.
        name: String,
    },
    /// Changes the role of an account.
    SetRole {
        /// The email address of the account.
        email: String,
        /// The next role.
        role: Role,
    },
    /// Lists accounts, by address.
    ListAccounts {
        /// Which ones.
        page: PageRequest,
    },
    /// Disables an account, and ends its sessions and grants.
    DisableAccount {
        /// The email address of the account.
        email: String,
    },
    /// Enables a disabled account.
    EnableAccount {
        /// The email address of the account.
        email: String,
    },
    /// Removes an account.
    RemoveAccount {
        /// The email address of the account.
        email: String,
    },
    /// Registers a client, unless it exists already.
    AddClient {
        /// The client.
        client: NewClient,
    },
    /// Changes a client.
    ChangeClient {
        /// Its `client_id`.
        client_id: String,
        /// The changes.
        changes: ClientChanges,
    },
    /// Adds a redirect URI to a client.
    AddRedirectUri {
        /// Its `client_id`.
        client_id: String,
        /// The redirect URI.
        redirect_uri: String,
    },
    /// Creates a new client secret.
    RenewClientSecret {
        /// Its `client_id`.
        client_id: String,
    },
    /// Lists clients, by name.
    ListClients {
        /// Which ones.
        page: PageRequest,
    },
    /// Removes a client.
    RemoveClient {
        /// Its `client_id`.
        client_id: String,
    },
    /// Ends everything that users allowed a client.
    DisconnectClient {
        /// Its `client_id`.
        client_id: String,
    },
    /// Blocks the clients of a host.
    BlockHost {
        /// The host.
        host: String,
    },
    /// Unblocks a host.
    UnblockHost {
        /// The host.
        host: String,
    },
    /// Lists the signing keys.
    ListKeys,
    /// Makes the standby keys active; the active ones retire.
    RotateKeys {
        /// Whether keys that were published less than two hours ago may sign.
        urgent: bool,
    },
    /// Revokes a signing key at once.
    RevokeKey {
        /// Its id.
        kid: String,
    },
    /// Shows entries of the audit log, newest first.
    ShowAudit {
        /// Which ones.
        filter: AuditFilter,
        /// Those below this number.
        before: Option<u64>,
        /// The greatest number of entries.
        limit: usize,
    },
    /// Returns entries of the audit log, oldest first.
    ExportAudit {
        /// Which ones.
        filter: AuditFilter,
        /// Those above this number.
        after: u64,
        /// The greatest number of entries.
        limit: usize,
    },
    /// Verifies the audit log.
    VerifyAudit,
    /// Shows the recorded and the configured issuer.
    ShowIssuer,
    /// Accepts that the issuer has changed.
    AcceptIssuer {
        /// The new one, which must be the configured one.
        issuer: String,
    },
}

/// The result of an operation. It has no Debug, since it may contain a client secret or a link.
#[derive(Serialize, Deserialize)]
#[serde(tag = "reply", content = "data", rename_all = "snake_case")]
pub enum AdminReply {
    /// It is done, and there is nothing to show.
    Done,
    /// The account that was added.
    AddedAccount(AddedAccount),
    /// The account that was changed.
    ChangedAccount(AccountSummary),
    /// Accounts, by address.
    Accounts(SortedPage<AccountSummary>),
    /// A one-time link.
    Link(String),
    /// The client that was added, with its secret for this once.
    AddedClient(AddedClient),
    /// The result of a change of a client, with its secret, which is shown only here.
    ChangedClient(ChangedClient),
    /// A client with its new secret, for this once.
    ClientSecret(AddedClient),
    /// Clients, by name.
    Clients(SortedPage<ClientSummary>),
    /// All signing keys.
    Keys(Vec<KeySummary>),
    /// Entries, newest first.
    AuditPage(AuditPage),
    /// Entries, oldest first.
    AuditEntries(Vec<AuditEntry>),
    /// What a verification of the audit log found.
    AuditReport(AuditReport),
    /// The recorded and the configured issuer.
    Issuer(IssuerReport),
}

impl Administration {
    /// Carries out an operation.
    ///
    /// # Errors
    /// Why it was not carried out, or not completely.
    pub async fn execute(&self, command: AdminCommand) -> Done<AdminReply> {
        // On the heap: the futures of all operations together are large.
        Box::pin(self.dispatch(command)).await
    }

    async fn dispatch(&self, command: AdminCommand) -> Done<AdminReply> {
        use AdminCommand as Admin;
        let accounts = self.accounts();
        let clients = self.clients();
        Ok(match command {
            Admin::AddAccount { account, password } => {
                accounts.add_account(account, Some(&password)).await?.into()
            }
            Admin::AddPendingAccount { account, role } => {
                accounts.add_pending_account(account, role).await?.into()
            }
            Admin::Invite { email, role } => accounts.invite(&email, Some(role)).await?.into(),
            Admin::SetPassword { email, password } => accounts
                .set_account_password(&email, &password)
                .await?
                .into(),
            Admin::ResetAccount { email } => accounts.reset_account(&email).await?.into(),
            Admin::WithdrawLink { email } => accounts.withdraw_link(&email).await?.into(),
            Admin::ChangeEmail { email, new } => accounts.change_email(&email, &new).await?.into(),
            Admin::SetName { email, name } => accounts.set_name(&email, &name).await?.into(),
            Admin::SetRole { email, role } => accounts.set_role(&email, role).await?.into(),
            Admin::ListAccounts { page } => accounts.complete_page(&page).await?.into(),
            Admin::DisableAccount { email } => accounts.disable_account(&email).await?.into(),
            Admin::EnableAccount { email } => accounts.enable_account(&email).await?.into(),
            Admin::RemoveAccount { email } => accounts.remove_account(&email).await?.into(),
            Admin::AddClient { client } => clients.create_client(client).await?.into(),
            Admin::ChangeClient { client_id, changes } => {
                clients.change_client(&client_id, changes).await?.into()
            }
            Admin::AddRedirectUri {
                client_id,
                redirect_uri,
            } => clients
                .add_redirect_uri(&client_id, &redirect_uri)
                .await?
                .into(),
            Admin::RenewClientSecret { client_id } => {
                AdminReply::ClientSecret(clients.renew_client_secret(&client_id).await?)
            }
            Admin::ListClients { page } => clients.complete_page(&page).await?.into(),
            Admin::RemoveClient { client_id } => clients.remove_client(&client_id).await?.into(),
            Admin::DisconnectClient { client_id } => {
                clients.disconnect_client(&client_id).await?.into()
            }
            Admin::BlockHost { host } => clients.block_host(&host).await?.into(),
            Admin::UnblockHost { host } => clients.unblock_host(&host).await?.into(),
            Admin::ListKeys => self.keys().await?.into(),
            Admin::RotateKeys { urgent } => self.rotate_keys(urgent).await?.into(),
            Admin::RevokeKey { kid } => self.revoke_key(&kid).await?.into(),
            Admin::ShowAudit {
                filter,
                before,
                limit,
            } => self.audit(&filter, before, limit).await?.into(),
            Admin::ExportAudit {
                filter,
                after,
                limit,
            } => self.audit_export(&filter, after, limit).await?.into(),
            Admin::VerifyAudit => self.verify_audit().await?.into(),
            Admin::ShowIssuer => self.issuer().await?.into(),
            Admin::AcceptIssuer { issuer } => self.accept_issuer(&issuer).await?.into(),
        })
    }
}

/// A reply for each type that an operation returns.
macro_rules! replies {
    ($($data:ty => $reply:ident),+ $(,)?) => {$(
        impl From<$data> for AdminReply {
            fn from(data: $data) -> Self {
                Self::$reply(data)
            }
        }
    )+};
}

replies! {
    AddedAccount => AddedAccount,
    AccountSummary => ChangedAccount,
    SortedPage<AccountSummary> => Accounts,
    String => Link,
    AddedClient => AddedClient,
    ChangedClient => ChangedClient,
    SortedPage<ClientSummary> => Clients,
    Vec<KeySummary> => Keys,
    AuditPage => AuditPage,
    Vec<AuditEntry> => AuditEntries,
    AuditReport => AuditReport,
    IssuerReport => Issuer,
}

impl From<()> for AdminReply {
    fn from((): ()) -> Self {
        Self::Done
    }
}
