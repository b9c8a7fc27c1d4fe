//! Work in the background, after the response, so that the response time does not depend on it.

use std::sync::Arc;

use tokio::{sync::Semaphore, task};

/// The maximum number of pieces of work after their responses. Beyond that, new work is done before
/// the response.
const MOST: u32 = 1024;

/// Counts running work: each piece has a permit.
pub(crate) struct BackgroundTasks(Arc<Semaphore>);

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl BackgroundTasks {
    /// Does work after the response of the current request; or now, if too much is running.
    pub(crate) async fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match Arc::clone(&self.0).try_acquire_owned() {
            Ok(permit) => drop(task::spawn(async move {
                work.await;
                drop(permit);
            })),
            Err(_) => work.await,
        }
    }

    /// Waits until all of it is done.
    pub(crate) async fn finish_background_tasks(&self) {
        // The semaphore is never closed.
        let _ = self.0.acquire_many(MOST).await;
    }
}
