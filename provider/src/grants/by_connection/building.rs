//! The list of grants by connection, from the grants that earlier releases have written.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use oauth::Id;
use store::Ttl;

use super::TURN;
use crate::{
    context::Context,
    grants::consent_name,
    records::{
        self, Batch, Found, Progress,
        keys::{self, GRANTS_BY_CONNECTION},
        v1::GrantOrigin,
    },
    unavailable::Unavailable,
};

/// How many grants are read at once.
const CHUNK: usize = 256;
/// How many grants of an account are sorted before its page is shown; the rest follows in the
/// background.
const CHUNKS_AT_ONCE: usize = 4;
/// How many accounts are looked at at once.
const ACCOUNTS: usize = 64;

/// Builds the list of each account.
#[derive(Clone)]
pub(crate) struct GrantSorting {
    context: Context,
    /// Whether all lists are known to be complete.
    is_complete: Arc<AtomicBool>,
}

impl GrantSorting {
    pub(in crate::grants) fn new(context: Context) -> Self {
        Self {
            context,
            is_complete: Arc::default(),
        }
    }

    /// Sorts the grants of some accounts, which are all in a small store.
    pub(crate) async fn begin(&self) -> Result<(), Unavailable> {
        self.sort_chunk().await.map(drop)
    }

    /// Sorts the grants of all accounts, unless that is done. Several servers may do so at once.
    pub(crate) async fn sort_all(&self) -> Result<(), Unavailable> {
        while !self.sort_chunk().await? {}
        Ok(())
    }

    /// Sorts grants of an account that are not sorted yet.
    pub(super) async fn sort_account(&self, account: Id) -> Result<(), Unavailable> {
        let progress = self.progress().await?;
        let is_done = progress.is_complete || progress.after >= Some(account.to_string());
        if is_done {
            return Ok(());
        }
        self.sort_chunks_of(account, CHUNKS_AT_ONCE).await
    }

    async fn progress(&self) -> Result<Progress, Unavailable> {
        if self.is_complete.load(Ordering::Relaxed) {
            return Ok(Progress {
                is_complete: true,
                after: None,
            });
        }
        let key = keys::sorting(GRANTS_BY_CONNECTION);
        let progress: Progress = records::read(self.context.store(), &key)
            .await?
            .unwrap_or_default();
        self.is_complete
            .fetch_or(progress.is_complete, Ordering::Relaxed);
        Ok(progress)
    }

    /// Goes on with the next accounts. Whether all are done.
    async fn sort_chunk(&self) -> Result<bool, Unavailable> {
        let progress = self.progress().await?;
        if progress.is_complete {
            return Ok(true);
        }
        let store = self.context.store();
        let list = keys::accounts();
        let names = store
            .set_range(list.as_str(), progress.after.as_deref(), ACCOUNTS)
            .await?;
        self.sort_accounts(&names).await?;
        let reached = Progress {
            is_complete: names.len() < ACCOUNTS,
            after: names.last().cloned().or(progress.after),
        };
        let advance = |there: Option<Progress>| {
            let next = there.unwrap_or_default().and(reached.clone());
            (next, Ttl::Forever)
        };
        let key = keys::sorting(GRANTS_BY_CONNECTION);
        let progress = records::put(store, &key, advance).await?;
        Ok(progress.is_complete)
    }

    /// Sorts the grants of some accounts. Most have a few, or none.
    async fn sort_accounts(&self, names: &[String]) -> Result<(), Unavailable> {
        let accounts: Vec<Id> = names.iter().filter_map(|name| Id::parse(name)).collect();
        let mut batch = Batch::default();
        let tickets: Vec<_> = accounts
            .iter()
            .map(|account| batch.first_names(&keys::grants(*account), 1))
            .collect();
        let mut results = batch.run(self.context.store()).await?;
        for (account, ticket) in accounts.iter().zip(&tickets) {
            if !results.names(ticket)?.is_empty() {
                self.sort_chunks_of(*account, usize::MAX).await?;
            }
        }
        Ok(())
    }

    async fn sort_chunks_of(&self, account: Id, chunks: usize) -> Result<(), Unavailable> {
        let list = keys::grants(account);
        let mut after: Option<String> = None;
        for _ in 0..chunks {
            let names = self
                .context
                .store()
                .set_range(list.as_str(), after.as_deref(), CHUNK)
                .await?;
            self.sort_some(account, &names).await?;
            if names.len() < CHUNK {
                break;
            }
            after = names.last().cloned();
        }
        Ok(())
    }

    async fn sort_some(&self, account: Id, names: &[String]) -> Result<(), Unavailable> {
        let mut reads = Batch::default();
        let tickets: Vec<_> = names
            .iter()
            .map(|name| reads.read(keys::grant_of(account, name).part::<GrantOrigin>()))
            .collect();
        let mut found = reads.run(self.context.store()).await?;
        let list = keys::grants_by_connection(account);
        let mut writes = Batch::default();
        for (place, (name, ticket)) in names.iter().zip(&tickets).enumerate() {
            if let Found::Record(GrantOrigin { details }) = found.found(ticket)? {
                let connection = consent_name(&details);
                let member = keys::listed_grant(&connection, details.allowed_at, name);
                writes.list_name(&list, &member);
            }
            if place % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        writes.run(self.context.store()).await.map(drop)
    }
}
