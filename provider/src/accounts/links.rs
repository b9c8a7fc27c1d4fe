//! One-time links: creation and lookup.

use identity::{EnrolmentTarget, LinkTarget, OneTimeLink, Purpose};
use oauth::{Digest, Secret, Timestamp};

use super::EnrolError;
use crate::{
    accounts::Enrolment,
    records::{self, keys},
    state::Account,
    unavailable::Unavailable,
};

/// What a user sees of a one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its purpose.
    pub purpose: Purpose,
    /// The address of the account, where that is settled already.
    pub email: Option<String>,
    /// The least number of characters of a password that is chosen by it.
    pub shortest_password: usize,
}

/// What a link leads to, with the link.
pub(super) type Target = EnrolmentTarget<webauthn_rs::prelude::Passkey>;

impl Enrolment {
    /// The link for the first account, while there is none.
    pub async fn first_account_link(&self) -> Result<Option<String>, Unavailable> {
        if self.directory.has_accounts().await? {
            return Ok(None);
        }
        let (_, _, link) = self.one_time_link(LinkTarget::FirstAccount).await?;
        Ok(Some(link))
    }

    /// What a link is for.
    pub async fn invitation(&self, token: &str) -> Result<Invitation, EnrolError> {
        let (_, target) = self.target_of_link(&digest(token)?).await?;
        Ok(Invitation {
            purpose: target.purpose(),
            email: target.account().map(|account| account.email().to_owned()),
            shortest_password: target.min_password_length(),
        })
    }

    /// A link for an account that waits for its user.
    pub(crate) async fn enrolment_link(&self, account: &Account) -> Result<String, Unavailable> {
        let target = LinkTarget::enrolment(account);
        self.current_link(account, target).await
    }

    /// A link with which the user of an account sets a new credential.
    pub(crate) async fn reset_link(&self, account: &Account) -> Result<String, Unavailable> {
        let target = LinkTarget::reset(account);
        self.current_link(account, target).await
    }

    /// Creates the valid link to an account, which replaces earlier ones. It is stored before the
    /// account names it, so that after a failure in between the earlier link is still valid.
    async fn current_link(
        &self,
        account: &Account,
        target: LinkTarget,
    ) -> Result<String, Unavailable> {
        let (digest, expires_at, link) = self.one_time_link(target).await?;
        let epoch = account.session_epoch();
        let name = |account: Option<Account>| {
            let next = account.map(|account| account.with_link(epoch, digest.clone(), expires_at));
            records::Change {
                next: next.map(|next| (next, store::Ttl::Forever)),
                answer: (),
            }
        };
        records::change(self.context.store(), &keys::account(account.id()), name).await?;
        Ok(link)
    }

    /// Creates a one-time link. All links are created here, so that they could be mailed from here;
    /// until then, the administrator who requested a link hands it over.
    async fn one_time_link(
        &self,
        target: LinkTarget,
    ) -> Result<(Digest, Timestamp, String), Unavailable> {
        let token = self.context.entropy().secret();
        let lifetime = self.context.settings().lifetimes.invitation;
        let link = OneTimeLink {
            target,
            expires_at: self.context.now().after(lifetime),
        };
        records::insert(
            self.context.store(),
            &keys::invitation(&token.digest()),
            &link,
            records::ttl(lifetime),
        )
        .await?;
        let settings = self.context.settings();
        let page = match link.target {
            LinkTarget::FirstAccount => settings.link_pages.setup,
            LinkTarget::Enrolment { .. } => settings.link_pages.enrolment,
            LinkTarget::Reset { .. } => settings.link_pages.reset,
        };
        let address = settings.issuer.url(&format!("{page}{}", token.encode()));
        Ok((token.digest(), link.expires_at, address))
    }

    /// What a link opens now.
    pub(super) async fn target_of_link(
        &self,
        digest: &Digest,
    ) -> Result<(LinkTarget, Target), EnrolError> {
        let link: Option<OneTimeLink> =
            records::read(self.context.store(), &keys::invitation(digest)).await?;
        let now = self.context.now();
        let target = link.and_then(|link| link.target(now));
        let target = target.ok_or(EnrolError::LinkGone)?;
        let Some(id) = target.account() else {
            return if self.directory.has_accounts().await? {
                Err(EnrolError::LinkGone)
            } else {
                Ok((target, Target::FirstAccount))
            };
        };
        let account: Option<Account> =
            records::read(self.context.store(), &keys::account(id)).await?;
        let opened = account
            .and_then(|account| target.open(account, digest))
            .ok_or(EnrolError::LinkGone)?;
        Ok((target, opened))
    }
}

/// By what a link is found.
pub(super) fn digest(token: &str) -> Result<Digest, EnrolError> {
    Secret::decode(token)
        .map(|secret| secret.digest())
        .ok_or(EnrolError::LinkGone)
}
