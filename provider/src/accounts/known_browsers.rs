//! Known browsers: those that have signed in to an account before.

use identity::known_browser;
use oauth::{Id, Timestamp};
use store::Ttl;

use crate::{
    accounts::Sessions,
    browser_context::BrowserContext,
    records::{self, keys},
    state::Account,
    unavailable::Unavailable,
};

impl Sessions {
    /// Whether a browser is known to an account. Without an account the same store operations are
    /// done.
    pub(super) async fn is_known_to_account(
        &self,
        browser: &BrowserContext,
        id: Id,
        account: Option<&Account>,
    ) -> Result<bool, Unavailable> {
        let store = self.context.store();
        let digest = browser.secret.digest();
        let session_epoch = account
            .map(|account| account.session_epoch())
            .unwrap_or_default();
        let in_epoch = keys::known_browser_of(id, session_epoch, &digest);
        let before_epochs = keys::known_browser_before_epochs(id, &digest);
        let (in_epoch, before_epochs) = tokio::try_join!(
            records::exists(store, &in_epoch),
            records::read::<Timestamp>(store, &before_epochs),
        )?;
        Ok(account.is_some_and(|account| {
            let password_set_at = account.fields().password_set_at;
            known_browser::is_known(in_epoch, before_epochs, password_set_at)
        }))
    }

    /// Notes that a browser has signed in to an account.
    pub(super) async fn note_known(
        &self,
        browser: &BrowserContext,
        account: &Account,
    ) -> Result<(), Unavailable> {
        let store = self.context.store();
        let now = self.context.now();
        let digest = browser.secret.digest();
        let note = |_: Option<Timestamp>| (now, Ttl::For(known_browser::LIFETIME));
        let here = keys::known_browser_of(account.id(), account.session_epoch(), &digest);
        let anywhere = keys::used_browser(&digest);
        tokio::try_join!(
            records::put(store, &here, note),
            records::put(store, &anywhere, note)
        )?;
        Ok(())
    }

    /// Whether a browser has ever signed in to any account.
    pub(crate) async fn is_known(&self, browser: &BrowserContext) -> Result<bool, Unavailable> {
        records::exists(
            self.context.store(),
            &keys::used_browser(&browser.secret.digest()),
        )
        .await
    }
}
