//! Administration, at the terminal or on the pages. Each operation is a method of
//! [`Administration`], which only an authorization check returns.

mod accounts;
mod audit;
mod clients;
mod command;
mod error;
mod issuer;
mod naming;
mod provisioning;
mod status;

use identity::session::AdministratorError;
use oauth::Id;

pub use accounts::{AccountSummary, AddedAccount, NewAccount};
pub use clients::{ClientKind, ClientSummary};
pub use command::{AdminCommand, AdminReply};
pub use error::{
    AdministrationError, InvalidInput, MissingTarget, SigningKeyFault, StateConflict,
    UnfinishedOperation,
};
pub use provisioning::{AddedClient, ChangedClient, ClientChanges, ClientProof, NewClient};

use crate::{
    browser_context::BrowserContext,
    clients::FailureView,
    key_ring::KeySummary,
    provider::{Provider, Services},
    state::{
        account_name,
        audit::{AccountName, Actor, AuditAction, ClientName, Event, RequestSource},
    },
    unavailable::Unavailable,
};

pub(crate) type Done<T = ()> = Result<T, AdministrationError>;

/// Why administration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdministrator {
    /// There is no session.
    NotSignedIn,
    /// The user does not have the role.
    WrongRole,
    /// The administrator signed in more than five minutes ago.
    ConfirmFirst,
    /// The store does not answer.
    Unavailable,
}

impl From<AdministratorError> for NotAdministrator {
    fn from(error: AdministratorError) -> Self {
        match error {
            AdministratorError::WrongRole => Self::WrongRole,
            AdministratorError::ConfirmFirst => Self::ConfirmFirst,
        }
    }
}

impl From<Unavailable> for NotAdministrator {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// The permission to administer, with its actor, who is named in the log of every operation.
#[derive(Clone)]
pub struct Administration {
    provider: Provider,
    by: Actor,
    from: Option<RequestSource>,
}

impl Provider {
    /// For the terminal: access to the store is full access.
    pub fn terminal(&self) -> Administration {
        Administration {
            provider: self.clone(),
            by: Actor::Terminal,
            from: None,
        }
    }

    /// For a signed-in administrator who showed a credential in the last five minutes.
    pub async fn administrator(
        &self,
        browser: &BrowserContext,
    ) -> Result<Administration, NotAdministrator> {
        let sessions = &self.services().accounts.sessions;
        let (session, account) = sessions
            .signed_in_account(browser)
            .await?
            .ok_or(NotAdministrator::NotSignedIn)?;
        session.may_administer(&account, self.now())?;
        let by = Actor::Administrator(account_name(&account));
        let from = Some(RequestSource::of(browser));
        Ok(Administration {
            provider: self.clone(),
            by,
            from,
        })
    }
}

/// Administration of accounts, under the name of who administers.
pub struct AccountAdministration<'a> {
    administration: &'a Administration,
}

/// Administration of clients, under the name of who administers.
pub struct ClientAdministration<'a> {
    administration: &'a Administration,
}

impl Administration {
    /// What concerns accounts.
    pub const fn accounts(&self) -> AccountAdministration<'_> {
        AccountAdministration {
            administration: self,
        }
    }

    /// What concerns clients and blocked hosts.
    pub const fn clients(&self) -> ClientAdministration<'_> {
        ClientAdministration {
            administration: self,
        }
    }

    /// The signing keys, the active one first.
    pub async fn keys(&self) -> Done<Vec<KeySummary>> {
        Ok(self.services().signing_keys.keys().await?)
    }

    /// Makes the standby keys active. The old keys verify until every token that they signed has
    /// expired. Keys of JWTs that are new sign only if it is urgent.
    pub async fn rotate_keys(&self, urgent: bool) -> Done<Vec<KeySummary>> {
        let keys = self.services().signing_keys.rotate_keys(urgent).await?;
        self.record(
            AuditAction::KeyRotated,
            None,
            keys.first().map(|key| key.kid.clone()),
        )
        .await;
        Ok(keys)
    }

    /// The account of the administrator; none at the terminal.
    fn own_account(&self) -> Option<Id> {
        match &self.by {
            Actor::Administrator(own) => Some(own.account),
            Actor::User | Actor::Terminal | Actor::Client | Actor::Unknown(_) => None,
        }
    }

    fn services(&self) -> &Services {
        self.provider.services()
    }

    /// Revokes a signing key at once: its signatures are no longer valid, and the standby key
    /// replaces the active one. Servers that share the store follow within a second.
    pub async fn revoke_key(&self, kid: &str) -> Done<Vec<KeySummary>> {
        let unknown = || AdministrationError::from(MissingTarget::SigningKey(kid.to_owned()));
        let keys = self
            .services()
            .signing_keys
            .revoke_key(kid)
            .await?
            .ok_or_else(unknown)?;
        self.record(AuditAction::KeyRevoked, None, Some(kid.to_owned()))
            .await;
        Ok(keys)
    }

    /// Records an operation in the audit log.
    pub(crate) async fn record(
        &self,
        action: AuditAction,
        subject: Option<AccountName>,
        about: Option<String>,
    ) {
        self.note(action, subject, None, about).await;
    }

    /// Records an operation on an account or a client in the audit log.
    async fn note(
        &self,
        action: AuditAction,
        subject: Option<AccountName>,
        client: Option<ClientName>,
        about: Option<String>,
    ) {
        let services = self.services();
        let event = Event {
            at: services.context.now(),
            action,
            by: self.by.clone(),
            subject,
            from: self.from.clone(),
            client,
            about,
            times: None,
        };
        services.audit.note(event).await;
    }

    /// Requests of clients that failed in the last days, the latest first.
    pub async fn failures(&self) -> Done<Vec<FailureView>> {
        let services = self.services();
        let failures = services.failures.recent_failures().await?;
        Ok(services.clients.registry.explained(failures).await?)
    }
}
