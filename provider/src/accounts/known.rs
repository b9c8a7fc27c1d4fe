//! Known browsers: those in which somebody has signed in before. They are counted for themselves,
//! so that strangers who guess keep nobody out (docs/decisions/guessing.md).
//!
//! A browser is known to an account as long as the account's generation is the one it signed in
//! under. Whatever ends the sessions of an account, a new password above all, ends that as well.

use std::time::Duration;

use oauth::{Id, Timestamp};
use store::Ttl;

use super::Account;
use crate::{BrowserContext, Provider, keys, problem::Unavailable, records};

/// How long a browser stays known after its last sign-in.
const KNOWN: Duration = Duration::from_hours(180 * 24);

impl Provider {
    /// Whether a browser is known to an account, which may be nobody's: then the store is asked as
    /// often.
    pub(super) async fn is_known_to_account(
        &self,
        browser: &BrowserContext,
        id: Id,
        account: Option<&Account>,
    ) -> Result<bool, Unavailable> {
        let (store, browser) = (self.store(), browser.secret.digest());
        let (now, earlier) = (
            keys::known(
                id,
                account.map_or(0, |account| account.generation),
                &browser,
            ),
            keys::familiar(id, &browser),
        );
        let (known, earlier) = tokio::try_join!(
            records::exists(store, &now),
            // Written by releases before 0.2, which did not note the generation: it counts if the
            // password is older.
            records::read(store, &earlier),
        )?;
        let Some(account) = account else {
            return Ok(false);
        };
        let good = |at: Timestamp| account.password_set_at.is_none_or(|set| at >= set);
        Ok(known || earlier.is_some_and(good))
    }

    /// Notes that a browser has signed in to an account.
    pub(super) async fn note_known(
        &self,
        browser: &BrowserContext,
        account: &Account,
    ) -> Result<(), Unavailable> {
        let (store, now, browser) = (self.store(), self.now(), browser.secret.digest());
        let note = |_: Option<Timestamp>| (now, Ttl::For(KNOWN));
        let (here, anywhere) = (
            keys::known(account.id, account.generation, &browser),
            keys::known_browser(&browser),
        );
        tokio::try_join!(
            records::put(store, &here, note),
            records::put(store, &anywhere, note)
        )?;
        Ok(())
    }

    /// Whether anybody has ever signed in with a browser.
    pub(crate) async fn is_known(&self, browser: &BrowserContext) -> Result<bool, Unavailable> {
        records::exists(self.store(), &keys::known_browser(&browser.secret.digest())).await
    }
}
