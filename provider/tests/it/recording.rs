//! A store that shows everything that was ever written to it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use store::{CasResult, Engine, Export, Location, Result, Store, Ttl};

/// What was written: keys, values, and names in lists, in the order they came; and how often
/// something was read.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<(Vec<String>, usize)>>);

impl Written {
    pub(crate) async fn store() -> (Store, Self) {
        let (written, store) = (
            Self::default(),
            Store::open(&Location::Memory).await.expect("a store"),
        );
        (
            Store::new(RecordingEngine {
                store,
                written: written.clone(),
            }),
            written,
        )
    }

    /// What was written that contains `text`.
    pub(crate) fn find(&self, text: &str) -> Vec<String> {
        self.0
            .lock()
            .expect("no panic")
            .0
            .iter()
            .filter(|written| written.contains(text))
            .cloned()
            .collect()
    }

    /// How often something was written, and read, so far.
    pub(crate) fn steps(&self) -> (usize, usize) {
        let seen = self.0.lock().expect("no panic");
        (seen.0.len(), seen.1)
    }

    fn add(&self, key: &str, value: &[u8]) {
        self.0
            .lock()
            .expect("no panic")
            .0
            .push(format!("{key} = {}", String::from_utf8_lossy(value)));
    }
}

struct RecordingEngine {
    store: Store,
    written: Written,
}

#[async_trait]
impl Engine for RecordingEngine {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.written.0.lock().expect("no panic").1 += 1;
        self.store.get(key).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        self.written.add(key, value);
        self.store.insert(key, value, ttl).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        self.written.add(key, new);
        self.store.compare_and_swap(key, expected, new, ttl).await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.take(key).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.store.remove(key).await
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        self.written.add(key, b"");
        self.store.add(key, amount, ttl).await
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        self.written.add(list, member.as_bytes());
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

    async fn probe(&self) -> Result<()> {
        self.store.probe().await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        self.store.durability_warnings().await
    }
}
