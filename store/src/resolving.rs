//! Resolving writes whose answer was lost.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{sleep, timeout};

use crate::{
    BatchStep, CasResult, Engine, Error, Export, Result, StepResult, Store, Ttl, batch::Conditions,
};

/// How long to read the record.
const DEADLINE: Duration = Duration::from_secs(4);
/// How many attempts are made while the store fails immediately, and the first pause. Each further
/// pause is twice as long.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// The engine of [`Store::resolving`].
pub(crate) struct Resolving {
    store: Store,
}

impl Resolving {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The current value; `None` if the store does not answer.
    async fn look(&self, key: &str) -> Option<Option<Vec<u8>>> {
        asked(|| self.store.get(key)).await
    }

    /// The result of a write that was found to have happened.
    async fn settled<T>(&self, key: &str, result: T) -> Result<T> {
        self.store.settled(key).await.map(|()| result)
    }

    /// Whether a list has a member; `None` if the store does not answer.
    async fn lists(&self, list: &str, member: &str) -> Option<bool> {
        let before = predecessor(member)?;
        let next = asked(|| self.store.set_range(list, Some(&before), 1)).await?;
        Some(next.first().is_some_and(|next| next == member))
    }

    async fn after_insert(
        &self,
        key: &str,
        value: &[u8],
        ttl: Ttl,
        mut fault: Error,
    ) -> Result<bool> {
        for repeat in [true, false] {
            match self.look(key).await {
                Some(Some(there)) if there == value => return self.settled(key, true).await,
                Some(Some(_)) => return Ok(false),
                Some(None) if repeat => match self.store.insert(key, value, ttl).await {
                    Err(again) => fault = again,
                    answer => return answer,
                },
                _ => break,
            }
        }
        Err(fault)
    }

    async fn after_swap(
        &self,
        key: &str,
        (expected, new): (&[u8], &[u8]),
        ttl: Ttl,
        mut fault: Error,
    ) -> Result<CasResult> {
        for repeat in [true, false] {
            match self.look(key).await {
                // With `new == expected`, it is unknown whether the write happened. It is repeated,
                // and accepted at the second attempt.
                Some(Some(there)) if there == new && (new != expected || !repeat) => {
                    return self.settled(key, CasResult::Done).await;
                }
                Some(Some(there)) if there != expected => {
                    return Ok(CasResult::Changed(Some(there)));
                }
                Some(None) => return Ok(CasResult::Changed(None)),
                Some(Some(_)) if repeat => {
                    match self.store.compare_and_swap(key, expected, new, ttl).await {
                        Err(again) => fault = again,
                        answer => return answer,
                    }
                }
                _ => break,
            }
        }
        Err(fault)
    }

    async fn after_remove(&self, key: &str, mut fault: Error) -> Result<bool> {
        for repeat in [true, false] {
            match self.look(key).await {
                Some(None) => return self.settled(key, true).await,
                Some(Some(_)) if repeat => match self.store.remove(key).await {
                    Err(again) => fault = again,
                    answer => return answer,
                },
                _ => break,
            }
        }
        Err(fault)
    }

    async fn after_add(&self, key: &str, amount: u64, ttl: Duration, fault: Error) -> Result<u64> {
        let Some(before) = self.look(key).await else {
            return Err(fault);
        };
        match self.store.add(key, amount, ttl).await {
            // It was counted if the counter is higher than before.
            Err(fault) => {
                let (before, now) = (number(before), self.look(key).await.map_or(0, number));
                if now > before { Ok(now) } else { Err(fault) }
            }
            answer => answer,
        }
    }

    async fn after_set_add(&self, list: &str, member: &str, mut fault: Error) -> Result<bool> {
        for repeat in [true, false] {
            match self.lists(list, member).await {
                Some(true) => return Ok(true),
                Some(false) if repeat => match self.store.set_add(list, member).await {
                    Err(again) => fault = again,
                    answer => return answer,
                },
                _ => break,
            }
        }
        Err(fault)
    }

    async fn after_set_remove(&self, list: &str, member: &str, mut fault: Error) -> Result<bool> {
        for repeat in [true, false] {
            match self.lists(list, member).await {
                Some(false) => return Ok(true),
                Some(true) if repeat => match self.store.set_remove(list, member).await {
                    Err(again) => fault = again,
                    answer => return answer,
                },
                _ => break,
            }
        }
        Err(fault)
    }

    /// The result of one step of a batch whose answer was lost.
    async fn after_step(&self, step: &BatchStep<'_>, fault: Error) -> Result<StepResult> {
        Ok(match *step {
            BatchStep::Get { .. } | BatchStep::SetRange { .. } => step.run(&*self.store).await?,
            BatchStep::Insert { key, value, ttl } => {
                StepResult::Changed(self.after_insert(key, value, ttl, fault).await?)
            }
            BatchStep::CompareAndSwap {
                key,
                expected,
                new,
                ttl,
            } => StepResult::Swap(self.after_swap(key, (expected, new), ttl, fault).await?),
            BatchStep::Remove { key } => StepResult::Changed(self.after_remove(key, fault).await?),
            BatchStep::Add { key, amount, ttl } => {
                StepResult::Sum(self.after_add(key, amount, ttl, fault).await?)
            }
            BatchStep::SetAdd { list, member } => {
                StepResult::Changed(self.after_set_add(list, member, fault).await?)
            }
            BatchStep::SetRemove { list, member } => {
                StepResult::Changed(self.after_set_remove(list, member, fault).await?)
            }
            // A condition has no operation.
            BatchStep::IfChanged => return Err(fault),
        })
    }
}

/// Repeats a read until it succeeds, for a few seconds at most.
async fn asked<T, A: Future<Output = Result<T>>>(ask: impl Fn() -> A) -> Option<T> {
    let asking = async {
        for number in 0..TRIES {
            if let Ok(answer) = ask().await {
                return Some(answer);
            }
            sleep(PAUSE * 2_u32.pow(number)).await;
        }
        ask().await.ok()
    };
    timeout(DEADLINE, asking).await.ok().flatten()
}

/// A text that precedes `member` closely in byte order. `None` for a member that does not end in
/// ASCII.
fn predecessor(member: &str) -> Option<String> {
    let last = member
        .bytes()
        .last()
        .filter(|last| last.is_ascii() && *last > 0)?;
    Some(format!(
        "{}{}{}",
        &member[..member.len() - 1],
        char::from(last - 1),
        char::MAX
    ))
}

#[async_trait]
impl Engine for Resolving {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.get(key).await
    }

    async fn insert(&self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        match self.store.insert(key, value, ttl).await {
            Err(fault) => self.after_insert(key, value, ttl, fault).await,
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
        match self.store.compare_and_swap(key, expected, new, ttl).await {
            Err(fault) => self.after_swap(key, (expected, new), ttl, fault).await,
            answer => answer,
        }
    }

    async fn take(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.store.take(key).await {
            Err(fault) => match self.look(key).await {
                Some(Some(_)) => self.store.take(key).await,
                _ => Err(fault),
            },
            answer => answer,
        }
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        match self.store.remove(key).await {
            Err(fault) => self.after_remove(key, fault).await,
            answer => answer,
        }
    }

    async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64> {
        match self.store.add(key, amount, ttl).await {
            Err(fault) => self.after_add(key, amount, ttl, fault).await,
            answer => answer,
        }
    }

    async fn set_add(&self, list: &str, member: &str) -> Result<bool> {
        match self.store.set_add(list, member).await {
            Err(fault) => self.after_set_add(list, member, fault).await,
            answer => answer,
        }
    }

    async fn set_remove(&self, list: &str, member: &str) -> Result<bool> {
        match self.store.set_remove(list, member).await {
            Err(fault) => self.after_set_remove(list, member, fault).await,
            answer => answer,
        }
    }

    async fn set_range(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        self.store.set_range(list, after, limit).await
    }

    /// After a lost answer each step is resolved by its own rule, in order, so that later steps
    /// still see earlier ones, and conditions what the steps before them did.
    async fn batch(&self, steps: &[BatchStep<'_>]) -> Result<Vec<StepResult>> {
        let fault = match self.store.batch(steps).await {
            Err(fault) => fault.to_string(),
            answer => return answer,
        };
        let mut results = Vec::with_capacity(steps.len());
        let mut conditions = Conditions::default();
        for step in steps {
            let resolved = self.after_step(step, Error::Unavailable(fault.clone()));
            results.push(conditions.result(step, resolved).await?);
        }
        Ok(results)
    }

    fn sends_batches_at_once(&self) -> bool {
        self.store.sends_batches_at_once()
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

    async fn settled(&self, key: &str) -> Result<()> {
        self.store.settled(key).await
    }

    async fn broken(&self) -> String {
        self.store.broken().await
    }

    async fn durability_warnings(&self) -> Result<Vec<String>> {
        self.store.durability_warnings().await
    }
}

/// The value of a counter.
fn number(there: Option<Vec<u8>>) -> u64 {
    there
        .and_then(|digits| String::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
