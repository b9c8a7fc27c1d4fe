//! One-time links: to the first account of a server, to one that waits for its person, or back into
//! one.
//!
//! Looking at a link does not use it up. What makes it one-time is what it opens, not the link
//! itself: there is one first account, an account takes its first credential from a link only while
//! it has none, and any only while it is of the generation that the link was made for, and no newer
//! link was made or the link withdrawn (docs/decisions/one-time-links-and-resets.md).

use oauth::{Digest, Id, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Account, EnrolError, Role, account::CurrentLink, password::shortest_password};
use crate::{Provider, keys, problem::Unavailable, records};

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Making the first account of the server.
    FirstAccount,
    /// Giving an account its first passkey or password.
    Enrolment,
    /// Giving an account a new passkey or password.
    Reset,
}

/// What a person sees of a one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What it is for.
    pub purpose: Purpose,
    /// The address of the account, where that is settled already.
    pub email: Option<String>,
    /// The least number of characters of a password that is chosen by it.
    pub shortest_password: usize,
}

/// A link, as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Link {
    target: Target,
    expires_at: Timestamp,
}

/// What a link opens.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    FirstAccount,
    /// Good while the account is of this generation, as the next: another invitation raises it, and
    /// so does disabling.
    Enrolment {
        account: Id,
        #[serde(default)]
        generation: u64,
    },
    /// The first use raises the generation, and so does whatever else ends the sessions of the
    /// account.
    Reset {
        account: Id,
        generation: u64,
    },
}

/// What lies behind a living link, or behind signing up: an account to be made, or one that waits
/// for its person.
pub(super) enum EnrolmentTarget {
    FirstAccount,
    SignUp,
    Enrolment(Box<Account>),
    Reset(Box<Account>),
}

impl Provider {
    /// The link to make the first account with, as long as there is none.
    pub async fn first_account_link(&self) -> Result<Option<String>, Unavailable> {
        if self.has_accounts().await? {
            return Ok(None);
        }
        let (_, _, link) = self.one_time_link("setup", Target::FirstAccount).await?;
        Ok(Some(link))
    }

    /// What a link is for.
    pub async fn invitation(&self, token: &str) -> Result<Invitation, EnrolError> {
        let (purpose, account) = match self.target_of_link(&digest(token)?).await? {
            EnrolmentTarget::Enrolment(account) => (Purpose::Enrolment, Some(account)),
            EnrolmentTarget::Reset(account) => (Purpose::Reset, Some(account)),
            EnrolmentTarget::FirstAccount | EnrolmentTarget::SignUp => {
                (Purpose::FirstAccount, None)
            }
        };
        let first = shortest_password(Role::Administrator, false);
        let shortest_password = account
            .as_ref()
            .map_or(first, |account| account.shortest_password());
        Ok(Invitation {
            purpose,
            email: account.map(|account| account.email),
            shortest_password,
        })
    }

    /// A link for an account that waits for its person.
    pub(crate) async fn enrolment_link(&self, account: &Account) -> Result<String, Unavailable> {
        let target = Target::Enrolment {
            account: account.id,
            generation: account.generation,
        };
        self.current_link(account, "enroll", target).await
    }

    /// A link by which the person of an account chooses a new way to sign in.
    pub(crate) async fn reset_link(&self, account: &Account) -> Result<String, Unavailable> {
        self.current_link(
            account,
            "reset",
            Target::Reset {
                account: account.id,
                generation: account.generation,
            },
        )
        .await
    }

    /// Makes a link to an account that counts from now on, and no other. It is stored before the
    /// account names it, so that a failure in between leaves the earlier one as it was.
    async fn current_link(
        &self,
        account: &Account,
        page: &str,
        target: Target,
    ) -> Result<String, Unavailable> {
        let (digest, expires_at, link) = self.one_time_link(page, target).await?;
        let current = CurrentLink {
            generation: account.generation,
            digest: Some(digest),
            expires_at,
        };
        let name = |account: &mut Account| account.link = Some(current.clone());
        self.change_account(account.id, name).await?;
        Ok(link)
    }

    /// Makes a one-time link. Every link that a person is to get passes here, so that here it could
    /// be mailed; until then, whoever asked for it hands it on.
    async fn one_time_link(
        &self,
        page: &str,
        target: Target,
    ) -> Result<(Digest, Timestamp, String), Unavailable> {
        let (token, lifetime) = (
            self.entropy().secret(),
            self.settings().lifetimes.invitation,
        );
        let link = Link {
            target,
            expires_at: self.now().after(lifetime),
        };
        records::insert(
            self.store(),
            &keys::invitation(&token.digest()),
            &link,
            records::ttl(lifetime),
        )
        .await?;
        let address = self
            .settings()
            .issuer
            .url(&format!("/{page}/{}", token.encode()));
        Ok((token.digest(), link.expires_at, address))
    }

    /// What a link opens now.
    pub(super) async fn target_of_link(
        &self,
        digest: &Digest,
    ) -> Result<EnrolmentTarget, EnrolError> {
        let link: Option<Link> = records::read(self.store(), &keys::invitation(digest)).await?;
        let now = self.now();
        match link
            .filter(|link| !link.expires_at.has_passed(now))
            .ok_or(EnrolError::LinkGone)?
            .target
        {
            Target::FirstAccount if self.has_accounts().await? => Err(EnrolError::LinkGone),
            Target::FirstAccount => Ok(EnrolmentTarget::FirstAccount),
            Target::Enrolment {
                account,
                generation,
            } => {
                let account = self
                    .account_of_generation(account, generation, digest)
                    .await?;
                let waiting = Some(account).filter(|account| !account.has_credentials());
                Ok(EnrolmentTarget::Enrolment(
                    waiting.ok_or(EnrolError::LinkGone)?,
                ))
            }
            Target::Reset {
                account,
                generation,
            } => Ok(EnrolmentTarget::Reset(
                self.account_of_generation(account, generation, digest)
                    .await?,
            )),
        }
    }

    async fn account_of_generation(
        &self,
        account: Id,
        generation: u64,
        link: &Digest,
    ) -> Result<Box<Account>, EnrolError> {
        let good =
            |account: &Account| account.generation == generation && account.is_current_link(link);
        let account = self.active_account(account).await?.filter(good);
        Ok(Box::new(account.ok_or(EnrolError::LinkGone)?))
    }
}

/// By what a link is found.
pub(super) fn digest(token: &str) -> Result<Digest, EnrolError> {
    Secret::decode(token)
        .map(|secret| secret.digest())
        .ok_or(EnrolError::LinkGone)
}
