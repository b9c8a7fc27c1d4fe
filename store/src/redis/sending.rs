//! Sending a command, and repeating it only when it certainly did nothing.
//!
//! | what happened | what follows |
//! |---|---|
//! | no connection could be made | nothing was sent: repeated |
//! | the server takes no writes (`READONLY`, `MASTERDOWN`, `LOADING`, `NOREPLICAS`) | nothing was done: looked up, connected and repeated |
//! | the cluster is changing (`CLUSTERDOWN`, `TRYAGAIN`) | nothing was done: repeated |
//! | `MOVED`, `ASK` | nothing was done: sent to the named server |
//! | the connection was lost, or the answer is late | unknown: a read is repeated, a write is not |
//! | a pipeline with writes was refused in part | the error; `resolving` finds out what happened |
//! | anything else | the error |
//!
//! Repetitions begin within the response timeout after the first attempt, with growing pauses.

use std::{sync::Arc, time::Duration};

use redis::{Cmd, Pipeline, RedisError, Value, aio::MultiplexedConnection, cmd};
use tokio::time::{Instant, sleep};

use super::{
    faults::{Verdict, verdict},
    link::Link,
    node::Node,
    options::Wait,
    pauses::pause_after,
};

use crate::clock;

/// How many redirections are followed without a pause.
const STRAIGHT: u32 = 4;

/// A command, a script or a transaction, by its first key.
pub(super) struct Question {
    key: Vec<u8>,
    /// More than one: from `MULTI` to `EXEC`.
    steps: Vec<Cmd>,
    kind: Kind,
    /// Whether the answer is that of all steps, and not of the last.
    answers_all: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Changes nothing.
    Read,
    /// May change something.
    Write,
    /// The same, and a replica must have it too before it counts as done.
    Kept(Wait),
    /// Several commands. Some may have been carried out before one was refused.
    Several,
}

/// An answer.
pub(super) struct Answer {
    pub(super) value: Value,
    /// False if a replica was waited for, and none has the change.
    pub(super) is_kept: bool,
}

/// A failed attempt.
struct Failed {
    fault: RedisError,
    /// Whether it was certainly not sent.
    unsent: bool,
    /// The number of the connection that all share, at the time.
    number: Option<u64>,
}

impl Question {
    pub(super) fn read(key: &str, command: Cmd) -> Self {
        Self::of(key, vec![command], Kind::Read)
    }

    pub(super) fn write(key: &str, command: Cmd) -> Self {
        Self::of(key, vec![command], Kind::Write)
    }

    /// Commands that are carried out together; the answer is that of the last.
    pub(super) fn transaction(key: &str, commands: Vec<Cmd>) -> Self {
        let mut steps = vec![cmd("MULTI")];
        steps.extend(commands);
        steps.push(cmd("EXEC"));
        Self::of(key, steps, Kind::Write)
    }

    /// Several commands; the answer is an array of all answers.
    pub(super) fn batch(key: &str, commands: Vec<Cmd>, writes: bool) -> Self {
        let kind = if writes { Kind::Several } else { Kind::Read };
        Self {
            answers_all: true,
            ..Self::of(key, commands, kind)
        }
    }

    fn of(key: &str, steps: Vec<Cmd>, kind: Kind) -> Self {
        Self {
            key: key.as_bytes().to_vec(),
            steps,
            kind,
            answers_all: false,
        }
    }

    /// Waits for a replica, if there is a time for that.
    pub(super) fn kept(self, wait: Option<Wait>) -> Self {
        let kind = wait.map_or(self.kind, Kind::Kept);
        Self { kind, ..self }
    }

    /// Whether enough replicas have the change, by the answer to `WAIT`.
    fn is_kept(&self, answer: Option<&Value>) -> bool {
        match (self.kind, answer) {
            (Kind::Kept(wait), Some(Value::Int(replicas))) => *replicas >= i64::from(wait.replicas),
            (Kind::Kept(_), _) => false,
            (Kind::Read | Kind::Write | Kind::Several, _) => true,
        }
    }

    /// The answer of the last step, and how many replicas have the change, if that was asked.
    async fn ask(
        &self,
        connection: &mut MultiplexedConnection,
        asking: bool,
    ) -> Result<(Value, Option<Value>), RedisError> {
        if let ([command], false, Kind::Read | Kind::Write | Kind::Several) =
            (self.steps.as_slice(), asking, self.kind)
        {
            let answer = connection
                .send_packed_command(command)
                .await?
                .extract_error()?;
            let answer = if self.answers_all {
                Value::Array(vec![answer])
            } else {
                answer
            };
            return Ok((answer, None));
        }
        let mut pipeline = Pipeline::new();
        let mut commands = self.steps.clone();
        if asking {
            commands.insert(0, cmd("ASKING"));
        }
        if let Kind::Kept(wait) = self.kind {
            let mut command = cmd("WAIT");
            let time = clock::rounded_up(wait.time).max(1);
            command.arg(wait.replicas).arg(time);
            commands.push(command);
        }
        let count = commands.len();
        for command in commands {
            pipeline.add_command(command);
        }
        let mut answers = connection.send_packed_commands(&pipeline, 0, count).await?;
        let kept = match self.kind {
            Kind::Kept(_) => answers.pop(),
            Kind::Read | Kind::Write | Kind::Several => None,
        };
        // The first error is the reason for those that follow.
        if self.answers_all {
            let answers = answers.into_iter().map(Value::extract_error);
            return Ok((Value::Array(answers.collect::<Result<_, _>>()?), kept));
        }
        let mut last = Value::Nil;
        for answer in answers {
            last = answer.extract_error()?;
        }
        Ok((last, kept))
    }
}

/// Sends a question to the server that has its key.
pub(super) async fn send(
    link: &Link,
    question: &Question,
    patience: Duration,
) -> Result<Answer, RedisError> {
    let deadline = Instant::now() + patience;
    let mut redirected: Option<(Arc<Node>, bool)> = None;
    let mut attempts = 0;
    loop {
        let (node, asking) = match redirected.take() {
            Some(named) => named,
            None => match link.node(&question.key).await {
                Ok(node) => (node, false),
                Err(fault) => {
                    attempts += 1;
                    pause(deadline, attempts, fault).await?;
                    continue;
                }
            },
        };
        let failed = match attempt(&node, question, asking).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        attempts += 1;
        match next(&failed, question.kind) {
            Next::Follow { to, asking } => {
                let Some(named) = link.at(&to) else {
                    return Err(failed.fault);
                };
                if !asking {
                    link.look_again().await;
                }
                redirected = Some((named, asking));
                if attempts < STRAIGHT && Instant::now() < deadline {
                    continue;
                }
            }
            Next::Again => link.look_again().await,
            Next::Elsewhere => leave(link, &node, failed.number).await,
            Next::Unknown => {
                leave(link, &node, failed.number).await;
                return Err(failed.fault);
            }
            Next::Stop => return Err(failed.fault),
        }
        pause(deadline, attempts, failed.fault).await?;
    }
}

/// What follows a failed attempt.
enum Next {
    /// The same at the server that was named.
    Follow { to: String, asking: bool },
    /// The same after a pause.
    Again,
    /// The same after a pause, over a new connection.
    Elsewhere,
    /// The error, since it may have been done. The connection is of no more use.
    Unknown,
    /// The error.
    Stop,
}

fn next(failed: &Failed, kind: Kind) -> Next {
    let verdict = verdict(&failed.fault);
    if kind == Kind::Several && !failed.unsent {
        return next_of_several(&verdict);
    }
    match verdict {
        Verdict::Redirected { to, asking } => Next::Follow { to, asking },
        Verdict::Later => Next::Again,
        Verdict::NotHere => Next::Elsewhere,
        Verdict::Lost if failed.unsent || kind == Kind::Read => Next::Elsewhere,
        Verdict::Lost => Next::Unknown,
        Verdict::NoServer if failed.unsent => Next::Elsewhere,
        Verdict::NoServer | Verdict::Final => Next::Stop,
    }
}

async fn attempt(node: &Node, question: &Question, asking: bool) -> Result<Answer, Failed> {
    let failed = |unsent, number| {
        move |fault| Failed {
            fault,
            unsent,
            number,
        }
    };
    if !matches!(question.kind, Kind::Kept(_)) {
        let live = node.connection().await.map_err(failed(true, None))?;
        let mut connection = live.dialed.connection;
        let asked = question.ask(&mut connection, asking).await;
        let (value, _) = asked.map_err(failed(false, Some(live.number)))?;
        let is_kept = true;
        return Ok(Answer { value, is_kept });
    }
    let number = node.number();
    let mut waiter = node.waiter().await.map_err(failed(true, number))?;
    let connection = &mut waiter.live.dialed.connection;
    let asked = question.ask(connection, asking).await;
    let (value, kept) = asked.map_err(failed(false, number))?;
    waiter.done();
    let is_kept = question.is_kept(kept.as_ref());
    Ok(Answer { value, is_kept })
}

/// Does without the connection, and looks where the data is.
async fn leave(link: &Link, node: &Node, number: Option<u64>) {
    node.lost(number);
    link.look_again().await;
}

/// Waits before the next attempt; the error if there is no time for one.
async fn pause(deadline: Instant, attempts: u32, fault: RedisError) -> Result<(), RedisError> {
    let pause = pause_after(attempts);
    if Instant::now() + pause >= deadline {
        return Err(fault);
    }
    sleep(pause).await;
    Ok(())
}

/// Several commands were sent: some of them may have been done.
const fn next_of_several(verdict: &Verdict) -> Next {
    match verdict {
        Verdict::Final => Next::Stop,
        Verdict::Redirected { .. }
        | Verdict::Later
        | Verdict::NotHere
        | Verdict::Lost
        | Verdict::NoServer => Next::Unknown,
    }
}
