//! The one thread that changes the database: group commit, and the sweep.

use std::{io, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    database::Database,
    tables::{self, Tables},
};
use crate::{Error, Result};

/// The most changes in one transaction.
const BATCH: usize = 512;

/// How long a batch may grow when several callers write at once: about as long as a sync takes.
const GATHER: Duration = Duration::from_micros(500);

/// From here on the sync is shared by so many that waiting for more gains nothing.
const ENOUGH: usize = 32;

/// The most expired records removed in one transaction, so that nobody waits long behind a sweep.
const SWEEP_BATCH: usize = 512;

/// A change that waits for the writer.
pub(super) trait Job: Send {
    /// Makes the change within the transaction.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), redb::Error>;

    /// Tells the caller, after the commit: what came of it, or why it failed.
    fn answer(self: Box<Self>, failure: Option<&str>);
}

/// A [`Job`] made of a closure and a place for its outcome.
pub(super) struct Deed<T, F> {
    change: Option<F>,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Deed<T, F>
where
    F: FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>,
{
    pub(super) fn new(change: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { change: Some(change), outcome: None, reply }
    }
}

impl<T, F> Job for Deed<T, F>
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
            (reason, _) => Err(Error::Unavailable(reason.unwrap_or("the change was not made").to_owned())),
        };
        // A caller that no longer listens does not undo the change.
        let _ = self.reply.send(answer);
    }
}

/// The writer, before it starts.
pub(super) struct Writer {
    database: Arc<Database>,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    sweep_every: Duration,
}

impl Writer {
    pub(super) fn new(database: Arc<Database>, jobs: mpsc::Receiver<Box<dyn Job>>, sweep_every: Duration) -> Self {
        Self { database, jobs, sweep_every }
    }

    /// Starts the thread. It ends when all senders are gone and what they sent is done.
    pub(super) fn start(self) -> Result<JoinHandle<()>> {
        let failed = |fault: io::Error| Error::Unavailable(format!("the writer of the store did not start: {fault}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        thread.spawn(move || runtime.block_on(self.run())).map_err(failed)
    }

    /// Nothing else runs on this thread's runtime, so it may wait for the disk.
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut sweeps = interval(self.sweep_every);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = 0;
        loop {
            tokio::select! {
                count = self.jobs.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.gather(&mut batch, last);
                    last = batch.len();
                    self.commit(&mut batch);
                }
                _ = sweeps.tick() => self.sweep(&mut sweeps),
            }
        }
    }

    /// Lets a batch grow if the `last` one had several changes: their callers are probably on their way back. Each commit
    /// costs processor time of its own, besides the sync. Who writes alone never waits.
    fn gather(&mut self, batch: &mut Vec<Box<dyn Job>>, last: usize) {
        if last > 1 && batch.len() < ENOUGH {
            std::thread::sleep(GATHER);
            batch.extend(std::iter::from_fn(|| self.jobs.try_recv().ok()).take(BATCH - ENOUGH));
        }
    }

    /// All changes of the batch in one transaction, then the answers.
    fn commit(&self, batch: &mut Vec<Box<dyn Job>>) {
        let outcome = self.database.change(|tables| batch.iter_mut().try_for_each(|job| job.apply(tables)));
        let failure = outcome.err().map(reason);
        for job in batch.drain(..) {
            job.answer(failure.as_deref());
        }
        if let Some(failure) = failure {
            self.recover(&failure);
        }
    }

    /// Removes some expired records; the rest right after the changes that wait.
    fn sweep(&self, sweeps: &mut Interval) {
        let swept = self.database.read(tables::any_expired).and_then(|any| {
            // Looking costs no transaction: an idle server leaves its disk alone.
            if any { self.database.change(|tables| tables.sweep(SWEEP_BATCH)) } else { Ok(0) }
        });
        match swept {
            Ok(SWEEP_BATCH) => sweeps.reset_immediately(),
            Ok(_) => {}
            Err(fault) => self.recover(&reason(fault)),
        }
    }

    fn recover(&self, failure: &str) {
        tracing::error!(failure, "the store file could not be written and is opened again");
        if let Err(fault) = self.database.reopen() {
            tracing::error!(%fault, "the store file could not be opened again; the next change tries once more");
        }
    }
}

/// The reason alone: the callers' error adds its own introduction.
fn reason(fault: Error) -> String {
    match fault {
        Error::Unavailable(reason) => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::database::Home, *};
    use crate::Keep;

    type Change = fn(&mut Tables<'_>) -> Result<bool, redb::Error>;

    /// Hands all changes over before the writer starts, and returns its answers.
    async fn at_once(database: &Arc<Database>, changes: &[Change]) -> Vec<Result<bool>> {
        let (sender, jobs) = mpsc::channel(changes.len());
        let mut answers = Vec::new();
        for change in changes {
            let (reply, answer) = oneshot::channel();
            let job: Box<dyn Job> = Box::new(Deed::new(*change, reply));
            assert!(sender.try_send(job).is_ok());
            answers.push(answer);
        }
        let writer = Writer::new(Arc::clone(database), jobs, Duration::from_mins(1));
        let thread = writer.start().expect("the writer starts");
        drop(sender);
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.expect("an answer"));
        }
        thread.join().expect("the writer ends");
        outcomes
    }

    #[tokio::test]
    async fn changes_that_wait_together_are_one_transaction() {
        let database = Arc::new(Database::open(Home::Memory).expect("a database"));
        let insert: Change = |tables| tables.insert("k", b"v", Keep::Forever);
        let enlist: Change = |tables| tables.enlist("l", "member");
        let fail: Change = |_| Err(redb::Error::Corrupted("on purpose".to_owned()));

        let outcomes = at_once(&database, &[insert, enlist, fail, insert]).await;
        for outcome in outcomes {
            let fault = outcome.expect_err("one transaction stands or falls as a whole");
            assert!(fault.to_string().contains("on purpose"), "{fault}");
        }
        assert_eq!(database.read(tables::rows).expect("rows"), (0, 0));

        let outcomes = at_once(&database, &[insert, enlist, insert]).await;
        let told: Vec<bool> = outcomes.into_iter().map(|outcome| outcome.expect("done")).collect();
        assert_eq!(told, [true, true, false], "each sees those before it");
    }
}
