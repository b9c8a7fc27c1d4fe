//! Reading everything from Redis, which has no snapshots: `SCAN` for the keys, and each value with
//! its expiry in one step.

use redis::{FromRedisValue as _, Pipeline, Value, aio::ConnectionManager, cmd};

use super::{LIST, RECORD, unavailable};
use crate::{
    Result, Ttl, clock,
    export::{Entries, Entry, Fault},
};

/// How many keys are read at once.
const BATCH: usize = 200;
/// How many members of a list are read at once.
const MEMBERS: usize = 1000;

/// Sends all records, and then, in a second pass, all members of lists. A record is written before
/// it is listed, so the list is read after the record was listed or is about to be.
pub(super) async fn read(mut connection: ConnectionManager, entries: Entries) -> Result<(), Fault> {
    let mut scan = Scan::new(RECORD);
    while let Some(keys) = scan.next(&mut connection).await? {
        records(&mut connection, &keys, &entries).await?;
    }
    let mut scan = Scan::new(LIST);
    while let Some(keys) = scan.next(&mut connection).await? {
        for key in keys {
            members(&mut connection, &key, &entries).await?;
        }
    }
    Ok(())
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
            pattern: format!("{prefix}*"),
            cursor: Some("0".to_owned()),
        }
    }

    async fn next(&mut self, connection: &mut ConnectionManager) -> Result<Option<Vec<String>>> {
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
        let (next, keys): (String, Vec<String>) =
            command.query_async(connection).await.map_err(unavailable)?;
        self.cursor = (next != "0").then_some(next);
        Ok(Some(keys))
    }
}

async fn records(
    connection: &mut ConnectionManager,
    keys: &[String],
    entries: &Entries,
) -> Result<(), Fault> {
    for keys in keys.chunks(BATCH) {
        // In one transaction, so that value and expiry belong together.
        let mut questions = Pipeline::new();
        questions.atomic();
        for key in keys {
            questions.cmd("GET").arg(key).cmd("PTTL").arg(key);
        }
        let answers: Vec<Value> = questions
            .query_async(connection)
            .await
            .map_err(unavailable)?;
        for (key, answer) in keys.iter().zip(answers.chunks_exact(2)) {
            if let Some(entry) = entry(key, answer)? {
                entries.send(entry).await?;
            }
        }
    }
    Ok(())
}

/// A record with its remaining lifetime; `None` when it was removed or expired since the scan.
fn entry(key: &str, answer: &[Value]) -> Result<Option<Entry>> {
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
    let key = key.strip_prefix(RECORD).unwrap_or(key).to_owned();
    Ok(value.map(|value| Entry::Record { key, value, ttl }))
}

async fn members(
    connection: &mut ConnectionManager,
    key: &str,
    entries: &Entries,
) -> Result<(), Fault> {
    let list = key.strip_prefix(LIST).unwrap_or(key);
    let mut from = "-".to_owned();
    loop {
        let mut command = cmd("ZRANGEBYLEX");
        command
            .arg(key)
            .arg(from)
            .arg("+")
            .arg("LIMIT")
            .arg(0)
            .arg(MEMBERS);
        let page: Vec<String> = command.query_async(connection).await.map_err(unavailable)?;
        let Some(newest) = page.last() else {
            return Ok(());
        };
        from = format!("({newest}");
        for member in page {
            entries
                .send(Entry::Member {
                    list: list.to_owned(),
                    member,
                })
                .await?;
        }
    }
}
