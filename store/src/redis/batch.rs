//! Batches on one server: one script, or, for reads and on a server without scripts, one pipeline.

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value, cmd};

use super::{
    commands::{self, Names, expiry_text, on, range_text},
    did,
};
use crate::{BatchStep, CasResult, StepResult, Ttl, batch::Conditions};

/// The keys and arguments of a batch for [`BATCH`](commands::BATCH).
#[derive(Default)]
pub(super) struct ScriptSteps {
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl ScriptSteps {
    /// Those of a batch.
    pub(super) fn of(steps: &[BatchStep<'_>], names: &Names) -> Self {
        let mut all = Self::default();
        for step in steps {
            all.add(step, names);
        }
        all
    }

    fn add(&mut self, step: &BatchStep<'_>, names: &Names) {
        match *step {
            BatchStep::Get { key } => self.push("GET", names.record(key), &[]),
            BatchStep::Insert { key, value, ttl } => {
                let expiry = expiry_text(ttl);
                self.push("INSERT", names.record(key), &[value, expiry.as_bytes()]);
            }
            BatchStep::CompareAndSwap {
                key,
                expected,
                new,
                ttl,
            } => {
                let expiry = expiry_text(ttl);
                let arguments = [expected, new, expiry.as_bytes()];
                self.push("SWAP", names.record(key), &arguments);
            }
            BatchStep::Remove { key } => self.push("DEL", names.record(key), &[]),
            BatchStep::Add { key, amount, ttl } => {
                let amount = amount.to_string();
                let expiry = expiry_text(Ttl::For(ttl));
                let arguments = [amount.as_bytes(), expiry.as_bytes()];
                self.push("ADD", names.record(key), &arguments);
            }
            BatchStep::SetAdd { list, member } => {
                self.push("ZADD", names.list(list), &[member.as_bytes()]);
            }
            BatchStep::SetRemove { list, member } => {
                self.push("ZREM", names.list(list), &[member.as_bytes()]);
            }
            BatchStep::SetRange { list, after, limit } => {
                let (from, limit) = range_text(after, limit);
                let limit = limit.to_string();
                let arguments = [from.as_bytes(), limit.as_bytes()];
                self.push("RANGE", names.list(list), &arguments);
            }
            BatchStep::IfChanged => self.arguments.push(b"IF".to_vec()),
        }
    }

    fn push(&mut self, step: &str, key: String, arguments: &[&[u8]]) {
        self.keys.push(key);
        self.arguments.push(step.as_bytes().to_vec());
        let arguments = arguments.iter().map(|argument| argument.to_vec());
        self.arguments.extend(arguments);
    }

    /// The keys.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.keys.iter().map(String::as_str).collect()
    }

    /// The steps with their arguments.
    pub(super) fn arguments(&self) -> Vec<&[u8]> {
        self.arguments.iter().map(Vec::as_slice).collect()
    }
}

/// The results of the steps, from the answer of the script.
pub(super) fn script_results(
    steps: &[BatchStep<'_>],
    answer: Value,
) -> Result<Vec<StepResult>, RedisError> {
    let mut values = read::<Vec<Value>>(answer)?.into_iter();
    let mut results = Vec::with_capacity(steps.len());
    let mut conditions = Conditions::default();
    for step in steps {
        let is_condition = matches!(step, BatchStep::IfChanged);
        let decided = conditions.without_operation(is_condition);
        let is_skipped = decided.as_ref().is_some_and(StepResult::is_skipped);
        let value = if is_skipped { None } else { values.next() };
        results.push(match (decided, value) {
            (Some(decided), _) => decided,
            (None, Some(value)) => {
                let result = result(step, value)?;
                conditions.note(&result);
                result
            }
            (None, None) => return Err(misnumbered()),
        });
    }
    match values.next() {
        None => Ok(results),
        Some(_) => Err(misnumbered()),
    }
}

/// Whether a batch changed a record, by the answer of the script: then replicas are waited for.
pub(super) fn changes_record(steps: &[BatchStep<'_>], answer: &Value) -> bool {
    // What cannot be read may be a change.
    script_results(steps, answer.clone()).map_or(true, |results| {
        let mut results = steps.iter().zip(&results);
        results.any(|(step, result)| writes_record(step) && result.is_change())
    })
}

/// Whether a step may change a record that is no counter. Counters and lists wait for no replica.
pub(super) const fn writes_record(step: &BatchStep<'_>) -> bool {
    matches!(
        step,
        BatchStep::Insert { .. } | BatchStep::CompareAndSwap { .. } | BatchStep::Remove { .. }
    )
}

/// A batch as a pipeline. Neighbouring reads of records are one `MGET`.
pub(super) struct Commands {
    commands: Vec<Cmd>,
    /// How many steps each of them answers: more than one only of `MGET`.
    counts: Vec<usize>,
}

impl Commands {
    /// The commands of a batch, in its order; `None` if one of the steps needs a script.
    pub(super) fn of(steps: &[BatchStep<'_>], names: &Names) -> Option<Self> {
        let mut all = Self {
            commands: Vec::with_capacity(steps.len()),
            counts: Vec::with_capacity(steps.len()),
        };
        for alike in steps.chunk_by(are_one_command) {
            let command = match alike {
                [step] => command(step, names)?,
                several => read_together(several, names),
            };
            all.commands.push(command);
            all.counts.push(alike.len());
        }
        Some(all)
    }

    /// The commands, to be sent.
    pub(super) fn commands(&self) -> Vec<Cmd> {
        self.commands.clone()
    }

    /// The results of the steps, from the answers of the commands.
    pub(super) fn results(
        &self,
        steps: &[BatchStep<'_>],
        answers: Value,
    ) -> Result<Vec<StepResult>, RedisError> {
        let answers = read::<Vec<Value>>(answers)?;
        let mut values = Vec::with_capacity(steps.len());
        for (answer, count) in answers.into_iter().zip(&self.counts) {
            match answer {
                Value::Array(several) if *count > 1 => values.extend(several),
                one => values.push(one),
            }
        }
        if values.len() != steps.len() {
            return Err(misnumbered());
        }
        let pairs = steps.iter().zip(values);
        pairs.map(|(step, value)| result(step, value)).collect()
    }
}

fn misnumbered() -> RedisError {
    let why = "a batch has another number of answers";
    (ErrorKind::UnexpectedReturnType, why).into()
}

/// Whether neighbouring steps are one command: reads.
fn are_one_command(one: &BatchStep<'_>, next: &BatchStep<'_>) -> bool {
    let pair = (one, next);
    matches!(pair, (BatchStep::Get { .. }, BatchStep::Get { .. }))
}

/// The command of several reads.
fn read_together(steps: &[BatchStep<'_>], names: &Names) -> Cmd {
    let mut command = cmd("MGET");
    for step in steps {
        if let BatchStep::Get { key } = *step {
            command.arg(names.record(key));
        }
    }
    command
}

/// The command of one step; `None` if it has none of its own.
fn command(step: &BatchStep<'_>, names: &Names) -> Option<Cmd> {
    Some(match *step {
        BatchStep::Get { key } => on("GET", &names.record(key)),
        BatchStep::Insert { key, value, ttl } => commands::insert(&names.record(key), value, ttl),
        BatchStep::Remove { key } => on("DEL", &names.record(key)),
        BatchStep::SetAdd { list, member } => {
            let mut command = on("ZADD", &names.list(list));
            command.arg(0).arg(member);
            command
        }
        BatchStep::SetRemove { list, member } => {
            let mut command = on("ZREM", &names.list(list));
            command.arg(member);
            command
        }
        BatchStep::SetRange { list, after, limit } => {
            commands::range(&names.list(list), after, limit)
        }
        BatchStep::CompareAndSwap { .. } | BatchStep::Add { .. } | BatchStep::IfChanged => {
            return None;
        }
    })
}

fn result(step: &BatchStep<'_>, value: Value) -> Result<StepResult, RedisError> {
    Ok(match step {
        BatchStep::Get { .. } => StepResult::Value(read(value)?),
        BatchStep::Insert { .. }
        | BatchStep::Remove { .. }
        | BatchStep::SetAdd { .. }
        | BatchStep::SetRemove { .. }
        | BatchStep::IfChanged => StepResult::Changed(did(&value)),
        BatchStep::CompareAndSwap { .. } => StepResult::Swap(match value {
            Value::Int(_) => CasResult::Done,
            there => CasResult::Changed(read(there)?),
        }),
        BatchStep::Add { .. } => StepResult::Sum(read(value)?),
        BatchStep::SetRange { .. } => StepResult::Members(read(value)?),
    })
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, RedisError> {
    T::from_redis_value(value).map_err(RedisError::from)
}
