//! Passkey ceremonies under way: kept in the store, for one browser, and taken out once.

use crate::context::Context;
use crate::state::PendingCeremony;
use crate::state::Task;
use std::time::Duration;

use oauth::{Secret, Timestamp};

use crate::{browser_context::BrowserContext, records, records::keys, unavailable::Unavailable};

/// As long as webauthn-rs gives the browser.
const LIFETIME: Duration = Duration::from_mins(5);

/// Passkey ceremonies in the store.
#[derive(Clone)]
pub(crate) struct Ceremonies {
    pub(super) context: Context,
}

impl Ceremonies {
    /// Keeps a ceremony; the answer is the secret that names it.
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
