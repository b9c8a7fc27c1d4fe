//! The thread that makes all changes: group commit, and the sweep.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Interval, MissedTickBehavior, interval, sleep},
};

use super::{
    database::{Database, StoreFileError, said},
    tables::{self, Tables},
};
use crate::{Error, Result};

/// The maximum number of changes in one transaction.
const BATCH: usize = 512;

/// How long a batch may grow when several callers write concurrently: about the time of a sync.
const GATHER: Duration = Duration::from_micros(500);

/// From this batch size on, waiting for more changes gains nothing.
const ENOUGH: usize = 32;

/// The maximum number of expired records removed in one transaction, so that changes do not wait
/// long for a sweep.
const SWEEP_BATCH: usize = 512;

/// How long the writer waits for changes before it prepares the file for a quick start.
const SETTLE_AFTER: Duration = Duration::from_secs(1);

/// A change that waits for the writer.
pub(super) trait Job: Send {
    /// Applies the change within the transaction.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), redb::Error>;

    /// Sends the outcome, or the reason of the failure, to the caller after the commit.
    fn answer(self: Box<Self>, failure: Option<&str>);
}

/// A [`Job`] from a closure, with its outcome and reply channel.
pub(super) struct WriteJob<T, F> {
    change: Option<F>,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> WriteJob<T, F>
where
    F: FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>,
{
    pub(super) fn new(change: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self {
            change: Some(change),
            outcome: None,
            reply,
        }
    }
}

impl<T, F> Job for WriteJob<T, F>
where
    T: Send,
    F: FnOnce(&mut Tables<'_>) -> Result<T, redb::Error> + Send,
{
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), redb::Error> {
        if let Some(change) = self.change.take() {
            self.outcome = Some(change(tables)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let answer = match (failure, self.outcome) {
            (None, Some(outcome)) => Ok(outcome),
            (reason, _) => Err(Error::Unavailable(
                reason.unwrap_or("the change was not made").to_owned(),
            )),
        };
        // The caller may be gone; the change stays.
        let _ = self.reply.send(answer);
    }
}

/// The reason why the writer stopped permanently, once it has.
pub(super) type Broken = watch::Receiver<Option<String>>;

/// A running writer.
pub(super) struct Running {
    pub(super) thread: JoinHandle<()>,
    pub(super) broken: Broken,
}

/// The writer, before it starts.
pub(super) struct Writer {
    database: Arc<Database>,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    sweep_every: Duration,
}

impl Writer {
    pub(super) fn new(
        database: Arc<Database>,
        jobs: mpsc::Receiver<Box<dyn Job>>,
        sweep_every: Duration,
    ) -> Self {
        Self {
            database,
            jobs,
            sweep_every,
        }
    }

    /// Starts the thread. It ends when all senders are dropped and their changes are done, or
    /// earlier when it can no longer write.
    pub(super) fn start(self) -> Result<Running> {
        let failed = |fault: io::Error| {
            Error::Unavailable(format!("the writer of the store did not start: {fault}"))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(failed)?;
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let (tell, broken) = watch::channel(None);
        let work = move || {
            // redb panics on states that it considers impossible, such as damaged pages.
            let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.run())));
            if let Err(reason) =
                ended.unwrap_or_else(|panic| Err(format!("it panicked: {}", said(&*panic))))
            {
                tracing::error!(reason, "the store file can no longer be written");
                tell.send_replace(Some(reason));
            }
        };
        Ok(Running {
            thread: thread.spawn(work).map_err(failed)?,
            broken,
        })
    }

    /// Nothing else runs on this thread's runtime, so it may block. The error is the reason why
    /// writing is no longer possible.
    async fn run(mut self) -> Result<(), String> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut sweeps = interval(self.sweep_every);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = 0;
        loop {
            tokio::select! {
                count = self.jobs.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.gather(&mut batch, last);
                    last = batch.len();
                    self.commit(&mut batch)?;
                }
                _ = sweeps.tick() => self.sweep(&mut sweeps)?,
                () = sleep(SETTLE_AFTER), if !self.database.is_settled() => self.settle()?,
            }
        }
    }

    /// Lets a batch grow if the `last` one had several changes, since their callers will probably
    /// write again soon. Each commit costs processor time in addition to the sync. A single caller
    /// never waits.
    fn gather(&mut self, batch: &mut Vec<Box<dyn Job>>, last: usize) {
        if last > 1 && batch.len() < ENOUGH {
            std::thread::sleep(GATHER);
            batch.extend(std::iter::from_fn(|| self.jobs.try_recv().ok()).take(BATCH - ENOUGH));
        }
    }

    /// Applies the batch in one transaction, then answers all callers.
    fn commit(&self, batch: &mut Vec<Box<dyn Job>>) -> Result<(), String> {
        let outcome = self
            .database
            .change(|tables| batch.iter_mut().try_for_each(|job| job.apply(tables)));
        let failure = outcome.err();
        let reason = failure.as_ref().map(ToString::to_string);
        for job in batch.drain(..) {
            job.answer(reason.as_deref());
        }
        failure.map_or(Ok(()), |failure| self.recover(&failure))
    }

    /// Removes some expired records, and the rest right after the waiting changes. The check needs
    /// no write transaction, so an idle server does not use its disk.
    fn sweep(&self, sweeps: &mut Interval) -> Result<(), String> {
        if !self.database.read(tables::any_expired).unwrap_or(false) {
            return Ok(());
        }
        match self.database.change(|tables| tables.sweep(SWEEP_BATCH)) {
            Ok(SWEEP_BATCH) => sweeps.reset_immediately(),
            Ok(_) => {}
            Err(failure) => self.recover(&failure)?,
        }
        Ok(())
    }

    /// Prepares the file for the next start, once nothing else is to be done.
    fn settle(&self) -> Result<(), String> {
        let settled = self.database.settle();
        settled.or_else(|failure| self.recover(&failure))
    }

    /// Reopens the file after a temporary failure. A file that cannot be reopened, and a failure
    /// after which the state on disk is unknown, stop the writer: a new process must start from the
    /// state on disk.
    fn recover(&self, failure: &StoreFileError) -> Result<(), String> {
        if !failure.may_pass() {
            return Err(failure.to_string());
        }
        tracing::error!(%failure, "the store file could not be written and is opened again");
        self.database
            .reopen()
            .map_err(|fault| format!("the store file could not be opened again: {fault}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{database::Home, faulty_disk::FaultyDisk},
        *,
    };
    use crate::Ttl;

    type Change = fn(&mut Tables<'_>) -> Result<bool, redb::Error>;

    /// Enqueues all changes before the writer starts, and returns its answers.
    async fn at_once(database: &Arc<Database>, changes: &[Change]) -> Vec<Result<bool>> {
        let (sender, jobs) = mpsc::channel(changes.len());
        let mut answers = Vec::new();
        for change in changes {
            let (reply, answer) = oneshot::channel();
            let job: Box<dyn Job> = Box::new(WriteJob::new(*change, reply));
            assert!(sender.try_send(job).is_ok());
            answers.push(answer);
        }
        let writer = Writer::new(Arc::clone(database), jobs, Duration::from_mins(1));
        let running = writer.start().expect("the writer starts");
        drop(sender);
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.expect("an answer"));
        }
        running.thread.join().expect("the writer ends");
        outcomes
    }

    /// A writer over a disk, with the sender for its changes.
    fn over(disk: &FaultyDisk) -> (mpsc::Sender<Box<dyn Job>>, Running) {
        let database = Arc::new(Database::open(Home::Test(disk.clone())).expect("a database"));
        let (sender, jobs) = mpsc::channel(8);
        let writer = Writer::new(database, jobs, Duration::from_mins(1));
        (sender, writer.start().expect("the writer starts"))
    }

    async fn change(sender: &mpsc::Sender<Box<dyn Job>>, change: Change) -> Option<Result<bool>> {
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(WriteJob::new(change, reply));
        sender.send(job).await.ok()?;
        answer.await.ok()
    }

    #[tokio::test]
    async fn a_failed_sync_or_panic_stops_the_writer_with_a_reason() {
        let insert: Change = |tables| tables.insert("k", b"v", Ttl::Forever);
        let another: Change = |tables| tables.insert("l", b"v", Ttl::Forever);
        let panics: Change = |_| panic!("on purpose");
        for (what, fails, last) in [
            ("Input/output error", true, another),
            ("on purpose", false, panics),
        ] {
            let disk = FaultyDisk::default();
            let (sender, mut running) = over(&disk);
            assert!(matches!(change(&sender, insert).await, Some(Ok(true))));
            assert_eq!(*running.broken.borrow_and_update(), None);
            disk.fail_syncs(fails);
            assert!(
                !matches!(change(&sender, last).await, Some(Ok(_))),
                "{what}"
            );
            running.broken.changed().await.expect("a reason is sent");
            let reason = running.broken.borrow().clone().expect("a reason");
            assert!(reason.contains(what), "{reason}");
            running.thread.join().expect("the thread has ended");
            assert!(
                change(&sender, insert).await.is_none(),
                "{what}: it accepts no more"
            );
        }
    }

    #[tokio::test]
    async fn waiting_changes_are_one_transaction() {
        let database = Arc::new(Database::open(Home::Memory).expect("a database"));
        let insert: Change = |tables| tables.insert("k", b"v", Ttl::Forever);
        let set_add: Change = |tables| tables.set_add("l", "member");
        let fail: Change = |_| Err(redb::Error::Corrupted("on purpose".to_owned()));
        // This failure stops the writer.

        let outcomes = at_once(&database, &[insert, set_add, fail, insert]).await;
        for outcome in outcomes {
            let fault = outcome.expect_err("the transaction fails as a whole");
            assert!(fault.to_string().contains("on purpose"), "{fault}");
        }
        assert_eq!(database.read(tables::rows).expect("rows"), (0, 0));

        let outcomes = at_once(&database, &[insert, set_add, insert]).await;
        let results: Vec<bool> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("done"))
            .collect();
        assert_eq!(
            results,
            [true, true, false],
            "each sees the changes before it"
        );
    }
}
