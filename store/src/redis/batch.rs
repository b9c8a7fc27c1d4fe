//! Batches as one pipeline. Neighbouring reads of records are one `MGET`.

use redis::{Cmd, FromRedisValue, Pipeline, RedisError, Value, cmd};

use super::{ADD_TEXT, SWAP_TEXT, expiry, expiry_text, names, record};
use crate::{BatchStep, CasResult, StepResult, Ttl};

/// A batch as commands, and how many steps each of them answers.
pub(super) struct Commands {
    commands: Vec<Cmd>,
    /// The steps of each command: more than one only of `MGET`.
    counts: Vec<usize>,
}

impl Commands {
    /// The commands of a batch, in its order.
    pub(super) fn of(steps: &[BatchStep<'_>]) -> Self {
        let mut all = Self {
            commands: Vec::with_capacity(steps.len()),
            counts: Vec::with_capacity(steps.len()),
        };
        let mut reads = Vec::new();
        for step in steps {
            if let BatchStep::Get { key } = *step {
                reads.push(key);
                continue;
            }
            all.read(&mut reads);
            all.push(command(step), 1);
        }
        all.read(&mut reads);
        all
    }

    fn read(&mut self, keys: &mut Vec<&str>) {
        match keys[..] {
            [] => {}
            [key] => self.push(get(key), 1),
            _ => {
                let mut command = cmd("MGET");
                for key in &*keys {
                    command.arg(record(key));
                }
                self.push(command, keys.len());
            }
        }
        keys.clear();
    }

    fn push(&mut self, command: Cmd, steps: usize) {
        self.commands.push(command);
        self.counts.push(steps);
    }

    /// The pipeline of all commands.
    pub(super) fn pipeline(&self) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(self.commands.len());
        for command in &self.commands {
            pipeline.add_command(command.clone());
        }
        pipeline
    }

    /// The results of the steps, from the answers of the commands.
    pub(super) fn results(
        &self,
        steps: &[BatchStep<'_>],
        answers: Vec<Value>,
    ) -> Result<Vec<StepResult>, RedisError> {
        let mut values = Vec::with_capacity(steps.len());
        for (answer, count) in answers.into_iter().zip(&self.counts) {
            match answer {
                Value::Array(several) if *count > 1 => values.extend(several),
                one => values.push(one),
            }
        }
        if values.len() != steps.len() {
            return Err((
                redis::ErrorKind::UnexpectedReturnType,
                "a batch of another length",
            )
                .into());
        }
        steps
            .iter()
            .zip(values)
            .map(|(step, value)| result(step, value))
            .collect()
    }
}

fn get(key: &str) -> Cmd {
    let mut command = cmd("GET");
    command.arg(record(key));
    command
}

/// The command of one step. Scripts are sent as text, since a server that does not know a hash
/// would answer the rest of the pipeline first.
fn command(step: &BatchStep<'_>) -> Cmd {
    match *step {
        BatchStep::Get { key } => get(key),
        BatchStep::Insert { key, value, ttl } => insert(key, value, ttl),
        BatchStep::CompareAndSwap {
            key,
            expected,
            new,
            ttl,
        } => {
            let mut command = script(SWAP_TEXT, key);
            command.arg(expected).arg(new).arg(expiry_text(ttl));
            command
        }
        BatchStep::Remove { key } => {
            let mut command = cmd("DEL");
            command.arg(record(key));
            command
        }
        BatchStep::Add { key, amount, ttl } => {
            let mut command = script(ADD_TEXT, key);
            command.arg(amount).arg(expiry_text(Ttl::For(ttl)));
            command
        }
        BatchStep::SetAdd { list, member } => {
            let mut command = cmd("ZADD");
            command.arg(names(list)).arg(0).arg(member);
            command
        }
        BatchStep::SetRemove { list, member } => {
            let mut command = cmd("ZREM");
            command.arg(names(list)).arg(member);
            command
        }
        BatchStep::SetRange { list, after, limit } => range(list, after, limit),
    }
}

fn script(text: &str, key: &str) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(text).arg(1).arg(record(key));
    command
}

/// `SET` of a key that does not exist.
pub(super) fn insert(key: &str, value: &[u8], ttl: Ttl) -> Cmd {
    let mut command = cmd("SET");
    command.arg(record(key)).arg(value).arg("NX");
    if let Some(milliseconds) = expiry(ttl) {
        command.arg("PX").arg(milliseconds);
    }
    command
}

/// The members of a list after one. All scores are equal, so the set is in byte order.
pub(super) fn range(list: &str, after: Option<&str>, limit: usize) -> Cmd {
    let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut command = cmd("ZRANGEBYLEX");
    command.arg(names(list)).arg(from).arg("+");
    command.arg("LIMIT").arg(0).arg(limit);
    command
}

fn result(step: &BatchStep<'_>, value: Value) -> Result<StepResult, RedisError> {
    Ok(match step {
        BatchStep::Get { .. } => StepResult::Value(read(value)?),
        BatchStep::Insert { .. } => StepResult::Changed(value != Value::Nil),
        BatchStep::CompareAndSwap { .. } => StepResult::Swap(swap(value)?),
        BatchStep::Remove { .. } | BatchStep::SetAdd { .. } | BatchStep::SetRemove { .. } => {
            StepResult::Changed(read(value)?)
        }
        BatchStep::Add { .. } => StepResult::Sum(read(value)?),
        BatchStep::SetRange { .. } => StepResult::Members(read(value)?),
    })
}

/// The result of [`SWAP_TEXT`].
pub(super) fn swap(answer: Value) -> Result<CasResult, RedisError> {
    Ok(match answer {
        Value::Int(_) => CasResult::Done,
        there => CasResult::Changed(read(there)?),
    })
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, RedisError> {
    T::from_redis_value(value).map_err(RedisError::from)
}
