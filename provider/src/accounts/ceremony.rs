//! Passkey ceremonies under way: kept in the store, for one browser, and taken out once.

use std::time::Duration;

use oauth::{Digest, Id, Secret, Timestamp};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::{BrowserContext, Provider, keys, problem::Unavailable, records};

/// As long as webauthn-rs gives the browser.
const LIFETIME: Duration = Duration::from_mins(5);

/// What a ceremony is for, with the challenge that was set.
pub(crate) enum Task {
    /// Signing in; who it is will be seen from the passkey.
    SignIn(DiscoverableAuthentication),
    /// Adding a passkey to the account of a signed-in user.
    Add {
        account: Id,
        state: PasskeyRegistration,
    },
    /// Accepting an invitation, or signing up without one. The account's id goes into the passkey
    /// before there is an account.
    Accept {
        invitation: Option<Digest>,
        account: Id,
        email: String,
        state: PasskeyRegistration,
    },
}

/// A ceremony under way.
pub(crate) struct PendingCeremony {
    /// The digest of the secret of the browser that began it.
    pub(crate) browser: Digest,
    /// When it stops being good.
    pub(crate) expires_at: Timestamp,
    /// What it is for.
    pub(crate) task: Task,
}

impl Provider {
    /// Keeps a ceremony; the answer is the secret that names it.
    pub(super) async fn begin_ceremony(
        &self,
        browser: &BrowserContext,
        task: Task,
    ) -> Result<String, Unavailable> {
        let id = self.entropy().secret();
        let pending = PendingCeremony {
            browser: browser.secret.digest(),
            expires_at: self.now().after(LIFETIME),
            task,
        };
        records::insert(
            self.store(),
            &keys::ceremony(&id.digest()),
            &pending,
            records::ttl(LIFETIME),
        )
        .await?;
        Ok(id.encode())
    }

    /// Takes a ceremony out, whatever comes of it. Where the answer of the store is lost, nobody
    /// can say who took it: the user begins another one. `None` for one that is unknown, used,
    /// expired or another browser's.
    pub(super) async fn take_ceremony(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<Option<Task>, Unavailable> {
        let Some(id) = Secret::decode(id) else {
            return Ok(None);
        };
        let pending: Option<PendingCeremony> =
            records::take(self.store(), &keys::ceremony(&id.digest())).await?;
        let now = self.now();
        Ok(pending
            .filter(|pending| pending.is_of(browser, now))
            .map(|pending| pending.task))
    }
}

impl PendingCeremony {
    /// Whether the browser that began it may finish it still.
    fn is_of(&self, browser: &BrowserContext, now: Timestamp) -> bool {
        browser.is_browser(&self.browser) && !self.expires_at.has_passed(now)
    }
}
