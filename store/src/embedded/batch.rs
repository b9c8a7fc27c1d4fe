//! Batches: a snapshot for reads, one change for the rest.

use std::time::Duration;

use redb::ReadTransaction;

use super::tables::{self, Tables};
use crate::{BatchStep, Error, StepResult, Ttl, batch::Conditions};

type Result<T> = std::result::Result<T, redb::Error>;

/// A step with data of its own, for the thread of the writer.
pub(super) enum OwnedStep {
    Get(String),
    Insert(String, Vec<u8>, Ttl),
    Swap {
        key: String,
        expected: Vec<u8>,
        new: Vec<u8>,
        ttl: Ttl,
    },
    Remove(String),
    Add(String, u64, Duration),
    SetAdd(String, String),
    SetRemove(String, String),
    SetRange(String, Option<String>, usize),
    IfChanged,
}

impl From<&BatchStep<'_>> for OwnedStep {
    fn from(step: &BatchStep<'_>) -> Self {
        match *step {
            BatchStep::Get { key } => Self::Get(key.to_owned()),
            BatchStep::Insert { key, value, ttl } => {
                Self::Insert(key.to_owned(), value.to_owned(), ttl)
            }
            BatchStep::CompareAndSwap {
                key,
                expected,
                new,
                ttl,
            } => Self::Swap {
                key: key.to_owned(),
                expected: expected.to_owned(),
                new: new.to_owned(),
                ttl,
            },
            BatchStep::Remove { key } => Self::Remove(key.to_owned()),
            BatchStep::Add { key, amount, ttl } => Self::Add(key.to_owned(), amount, ttl),
            BatchStep::SetAdd { list, member } => Self::SetAdd(list.to_owned(), member.to_owned()),
            BatchStep::SetRemove { list, member } => {
                Self::SetRemove(list.to_owned(), member.to_owned())
            }
            BatchStep::SetRange { list, after, limit } => {
                Self::SetRange(list.to_owned(), after.map(str::to_owned), limit)
            }
            BatchStep::IfChanged => Self::IfChanged,
        }
    }
}

/// The result of a step; `None` when the record of a counter is none.
pub(super) type Applied = Option<StepResult>;

/// Carries the steps out within a transaction, as far as their conditions hold.
pub(super) fn apply(steps: &[OwnedStep], tables: &mut Tables<'_>) -> Result<Vec<Applied>> {
    let mut conditions = Conditions::default();
    let mut applied = Vec::with_capacity(steps.len());
    for step in steps {
        let is_condition = matches!(step, OwnedStep::IfChanged);
        if let Some(result) = conditions.without_operation(is_condition) {
            applied.push(Some(result));
            continue;
        }
        let result = step.apply(tables)?;
        if let Some(result) = &result {
            conditions.note(result);
        }
        applied.push(result);
    }
    Ok(applied)
}

impl OwnedStep {
    fn apply(&self, tables: &mut Tables<'_>) -> Result<Applied> {
        Ok(Some(match self {
            Self::Get(key) => StepResult::Value(tables.get(key)?),
            Self::Insert(key, value, ttl) => StepResult::Changed(tables.insert(key, value, *ttl)?),
            Self::Swap {
                key,
                expected,
                new,
                ttl,
            } => StepResult::Swap(tables.compare_and_swap(key, expected, new, *ttl)?),
            Self::Remove(key) => StepResult::Changed(tables.take(key)?.is_some()),
            Self::Add(key, amount, ttl) => {
                return Ok(tables.add(key, *amount, *ttl)?.map(StepResult::Sum));
            }
            Self::SetAdd(list, member) => StepResult::Changed(tables.set_add(list, member)?),
            Self::SetRemove(list, member) => StepResult::Changed(tables.set_remove(list, member)?),
            Self::SetRange(list, after, limit) => {
                StepResult::Members(tables.members(list, after.as_deref(), *limit)?)
            }
            // It has no operation.
            Self::IfChanged => return Ok(None),
        }))
    }
}

/// The results of steps that change nothing, from one snapshot. `None` when one is a write.
pub(super) fn read(
    snapshot: &ReadTransaction,
    steps: &[BatchStep<'_>],
) -> Result<Option<Vec<StepResult>>> {
    let records = tables::Records::open(snapshot)?;
    let mut results = Vec::with_capacity(steps.len());
    for step in steps {
        results.push(match *step {
            BatchStep::Get { key } => StepResult::Value(records.get(key)?),
            BatchStep::SetRange { list, after, limit } => {
                StepResult::Members(tables::members(snapshot, list, after, limit)?)
            }
            BatchStep::Insert { .. }
            | BatchStep::CompareAndSwap { .. }
            | BatchStep::Remove { .. }
            | BatchStep::Add { .. }
            | BatchStep::SetAdd { .. }
            | BatchStep::SetRemove { .. }
            | BatchStep::IfChanged => return Ok(None),
        });
    }
    Ok(Some(results))
}

/// The results of all steps, once they are on disk.
pub(super) fn results(
    steps: &[BatchStep<'_>],
    applied: Vec<Applied>,
) -> crate::Result<Vec<StepResult>> {
    let result = |(step, result): (&BatchStep<'_>, Applied)| {
        result.ok_or_else(|| match step {
            BatchStep::Add { key, .. } => super::no_counter(key),
            _ => Error::Unavailable("a step of a batch was not carried out".to_owned()),
        })
    };
    steps.iter().zip(applied).map(result).collect()
}
