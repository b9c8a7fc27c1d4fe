//! Reading everything from Redis, which has no snapshots: `SCAN` for the keys, and each value with
//! its expiry in one step.

use std::{sync::Arc, time::Duration};

use redis::{FromRedisValue as _, Pipeline, RedisError, Value, aio::MultiplexedConnection, cmd};

use super::{
    commands::{self, Names, on},
    link::Link,
    node::Node,
    sending::{Question, send},
    unavailable,
};
use crate::{
    Result, Ttl, clock,
    export::{Entries, Entry, Fault},
};

/// How many keys are read at once.
const BATCH: usize = 200;
/// How many members of a list are read at once.
const MEMBERS: usize = 1000;
/// How often everything is read again because keys moved from one server to another meanwhile.
const PASSES: usize = 5;

/// What is being read, and for whom.
struct Reading {
    link: Arc<Link>,
    names: Names,
    patience: Duration,
    entries: Entries,
}

/// Sends all records, and then, in a second pass, all members of lists. A record is written before
/// it is listed, so the list is read after the record was listed or is about to be.
pub(super) async fn read(
    link: Arc<Link>,
    names: Names,
    patience: Duration,
    entries: Entries,
) -> Result<(), Fault> {
    let reading = Reading {
        link,
        names,
        patience,
        entries,
    };
    reading.all(What::Records).await?;
    reading.all(What::Lists).await
}

#[derive(Clone, Copy)]
enum What {
    Records,
    Lists,
}

impl Reading {
    /// Reads every server. A key that moves to a server that was read already would be missing, so
    /// everything is read again if any moved.
    async fn all(&self, what: What) -> Result<(), Fault> {
        for _ in 0..PASSES {
            let primaries = self.link.primaries().await.map_err(unavailable)?;
            let before = self.link.placement();
            for node in &primaries {
                self.node(node, what).await?;
            }
            self.link.look_again().await;
            if self.link.placement() == before {
                return Ok(());
            }
        }
        Err(Fault::from(crate::Error::Unavailable(
            "Redis: keys are moving between the nodes of the cluster; try again when resharding is done"
                .to_owned(),
        )))
    }

    async fn node(&self, node: &Node, what: What) -> Result<(), Fault> {
        let prefix = match what {
            What::Records => self.names.records(),
            What::Lists => self.names.lists(),
        };
        let live = node.connection().await.map_err(unavailable)?;
        let mut connection = live.dialed.connection;
        let mut scan = Scan::new(prefix);
        while let Some(keys) = scan.next(&mut connection).await? {
            match what {
                What::Records => self.records(&mut connection, &keys).await?,
                What::Lists => {
                    for key in keys {
                        self.members(&key).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn records(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &[String],
    ) -> Result<(), Fault> {
        for keys in keys.chunks(BATCH) {
            let questions = questions(keys);
            let answers = connection.send_packed_commands(&questions, 0, keys.len() * 4);
            let answers = answers.await.map_err(unavailable)?;
            for (key, answers) in keys.iter().zip(answers.chunks_exact(4)) {
                let found = match answers {
                    [.., Value::Array(found)] => found.clone(),
                    _ => self.elsewhere(key).await?,
                };
                if let Some(entry) = self.entry(key, &found)? {
                    self.entries.send(entry).await?;
                }
            }
        }
        Ok(())
    }

    /// A record that is moving to another server, where transactions are refused. The two steps may
    /// see different values; each value contains its own end.
    async fn elsewhere(&self, key: &str) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        for command in ["GET", "PTTL"] {
            found.push(self.ask(key, on(command, key)).await?);
        }
        Ok(found)
    }

    async fn ask(&self, key: &str, command: redis::Cmd) -> Result<Value> {
        let question = Question::read(key, command);
        let answer = send(&self.link, &question, self.patience).await;
        Ok(answer.map_err(unavailable)?.value)
    }

    /// A record with its remaining lifetime; `None` when it was removed or expired since the scan.
    fn entry(&self, key: &str, answer: &[Value]) -> Result<Option<Entry>> {
        let [value, left] = answer else {
            return Ok(None);
        };
        let unreadable = |fault: redis::ParsingError| unavailable(fault.into());
        let value: Option<Vec<u8>> = Option::from_redis_value_ref(value).map_err(unreadable)?;
        let left = i64::from_redis_value_ref(left).map_err(unreadable)?;
        let ttl = match u64::try_from(left) {
            Ok(left) => clock::ttl(left),
            Err(_) => Ttl::Forever,
        };
        let prefix = self.names.records();
        let key = key.strip_prefix(prefix).unwrap_or(key).to_owned();
        Ok(value.map(|value| Entry::Record { key, value, ttl }))
    }

    async fn members(&self, key: &str) -> Result<(), Fault> {
        let list = key.strip_prefix(self.names.lists()).unwrap_or(key);
        let mut after: Option<String> = None;
        loop {
            let command = commands::range(key, after.as_deref(), MEMBERS);
            let page: Vec<String> = super::understood(self.ask(key, command).await?)?;
            let Some(newest) = page.last() else {
                return Ok(());
            };
            after = Some(newest.clone());
            for member in page {
                let list = list.to_owned();
                self.entries.send(Entry::Member { list, member }).await?;
            }
        }
    }
}

/// The keys with a prefix, in batches.
struct Scan {
    pattern: String,
    /// The cursor of the next batch; `None` at the end.
    cursor: Option<String>,
}

impl Scan {
    fn new(prefix: &str) -> Self {
        Self {
            pattern: format!("{}*", literal(prefix)),
            cursor: Some("0".to_owned()),
        }
    }

    async fn next(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Option<Vec<String>>> {
        let Some(cursor) = self.cursor.take() else {
            return Ok(None);
        };
        let mut command = cmd("SCAN");
        command
            .arg(cursor)
            .arg("MATCH")
            .arg(&self.pattern)
            .arg("COUNT")
            .arg(BATCH);
        let answer: Result<(String, Vec<String>), RedisError> =
            command.query_async(connection).await;
        let (next, keys) = answer.map_err(unavailable)?;
        self.cursor = (next != "0").then_some(next);
        Ok(Some(keys))
    }
}

/// A text as a pattern that matches nothing else.
fn literal(text: &str) -> String {
    let is_special = |letter| matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^');
    let escaped = text.chars().flat_map(|letter| {
        let escape = is_special(letter).then_some('\\');
        escape.into_iter().chain([letter])
    });
    escaped.collect()
}

/// One transaction for each key, so that value and expiry belong together: the keys of a cluster's
/// transaction must have one slot.
fn questions(keys: &[String]) -> Pipeline {
    let mut questions = Pipeline::new();
    for key in keys {
        for command in [cmd("MULTI"), on("GET", key), on("PTTL", key), cmd("EXEC")] {
            questions.add_command(command);
        }
    }
    questions
}
