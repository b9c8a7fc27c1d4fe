//! Known browsers: those that have signed in to an account before.

use identity::known_browser;
use oauth::{Id, Timestamp};
use store::Ttl;

use crate::{
    accounts::Sessions,
    browser_context::BrowserContext,
    records::{self, Batch, BatchResults, Key, ReadTicket, WriteTicket, keys},
    state::Account,
    unavailable::Unavailable,
};

/// A read of whether a browser is known to an account.
pub(super) struct KnownRead {
    in_epoch: ReadTicket<Timestamp>,
    before_epochs: ReadTicket<Timestamp>,
}

impl KnownRead {
    /// Reads it in a batch. Without an account the same is read.
    pub(super) fn of(
        browser: &BrowserContext,
        id: Id,
        account: Option<&Account>,
        batch: &mut Batch,
    ) -> Self {
        let digest = browser.secret.digest();
        let session_epoch = account
            .map(|account| account.session_epoch())
            .unwrap_or_default();
        Self {
            in_epoch: batch.read(keys::known_browser_of(id, session_epoch, &digest)),
            before_epochs: batch.read(keys::known_browser_before_epochs(id, &digest)),
        }
    }

    /// Whether it is.
    pub(super) fn is_known(
        &self,
        account: Option<&Account>,
        results: &mut BatchResults,
    ) -> Result<bool, Unavailable> {
        let in_epoch = results.exists(&self.in_epoch)?;
        let before_epochs = results.record(&self.before_epochs)?;
        Ok(account.is_some_and(|account| {
            let password_set_at = account.fields().password_set_at;
            known_browser::is_known(in_epoch, before_epochs, password_set_at)
        }))
    }
}

/// The notes that a browser has signed in: to an account, and to any.
pub(super) struct KnownNotes([(Key<Timestamp>, WriteTicket<bool>); 2]);

impl Sessions {
    /// Notes in a batch that a browser has signed in to an account.
    pub(super) fn note_known(
        &self,
        batch: &mut Batch,
        browser: &BrowserContext,
        account: &Account,
    ) -> KnownNotes {
        let now = self.context.now();
        let digest = browser.secret.digest();
        let here = keys::known_browser_of(account.id(), account.session_epoch(), &digest);
        KnownNotes([here, keys::used_browser(&digest)].map(|key| {
            let noted = batch.insert(&key, &now, Ttl::For(known_browser::LIFETIME));
            (key, noted)
        }))
    }

    /// Renews the notes that were there already, where that is worth it.
    pub(super) async fn renew_known(
        &self,
        notes: KnownNotes,
        results: &mut BatchResults,
    ) -> Result<(), Unavailable> {
        let store = self.context.store();
        let now = self.context.now();
        let mut batch = Batch::default();
        let mut there = Vec::new();
        for (key, noted) in notes.0 {
            if !results.changed(&noted)? {
                there.push((batch.read(key.clone()), key));
            }
        }
        let mut results = batch.run(store).await?;
        for (ticket, key) in there {
            let renewed_at = results.record(&ticket)?;
            if known_browser::is_worth_renewing(renewed_at, now) {
                let note = |_: Option<Timestamp>| (now, Ttl::For(known_browser::LIFETIME));
                records::put(store, &key, note).await?;
            }
        }
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
