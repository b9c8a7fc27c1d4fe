//! Batches as one pipeline to one server. Neighbouring reads of records are one `MGET`, and
//! neighbouring additions to counters one call of a script.

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value, cmd};

use super::{
    commands::{self, ADD, ADD_EACH, Names, SWAP, expiry_text, on},
    did,
};
use crate::{BatchStep, CasResult, StepResult, Ttl};

/// A batch as commands.
pub(super) struct Commands {
    commands: Vec<Cmd>,
    /// How many steps each of them answers: more than one only of `MGET` and [`ADD_EACH`].
    counts: Vec<usize>,
}

impl Commands {
    /// The commands of a batch, in its order.
    pub(super) fn of(steps: &[BatchStep<'_>], names: &Names) -> Self {
        let mut all = Self {
            commands: Vec::with_capacity(steps.len()),
            counts: Vec::with_capacity(steps.len()),
        };
        for alike in steps.chunk_by(are_one_command) {
            let command = match alike {
                [step] => command(step, names),
                several => together(several, names),
            };
            all.push(command, alike.len());
        }
        all
    }

    fn push(&mut self, command: Cmd, steps: usize) {
        self.commands.push(command);
        self.counts.push(steps);
    }

    /// The commands, to be sent.
    pub(super) fn commands(&self) -> Vec<Cmd> {
        self.commands.clone()
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
            let why = "a batch has another number of answers";
            return Err((ErrorKind::UnexpectedReturnType, why).into());
        }
        let pairs = steps.iter().zip(values);
        pairs.map(|(step, value)| result(step, value)).collect()
    }
}

/// Whether neighbouring steps are one command: reads, or additions.
fn are_one_command(one: &BatchStep<'_>, next: &BatchStep<'_>) -> bool {
    matches!(
        (one, next),
        (BatchStep::Get { .. }, BatchStep::Get { .. })
            | (BatchStep::Add { .. }, BatchStep::Add { .. })
    )
}

/// The command of several reads, or of several additions.
fn together(steps: &[BatchStep<'_>], names: &Names) -> Cmd {
    let mut keys = Vec::new();
    let mut arguments = Vec::new();
    for step in steps {
        if let BatchStep::Get { key } | BatchStep::Add { key, .. } = *step {
            keys.push(names.record(key));
        }
        if let BatchStep::Add { amount, ttl, .. } = *step {
            arguments.extend([amount.to_string(), expiry_text(Ttl::For(ttl))]);
        }
    }
    if arguments.is_empty() {
        let mut command = cmd("MGET");
        command.arg(keys);
        return command;
    }
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_bytes).collect();
    ADD_EACH.whole_over(&keys, &arguments)
}

/// The command of one step. Scripts are sent whole: a server that does not know a hash would carry
/// out the rest of the pipeline first.
fn command(step: &BatchStep<'_>, names: &Names) -> Cmd {
    match *step {
        BatchStep::Get { key } => on("GET", &names.record(key)),
        BatchStep::Insert { key, value, ttl } => commands::insert(&names.record(key), value, ttl),
        BatchStep::CompareAndSwap {
            key,
            expected,
            new,
            ttl,
        } => {
            let ttl = expiry_text(ttl);
            SWAP.whole(&names.record(key), &[expected, new, ttl.as_bytes()])
        }
        BatchStep::Remove { key } => on("DEL", &names.record(key)),
        BatchStep::Add { key, amount, ttl } => {
            let text = amount.to_string();
            let expiry = expiry_text(Ttl::For(ttl));
            ADD.whole(&names.record(key), &[text.as_bytes(), expiry.as_bytes()])
        }
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
    }
}

/// Whether a step runs a script, which some servers do not.
pub(super) const fn needs_script(step: &BatchStep<'_>) -> bool {
    matches!(
        step,
        BatchStep::CompareAndSwap { .. } | BatchStep::Add { .. }
    )
}

fn result(step: &BatchStep<'_>, value: Value) -> Result<StepResult, RedisError> {
    Ok(match step {
        BatchStep::Get { .. } => StepResult::Value(read(value)?),
        BatchStep::Insert { .. }
        | BatchStep::Remove { .. }
        | BatchStep::SetAdd { .. }
        | BatchStep::SetRemove { .. } => StepResult::Changed(did(&value)),
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
