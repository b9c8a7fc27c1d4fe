//! Pending passkey ceremonies: stored for one browser, and taken once.

use std::time::Duration;

use oauth::{Secret, Timestamp};

use crate::{
    browser_context::BrowserContext,
    context::Context,
    records::{self, keys},
    state::{PendingCeremony, Task},
    unavailable::Unavailable,
};

/// The timeout that webauthn-rs gives the browser.
const LIFETIME: Duration = Duration::from_mins(5);

/// Passkey ceremonies in the store.
#[derive(Clone)]
pub(crate) struct Ceremonies {
    pub(super) context: Context,
}

impl Ceremonies {
    /// Stores a ceremony; returns the secret that names it.
    pub(super) async fn begin_ceremony(
        &self,
        browser: &BrowserContext,
        task: Task,
    ) -> Result<String, Unavailable> {
        let id = self.context.entropy().secret();
        let pending = PendingCeremony {
            browser: browser.secret.digest(),
            expires_at: self.context.now().after(LIFETIME),
            task,
        };
        records::insert(
            self.context.store(),
            &keys::ceremony(&id.digest()),
            &pending,
            records::ttl(LIFETIME),
        )
        .await?;
        Ok(id.encode())
    }

    /// Takes a ceremony, also when it fails later. After a lost answer of the store it is unknown
    /// which request took it, and the user starts again. `None` for an unknown, used or expired
    /// one, or one of another browser.
    pub(super) async fn take_ceremony(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<Option<Task>, Unavailable> {
        let Some(id) = Secret::decode(id) else {
            return Ok(None);
        };
        let pending: Option<PendingCeremony> =
            records::take(self.context.store(), &keys::ceremony(&id.digest())).await?;
        let now = self.context.now();
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
