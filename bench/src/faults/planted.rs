//! Engines with a known bug, which the campaign must find.

use std::time::Duration;

use async_trait::async_trait;
use store::{CasResult, Engine, Error, Export, Result, Store, Ttl};

/// A planted bug.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// A swap reads first and writes later.
    CheckThenWrite,
    /// A write whose answer was lost is sent again.
    RepeatedWrite,
    /// A write that a server refused counts as done.
    IgnoredRefusal,
}

impl Bug {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "check-then-write" => Some(Self::CheckThenWrite),
            "repeated-write" => Some(Self::RepeatedWrite),
            "ignored-refusal" => Some(Self::IgnoredRefusal),
            _ => None,
        }
    }

    pub(super) fn in_store(self, store: Store) -> Store {
        Store::new(Planted { bug: self, store })
    }
}

struct Planted {
    bug: Bug,
    store: Store,
}

impl Planted {
    fn ignores(&self, fault: &Error) -> bool {
        let text = fault.to_string();
        self.bug == Bug::IgnoredRefusal
            && (text.contains("READONLY") || text.contains("is not a primary"))
    }

    fn repeats(&self) -> bool {
        self.bug == Bug::RepeatedWrite
    }
}

#[async_trait]
impl Engine for Planted {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.get(key).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        match self.store.insert(key, value, ttl).await {
            Err(fault) if self.ignores(&fault) => Ok(true),
            Err(_) if self.repeats() => self.store.insert(key, value, ttl).await,
            answer => answer,
        }
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        if self.bug == Bug::CheckThenWrite {
            let there = self.store.get(key).await?;
            if there.as_deref() != Some(expected) {
                return Ok(CasResult::Changed(there));
            }
            self.store.remove(key).await?;
            self.store.insert(key, new, ttl).await?;
            return Ok(CasResult::Done);
        }
        match self.store.compare_and_swap(key, expected, new, ttl).await {
            Err(fault) if self.ignores(&fault) => Ok(CasResult::Done),
            Err(_) if self.repeats() => self.store.compare_and_swap(key, expected, new, ttl).await,
            answer => answer,
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.store.take(key).await {
            Err(_) if self.repeats() => self.store.take(key).await,
            answer => answer,
        }
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.store.remove(key).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        match self.store.add(key, amount, ttl).await {
            Err(_) if self.repeats() => self.store.add(key, amount, ttl).await,
            answer => answer,
        }
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        self.store.set_add(list, member).await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        self.store.set_remove(list, member).await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.store.set_range(list, after, limit).await
    }

    async fn export(&self) -> Result<Export> {
        self.store.export().await
    }

    async fn ping(&self) -> Result<()> {
        self.store.ping().await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        self.store.durability_warnings().await
    }
}
