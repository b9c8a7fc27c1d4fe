//! A store that records all writes.

use std::sync::{Arc, Mutex};

use store::{Result, Store, StoreLocation};

use super::{Call, Interceptor, Verb};

/// The written keys, values and list members in order, and the number of reads. Clones share one
/// record.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    written: Vec<String>,
    reads: usize,
}

impl Recorder {
    /// A store in memory, and its record.
    pub async fn store() -> (Store, Self) {
        let recorder = Self::default();
        let store = Store::open(&StoreLocation::Memory).await.expect("a store");
        (recorder.wrap(store), recorder)
    }

    /// The written texts that contain `text`.
    pub fn find(&self, text: &str) -> Vec<String> {
        let recorded = self.0.lock().expect("no panic");
        let found = recorded.written.iter().filter(|entry| entry.contains(text));
        found.cloned().collect()
    }

    /// The number of writes and reads so far.
    pub fn steps(&self) -> (usize, usize) {
        let recorded = self.0.lock().expect("no panic");
        (recorded.written.len(), recorded.reads)
    }
}

impl Interceptor for Recorder {
    async fn around<T: Send>(
        &self,
        call: Call<'_>,
        verb: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match call.verb {
            Verb::Get => self.0.lock().expect("no panic").reads += 1,
            Verb::Insert | Verb::CompareAndSwap | Verb::Add | Verb::SetAdd => {
                let value = String::from_utf8_lossy(call.value);
                let entry = format!("{} = {value}", call.key);
                self.0.lock().expect("no panic").written.push(entry);
            }
            Verb::Take
            | Verb::Remove
            | Verb::SetRemove
            | Verb::SetRange
            | Verb::Batch
            | Verb::Export
            | Verb::Ping
            | Verb::Probe
            | Verb::DurabilityWarnings => {}
        }
        verb.await
    }
}
