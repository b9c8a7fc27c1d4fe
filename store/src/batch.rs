//! Several steps on separate keys in one round trip, or one commit.

use std::time::Duration;

use crate::{CasResult, Engine, Error, Result, Ttl};

/// One step of a batch: an operation of [`Engine`] with its arguments. `take` is not among them: a
/// lost answer of a batch could not say who took the value.
#[derive(Clone, Copy, Debug)]
pub enum BatchStep<'a> {
    /// [`Engine::get`].
    Get {
        /// The key.
        key: &'a str,
    },
    /// [`Engine::insert`].
    Insert {
        /// The key.
        key: &'a str,
        /// The new value.
        value: &'a [u8],
        /// Its lifetime.
        ttl: Ttl,
    },
    /// [`Engine::compare_and_swap`].
    CompareAndSwap {
        /// The key.
        key: &'a str,
        /// The value to be replaced.
        expected: &'a [u8],
        /// The new value.
        new: &'a [u8],
        /// Its lifetime.
        ttl: Ttl,
    },
    /// [`Engine::remove`].
    Remove {
        /// The key.
        key: &'a str,
    },
    /// [`Engine::add`].
    Add {
        /// The key of the counter.
        key: &'a str,
        /// The amount.
        amount: u64,
        /// The lifetime of a new counter.
        ttl: Duration,
    },
    /// [`Engine::set_add`].
    SetAdd {
        /// The list.
        list: &'a str,
        /// The member.
        member: &'a str,
    },
    /// [`Engine::set_remove`].
    SetRemove {
        /// The list.
        list: &'a str,
        /// The member.
        member: &'a str,
    },
    /// [`Engine::set_range`].
    SetRange {
        /// The list.
        list: &'a str,
        /// The member before the first.
        after: Option<&'a str>,
        /// The maximum number of members.
        limit: usize,
    },
    /// A condition: the steps after it are carried out only if the step right before it changed
    /// something. `get` and `set_range` never do, `add` always does.
    IfChanged,
}

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// Of `get`.
    Value(Option<Vec<u8>>),
    /// Of `insert`, `remove`, `set_add` and `set_remove`: whether it changed something. Of a
    /// condition: whether it holds.
    Changed(bool),
    /// Of `compare_and_swap`.
    Swap(CasResult),
    /// Of `add`.
    Sum(u64),
    /// Of `set_range`.
    Members(Vec<String>),
    /// Of a step after a condition that does not hold: it was not carried out.
    Skipped,
}

impl BatchStep<'_> {
    /// Whether the step may change the store.
    pub const fn is_write(&self) -> bool {
        match self {
            Self::Insert { .. }
            | Self::CompareAndSwap { .. }
            | Self::Remove { .. }
            | Self::Add { .. }
            | Self::SetAdd { .. }
            | Self::SetRemove { .. } => true,
            Self::Get { .. } | Self::SetRange { .. } | Self::IfChanged => false,
        }
    }

    /// Carries the step out by its own operation.
    ///
    /// # Errors
    /// Those of the operation. A condition has none.
    pub async fn run<E: Engine + ?Sized>(&self, engine: &E) -> Result<StepResult> {
        Ok(match *self {
            Self::Get { key } => StepResult::Value(engine.get(key).await?),
            Self::Insert { key, value, ttl } => {
                StepResult::Changed(engine.insert(key, value, ttl).await?)
            }
            Self::CompareAndSwap {
                key,
                expected,
                new,
                ttl,
            } => StepResult::Swap(engine.compare_and_swap(key, expected, new, ttl).await?),
            Self::Remove { key } => StepResult::Changed(engine.remove(key).await?),
            Self::Add { key, amount, ttl } => StepResult::Sum(engine.add(key, amount, ttl).await?),
            Self::SetAdd { list, member } => {
                StepResult::Changed(engine.set_add(list, member).await?)
            }
            Self::SetRemove { list, member } => {
                StepResult::Changed(engine.set_remove(list, member).await?)
            }
            Self::SetRange { list, after, limit } => {
                StepResult::Members(engine.set_range(list, after, limit).await?)
            }
            Self::IfChanged => return Err(misplaced()),
        })
    }
}

/// Which steps of a batch are carried out: all before the first condition that does not hold.
#[derive(Default)]
pub(crate) struct Conditions {
    has_changed: bool,
    has_ended: bool,
}

impl Conditions {
    /// The result of a step that no operation carries out: a condition, or a step after one that
    /// does not hold.
    pub(crate) const fn without_operation(&mut self, is_condition: bool) -> Option<StepResult> {
        if self.has_ended {
            return Some(StepResult::Skipped);
        }
        if !is_condition {
            return None;
        }
        self.has_ended = !self.has_changed;
        Some(StepResult::Changed(self.has_changed))
    }

    /// Notes what an operation did, for a condition after it.
    pub(crate) const fn note(&mut self, result: &StepResult) {
        self.has_changed = result.is_change();
    }

    /// The result of a step: that of `operation`, if the step is carried out.
    pub(crate) async fn result(
        &mut self,
        step: &BatchStep<'_>,
        operation: impl Future<Output = Result<StepResult>> + Send,
    ) -> Result<StepResult> {
        if let Some(result) = self.without_operation(matches!(step, BatchStep::IfChanged)) {
            return Ok(result);
        }
        let result = operation.await?;
        self.note(&result);
        Ok(result)
    }
}

impl StepResult {
    /// Whether the step changed something.
    pub(crate) const fn is_change(&self) -> bool {
        match self {
            Self::Changed(changed) => *changed,
            Self::Swap(result) => matches!(result, CasResult::Done),
            Self::Sum(_) => true,
            Self::Value(_) | Self::Members(_) | Self::Skipped => false,
        }
    }

    /// Whether the step was not carried out, because of a condition before it.
    pub const fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped)
    }

    /// The result of a `get`.
    ///
    /// # Errors
    /// When the engine answered another step.
    pub fn value(self) -> Result<Option<Vec<u8>>> {
        let Self::Value(value) = self else {
            return Err(misplaced());
        };
        Ok(value)
    }

    /// The result of an `insert`, a `remove`, a `set_add`, a `set_remove` or a condition.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn changed(self) -> Result<bool> {
        let Self::Changed(changed) = self else {
            return Err(misplaced());
        };
        Ok(changed)
    }

    /// The result of a `compare_and_swap`.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn swap(self) -> Result<CasResult> {
        let Self::Swap(result) = self else {
            return Err(misplaced());
        };
        Ok(result)
    }

    /// The result of an `add`.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn sum(self) -> Result<u64> {
        let Self::Sum(sum) = self else {
            return Err(misplaced());
        };
        Ok(sum)
    }

    /// The result of a `set_range`.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn members(self) -> Result<Vec<String>> {
        let Self::Members(members) = self else {
            return Err(misplaced());
        };
        Ok(members)
    }
}

fn misplaced() -> Error {
    Error::Unavailable("the engine answered another step of a batch".to_owned())
}

/// Carries the steps out one by one.
///
/// # Errors
/// Of the first step that fails; those before it have been carried out.
pub async fn one_by_one<E: Engine + ?Sized>(
    engine: &E,
    steps: &[BatchStep<'_>],
) -> Result<Vec<StepResult>> {
    let mut results = Vec::with_capacity(steps.len());
    let mut conditions = Conditions::default();
    for step in steps {
        results.push(conditions.result(step, step.run(engine)).await?);
    }
    Ok(results)
}
