//! What the command line can ask of a provider, whether it runs in this process or behind the
//! control socket.

use oauth::Timestamp;
use provider::{
    AccountSummary, AddedAccount, AddedClient, AdministrationError, ApplicationSummary, AuditEntry,
    AuditFilter, AuditPage, AuditReport, ChangedClient, ClientChanges, IssuerReport, KeySummary,
    Listing, NewClient, Provider, Role,
};
use serde::{Deserialize, Serialize};

/// A request of the command line. It has no Debug: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Adds an account with a password. It has not the name that it had when it also replaced a
    /// password: a server of before does not know it, and does nothing.
    CreateAccount {
        /// Its e-mail address.
        email: String,
        /// Its password.
        password: String,
    },
    /// Adds an account with a link to enrol.
    AddWaitingAccount {
        /// Its e-mail address.
        email: String,
        /// Its role.
        role: Option<Role>,
    },
    /// Sets the password of an account.
    SetPassword {
        /// The account's e-mail address.
        email: String,
        /// Its password.
        password: String,
    },
    /// Makes a link by which a person chooses a new way to sign in.
    ResetAccount {
        /// The account's e-mail address.
        email: String,
    },
    /// Lets the one-time link to an account open nothing any more.
    WithdrawLink {
        /// The account's e-mail address.
        email: String,
    },
    /// Gives an account another address.
    ChangeEmail {
        /// The one it has.
        email: String,
        /// The one it gets.
        new: String,
    },
    /// Gives an account another role.
    SetRole {
        /// Its e-mail address.
        email: String,
        /// Its role.
        role: Role,
    },
    /// Lists the accounts.
    Accounts,
    /// Keeps an account from signing in and ends what it allowed.
    DisableAccount {
        /// Its e-mail address.
        email: String,
    },
    /// Lets a disabled account sign in again.
    EnableAccount {
        /// Its e-mail address.
        email: String,
    },
    /// Removes an account for good.
    RemoveAccount {
        /// Its e-mail address.
        email: String,
    },
    /// Registers a client, unless it is there already.
    CreateClient {
        /// What it is.
        client: NewClient,
    },
    /// Changes a client.
    ChangeClient {
        /// Its `client_id`.
        client_id: String,
        /// What is to change.
        changes: ClientChanges,
    },
    /// Gives a client a new secret.
    RenewClientSecret {
        /// Its `client_id`.
        client_id: String,
    },
    /// Lists the clients.
    Clients,
    /// Removes a client.
    RemoveClient {
        /// Its `client_id`.
        client_id: String,
    },
    /// Ends everything that people allowed a client.
    DisconnectClient {
        /// Its `client_id`.
        client_id: String,
    },
    /// Lists the signing keys.
    Keys,
    /// Makes a new signing key; the old one retires.
    RotateKeys,
    /// Takes a signing key out at once.
    RevokeKey {
        /// Its id.
        kid: String,
    },
    /// Keeps the applications of a host out.
    BlockHost {
        /// The host.
        host: String,
    },
    /// Lets the applications of a host in again.
    UnblockHost {
        /// The host.
        host: String,
    },
    /// Shows events of the audit log, newest first.
    Audit {
        /// Which ones.
        filter: AuditFilter,
        /// Those below this number.
        before: Option<u64>,
        /// How many at the most.
        limit: usize,
    },
    /// Gives events of the audit log, oldest first.
    ExportAudit {
        /// Which ones.
        filter: AuditFilter,
        /// Those above this number.
        after: u64,
        /// How many at the most.
        limit: usize,
    },
    /// Checks the audit log.
    VerifyAudit,
    /// Tells the recorded and the configured issuer.
    Issuer,
    /// Accepts that the issuer has changed.
    AcceptIssuer {
        /// The new one, which must be the configured one.
        issuer: String,
    },
    /// Asks for a backup, which follows the answer.
    Backup,
}

/// What comes back. It has no Debug: it may hold a client's secret or a link.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", content = "data", rename_all = "snake_case")]
pub enum Answer {
    /// The account that was added.
    AddedAccount(AddedAccount),
    /// All accounts.
    Accounts(Listing<AccountSummary>),
    /// The client that was added, with its secret for this once.
    AddedClient(AddedClient),
    /// All clients.
    Clients(Listing<ApplicationSummary>),
    /// All keys.
    Keys(Vec<Key>),
    /// What became of a change of a client, with its secret for this once.
    ChangedClient(ChangedClient),
    /// A client with its new secret, for this once.
    ClientSecret(AddedClient),
    /// The recorded and the configured issuer.
    Issuer(IssuerReport),
    /// A backup follows, line by line.
    Backup,
    /// A one-time link.
    Link(String),
    /// Events, newest first.
    Audit(AuditPage),
    /// Events, oldest first.
    Events(Vec<AuditEntry>),
    /// What a check of the audit log found.
    Report(AuditReport),
    /// It is done, and there is nothing to tell.
    Done,
}

/// A signing key, as listed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Key {
    /// Its id, as in the footer of a token.
    pub kid: String,
    /// `active`, `standby` or `retiring`.
    pub state: String,
    /// Since when it has signed; unknown of a retiring key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when a retiring key still verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl From<KeySummary> for Key {
    fn from(
        KeySummary {
            kid,
            state,
            since,
            until,
        }: KeySummary,
    ) -> Self {
        Self {
            kid,
            state: state.to_owned(),
            since,
            until,
        }
    }
}

/// Does what is asked. The error is a sentence for the terminal.
pub async fn execute(provider: &Provider, request: Request) -> Result<Answer, String> {
    Box::pin(answer(provider, request))
        .await
        .map_err(|error| error.to_string())
}

async fn answer(provider: &Provider, request: Request) -> Result<Answer, AdministrationError> {
    let terminal = provider.terminal();
    Ok(match request {
        Request::CreateAccount { email, password } => {
            Answer::AddedAccount(terminal.add_account(&email, Some(&password)).await?)
        }
        Request::SetPassword { email, password } => {
            done(terminal.set_account_password(&email, &password).await?)
        }
        Request::Accounts => Answer::Accounts(terminal.accounts().await?),
        Request::DisableAccount { email } => done(terminal.disable_account(&email).await?),
        Request::EnableAccount { email } => done(terminal.enable_account(&email).await?),
        Request::RemoveAccount { email } => done(terminal.remove_account(&email).await?),
        Request::CreateClient { client } => {
            Answer::AddedClient(terminal.create_client(client).await?)
        }
        Request::ChangeClient { client_id, changes } => {
            Answer::ChangedClient(terminal.change_client(&client_id, changes).await?)
        }
        Request::RenewClientSecret { client_id } => {
            Answer::ClientSecret(terminal.renew_client_secret(&client_id).await?)
        }
        Request::Clients => Answer::Clients(terminal.clients().await?),
        Request::RemoveClient { client_id } => done(terminal.remove_client(&client_id).await?),
        Request::DisconnectClient { client_id } => {
            done(terminal.disconnect_client(&client_id).await?)
        }
        Request::AddWaitingAccount { email, role } => {
            Answer::AddedAccount(terminal.add_waiting_account(&email, role).await?)
        }
        Request::ResetAccount { email } => Answer::Link(terminal.reset_account(&email).await?),
        Request::WithdrawLink { email } => done(terminal.withdraw_link(&email).await?),
        Request::ChangeEmail { email, new } => {
            done(terminal.change_email(&email, &new).await.map(drop)?)
        }
        Request::SetRole { email, role } => done(terminal.set_role(&email, role).await?),
        Request::BlockHost { host } => done(terminal.block_host(&host).await?),
        Request::UnblockHost { host } => done(terminal.unblock_host(&host).await?),
        Request::Audit {
            filter,
            before,
            limit,
        } => Answer::Audit(terminal.audit(&filter, before, limit).await?),
        Request::ExportAudit {
            filter,
            after,
            limit,
        } => Answer::Events(terminal.audit_export(&filter, after, limit).await?),
        Request::VerifyAudit => Answer::Report(terminal.verify_audit().await?),
        Request::Keys => listed(terminal.keys().await?),
        Request::RevokeKey { kid } => listed(terminal.revoke_key(&kid).await?),
        Request::RotateKeys => listed(terminal.rotate_keys().await?),
        Request::Issuer => Answer::Issuer(terminal.issuer().await?),
        Request::AcceptIssuer { issuer } => Answer::Issuer(terminal.accept_issuer(&issuer).await?),
        // It is no answer of one line: whoever speaks with a command writes it.
        Request::Backup => Answer::Backup,
    })
}

fn done((): ()) -> Answer {
    Answer::Done
}

fn listed(keys: Vec<KeySummary>) -> Answer {
    Answer::Keys(keys.into_iter().map(Key::from).collect())
}
