//! What whoever runs the server may do, at the terminal or on the pages. Each deed is a method of
//! [`Administration`], which only a check of who asks can make.

mod accounts;
mod applications;
mod command;
mod error;
mod provisioning;
mod standing;
mod trail;

use identity::session::AdministratorError;
use oauth::Id;
use thiserror::Error;

pub use accounts::{AccountSummary, AddedAccount};
pub use applications::{ApplicationKind, ApplicationSummary, BlockedHost};
pub use command::{AdminCommand, AdminReply};
pub use error::{
    AdministrationError, InvalidInput, MissingTarget, StateConflict, UnfinishedOperation,
};
pub use provisioning::{AddedClient, ChangedClient, ClientChanges, ClientProof, NewClient};

use crate::{
    BrowserContext, Provider,
    accounts::whose,
    audit::{Actor, AuditAction, Event, RequestSource, Whose},
    failures::FailureView,
    key_ring::KeySummary,
    problem::Unavailable,
};

pub(crate) type Done<T = ()> = Result<T, AdministrationError>;

/// Why somebody may not administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAdministrator {
    /// Nobody is signed in here.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// Whoever is signed in has not the role.
    #[error("the account is no administrator's")]
    WrongRole,
    /// The administrator signed in more than five minutes ago.
    #[error("the sign-in is too old")]
    ConfirmFirst,
    /// The store does not answer.
    #[error("the store is unavailable")]
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

/// The power to administer, with who has it: every deed goes into the audit log under that name.
#[derive(Clone)]
pub struct Administration {
    provider: Provider,
    by: Actor,
    from: Option<RequestSource>,
}

impl Provider {
    /// For whoever runs the server, at the terminal: whoever can reach the store may do everything.
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
        let (session, account) = self
            .signed_in_account(browser)
            .await?
            .ok_or(NotAdministrator::NotSignedIn)?;
        session.may_administer(&account, self.now())?;
        let (by, from) = (
            Actor::Administrator(whose(&account)),
            Some(RequestSource::of(browser)),
        );
        Ok(Administration {
            provider: self.clone(),
            by,
            from,
        })
    }
}

impl Administration {
    /// The signing keys, the active one first.
    pub async fn keys(&self) -> Done<Vec<KeySummary>> {
        self.provider.keys().await
    }

    /// Lets the key sign that is published already. The old one verifies until every token it
    /// signed has expired.
    pub async fn rotate_keys(&self) -> Done<Vec<KeySummary>> {
        let keys = self.provider.rotate_keys().await?;
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
            Actor::Person | Actor::Terminal | Actor::Client | Actor::Unknown(_) => None,
        }
    }

    /// The server that is administered.
    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Takes a signing key out at once: what it signed is worth nothing from now on, and the
    /// standby key signs in place of the active one. Servers that share the store follow within a
    /// second.
    pub async fn revoke_key(&self, kid: &str) -> Done<Vec<KeySummary>> {
        let unknown = || AdministrationError::from(MissingTarget::SigningKey(kid.to_owned()));
        let id = kid.to_owned().try_into().map_err(|_| unknown())?;
        let keys = self.provider.revoke_key(&id).await?.ok_or_else(unknown)?;
        self.record(AuditAction::KeyRevoked, None, Some(kid.to_owned()))
            .await;
        Ok(keys)
    }

    /// Notes a deed in the audit log.
    pub(crate) async fn record(
        &self,
        action: AuditAction,
        whose: Option<Whose>,
        about: Option<String>,
    ) {
        let (at, by, from) = (self.provider.now(), self.by.clone(), self.from.clone());
        self.provider
            .note(Event {
                at,
                action,
                by,
                whose,
                from,
                client: None,
                about,
                times: None,
            })
            .await;
    }

    /// Requests of applications that failed in the last days, the latest first.
    pub async fn failures(&self) -> Done<Vec<FailureView>> {
        Ok(self.provider.recent_failures().await?)
    }
}
