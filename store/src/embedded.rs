//! The embedded engine: a redb file, or the same tables in memory.
//!
//! Readers use a snapshot (MVCC) and never wait for a writer. One thread makes all changes: it
//! applies all waiting changes in one transaction, so that they share one sync of the disk (group
//! commit). Because there is one writer, each operation is atomic.

mod batch;
mod compaction;
mod database;
mod export;
#[cfg(test)]
mod faulty_disk;
mod tables;
mod writer;

use std::{io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use self::{
    batch::OwnedStep,
    database::{Database, Home},
    tables::Tables,
    writer::{Broken, Job, Running, WriteJob, Writer},
};
pub use self::{compaction::Compacted, database::FILE};
use crate::{
    BatchStep, CasResult, Engine, Error, Export, Result, StepResult, Ttl,
    engine::{PROBE, PROBE_KEPT},
};

/// How many changes may wait for the writer. Beyond that, callers wait to enqueue theirs.
const WAITING: usize = 1024;

/// How often the writer looks for expired records.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// An open database. When it is dropped, waiting changes are committed and the file is closed.
pub(crate) struct Embedded {
    database: Arc<Database>,
    /// `None` only during drop: closing the channel stops the writer.
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    writer: Option<std::thread::JoinHandle<()>>,
    broken: Broken,
}

impl Embedded {
    /// An empty database that lives as long as this value.
    pub(crate) async fn in_memory() -> Result<Self> {
        Self::open(Home::Memory, SWEEP_EVERY).await
    }

    /// The database in `folder`, created if it does not exist.
    pub(crate) async fn in_folder(folder: &Path) -> Result<Self> {
        Self::open(Home::Folder(folder.to_owned()), SWEEP_EVERY).await
    }

    /// The database in `folder`, which must exist.
    pub(crate) async fn existing(folder: &Path) -> Result<Self> {
        let folder = folder.to_owned();
        Self::over(
            blocking(move || Database::open_existing(folder)).await?,
            SWEEP_EVERY,
        )
    }

    /// Makes the file in `folder` as small as it can be. No process may have it open.
    pub(crate) async fn compact(folder: &Path) -> Result<Compacted> {
        let folder = folder.to_owned();
        blocking(move || compaction::compact(&folder)).await
    }

    /// Whether `folder` has a database.
    pub(crate) fn is_in(folder: &Path) -> io::Result<bool> {
        database::is_in(folder)
    }

    async fn open(home: Home, sweep_every: Duration) -> Result<Self> {
        // After a crash, opening verifies the whole file, so it runs on a blocking thread.
        Self::over(blocking(move || Database::open(home)).await?, sweep_every)
    }

    fn over(database: Database, sweep_every: Duration) -> Result<Self> {
        let database = Arc::new(database);
        let (sender, jobs) = mpsc::channel(WAITING);
        let Running { thread, broken } =
            Writer::new(Arc::clone(&database), jobs, sweep_every).start()?;
        Ok(Self {
            database,
            jobs: Some(sender),
            writer: Some(thread),
            broken,
        })
    }

    /// Sends a change to the writer and waits until it is committed.
    async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tables<'_>) -> Result<T, redb::Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let sender = self.jobs.as_ref().ok_or_else(stopped)?;
        sender
            .send(Box::new(WriteJob::new(change, reply)))
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was logged already.
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl Engine for Embedded {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.database
            .read(|snapshot| tables::Records::open(snapshot)?.get(key))
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        let key = key.to_owned();
        let value = value.to_owned();
        self.write(move |tables| tables.insert(&key, &value, ttl))
            .await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        let key = key.to_owned();
        let expected = expected.to_owned();
        let new = new.to_owned();
        self.write(move |tables| tables.compare_and_swap(&key, &expected, &new, ttl))
            .await
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let key = key.to_owned();
        self.write(move |tables| tables.take(&key)).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        Ok(self.take(key).await?.is_some())
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        let owned = key.to_owned();
        let count = self
            .write(move |tables| tables.add(&owned, amount, ttl))
            .await?;
        count.ok_or_else(|| no_counter(key))
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        let list = list.to_owned();
        let member = member.to_owned();
        self.write(move |tables| tables.set_add(&list, &member))
            .await
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        let list = list.to_owned();
        let member = member.to_owned();
        self.write(move |tables| tables.set_remove(&list, &member))
            .await
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let list = list.to_owned();
        let after = after.map(str::to_owned);
        let database = Arc::clone(&self.database);
        blocking(move || {
            database.read(|snapshot| tables::members(snapshot, &list, after.as_deref(), limit))
        })
        .await
    }

    /// Reads alone come from one snapshot. With writes, the whole batch is one change.
    async fn batch(&self, steps: &[BatchStep<'_>]) -> Result<Vec<StepResult>> {
        if !steps.iter().any(BatchStep::is_write)
            && let Some(results) = self
                .database
                .read(|snapshot| batch::read(snapshot, steps))?
        {
            return Ok(results);
        }
        let owned: Vec<OwnedStep> = steps.iter().map(OwnedStep::from).collect();
        let applied = self
            .write(move |tables| batch::apply(&owned, tables))
            .await?;
        batch::results(steps, applied)
    }

    async fn export(&self) -> Result<Export> {
        let snapshot = self.database.snapshot()?;
        Ok(Export::blocking(move |entries| {
            export::read(&snapshot, entries)
        }))
    }

    async fn ping(&self) -> Result<()> {
        if self.jobs.as_ref().is_none_or(mpsc::Sender::is_closed) {
            return Err(stopped());
        }
        self.database.read(|_| Ok(()))
    }

    /// One commit, which every change needs, and a check that the file is still in its place.
    async fn probe(&self) -> Result<()> {
        self.count(PROBE, PROBE_KEPT).await?;
        if self.database.is_in_place() {
            Ok(())
        } else {
            Err(database::gone())
        }
    }

    async fn broken(&self) -> String {
        let mut broken = self.broken.clone();
        let reason = broken
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            // The writer ended because this value is dropped.
            None => std::future::pending().await,
        }
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        Ok(match self.database.home() {
            Home::Memory => {
                vec!["All data is in memory only and is lost when this process ends.".to_owned()]
            }
            Home::Folder(_) => Vec::new(),
            #[cfg(test)]
            Home::Test(_) => Vec::new(),
        })
    }
}

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|fault| Err(Error::Unavailable(fault.to_string())))
}

fn no_counter(key: &str) -> Error {
    Error::Unavailable(format!("{key} is not a counter"))
}

fn stopped() -> Error {
    Error::Unavailable("the writer of the store file has stopped".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_sweep_removes_only_expired_records() {
        let engine = Embedded::open(Home::Memory, Duration::from_millis(20))
            .await
            .expect("a database");
        let short = Ttl::For(Duration::from_millis(30));
        for n in 0..1500 {
            assert!(
                engine
                    .insert(&format!("short {n}"), b"x", short)
                    .await
                    .expect("insert")
            );
        }
        engine
            .count("short counter", Duration::from_millis(30))
            .await
            .expect("count");
        engine
            .insert("long", b"x", Ttl::For(Duration::from_mins(10)))
            .await
            .expect("insert");
        engine
            .insert("ever", b"x", Ttl::Forever)
            .await
            .expect("insert");
        engine.insert("renewed", b"x", short).await.expect("insert");
        engine
            .compare_and_swap("renewed", b"x", b"y", Ttl::Forever)
            .await
            .expect("swap");

        let mut rows = (usize::MAX, usize::MAX);
        for _ in 0..500 {
            rows = engine.database.read(tables::rows).expect("rows");
            if rows.0 <= 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(rows, (3, 1), "records and entries of the expiry index");
        for kept in ["long", "ever", "renewed"] {
            assert!(engine.get(kept).await.expect("get").is_some(), "{kept}");
        }
    }

    #[tokio::test]
    async fn removing_or_replacing_a_record_removes_its_expiry_entry() {
        let engine = Embedded::in_memory().await.expect("a database");
        let ttl = Ttl::For(Duration::from_mins(10));
        engine.insert("a", b"1", ttl).await.expect("insert");
        engine
            .compare_and_swap("a", b"1", b"2", ttl)
            .await
            .expect("swap");
        assert_eq!(engine.database.read(tables::rows).expect("rows"), (1, 1));
        engine.take("a").await.expect("take");
        assert_eq!(engine.database.read(tables::rows).expect("rows"), (0, 0));
    }

    /// Whether redb has to read the whole file as it is now, after a kill.
    fn needs_repair(folder: &Path) -> bool {
        let copied = tempfile::tempdir().expect("a folder");
        let copy = copied.path().join(FILE);
        std::fs::copy(folder.join(FILE), &copy).expect("a copy");
        let repaired = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&repaired);
        let mut builder = redb::Database::builder();
        builder.set_repair_callback(move |_| noted.store(true, Ordering::SeqCst));
        drop(builder.open(&copy).expect("the copy opens"));
        repaired.load(Ordering::SeqCst)
    }

    #[test]
    fn a_settled_file_needs_no_repair_after_a_kill_until_the_next_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::Folder(folder.path().to_owned());
        let database = Database::open(home).expect("a file");
        for key in ["a", "b"] {
            let changed = database.change(|tables| tables.insert(key, b"x", Ttl::Forever));
            assert!(changed.is_ok_and(|inserted| inserted));
            assert!(needs_repair(folder.path()), "after a change");
            assert!(database.settle().is_ok());
            assert!(!needs_repair(folder.path()), "once it is settled");
        }
    }

    #[tokio::test]
    async fn the_file_of_an_idle_server_is_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Embedded::in_folder(folder.path()).await.expect("a file");
        let inserted = engine.insert("key", b"x", Ttl::Forever).await;
        assert!(inserted.expect("insert"));
        for _ in 0..100 {
            if !needs_repair(folder.path()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it is never settled");
    }
}
