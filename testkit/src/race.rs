//! Concurrent callers.

use std::sync::Arc;

use tokio::sync::Barrier;

/// The number of concurrent callers in tests of races.
pub const RACERS: usize = 64;

/// Starts `racers` tasks at the same moment, and waits for all of them. The results are in the
/// order of the numbers.
pub async fn race<T, F>(racers: usize, racer: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let gate = Arc::new(Barrier::new(racers));
    let start = |number| {
        let gate = gate.clone();
        let racer = racer(number);
        tokio::spawn(async move {
            gate.wait().await;
            racer.await
        })
    };
    let started: Vec<_> = (0..racers).map(start).collect();
    let mut ended = Vec::with_capacity(racers);
    for racer in started {
        ended.push(racer.await.expect("a racer that does not panic"));
    }
    ended
}
