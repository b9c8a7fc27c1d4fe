//! How the configuration of a Redis server could lose acknowledged writes.

use std::collections::HashMap;

use redis::{Cmd, Pipeline, RedisError, Value, aio::MultiplexedConnection, cmd};

use super::{RedisOptions, faults, link::Link, unavailable};
use crate::Result;

/// The settings that matter.
const SETTINGS: [&str; 5] = [
    "appendonly",
    "appendfsync",
    "save",
    "maxmemory",
    "maxmemory-policy",
];

/// How few replicas make a primary refuse writes. A server that does not know it is asked nothing
/// else.
const REPLICAS: &str = "min-replicas-to-write";

/// Reads the settings of each server that has data, and evaluates them. Each sentence is told once.
pub(super) async fn warnings(link: &Link, options: &RedisOptions) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let mut may_fail_over = !matches!(link, Link::Single(_));
    let mut least = None;
    for node in link.primaries().await.map_err(unavailable)? {
        let mut live = node.connection().await.map_err(unavailable)?;
        let connection = &mut live.dialed.connection;
        warnings.extend(of_one(connection).await?);
        may_fail_over |= has_replicas(connection).await;
        let needed = needed_replicas(connection).await;
        least = Some(least.map_or(needed, |least: u64| least.min(needed)));
    }
    if may_fail_over && options.wait_for_replica.is_none() {
        warnings.push(replication(least.unwrap_or_default()));
    }
    warnings.sort();
    warnings.dedup();
    Ok(warnings)
}

/// What asynchronous replication means.
fn replication(needed: u64) -> String {
    let remedy = if needed == 0 {
        "Set min-replicas-to-write 1 and min-replicas-max-lag 10, so that a primary without replicas stops writing, and \
         wait_for_replica in [redis]"
    } else {
        "Set wait_for_replica in [redis]"
    };
    format!(
        "Redis replicates changes asynchronously: a failover loses the latest acknowledged changes, so a code could be redeemed again or a \
         revoked grant stay valid. {remedy}."
    )
}

async fn has_replicas(connection: &mut MultiplexedConnection) -> bool {
    let role: Result<Value, RedisError> = cmd("ROLE").query_async(connection).await;
    // A user who may not ask is told nothing.
    role.is_ok_and(|role| !faults::offsets(&role).1.is_empty())
}

async fn needed_replicas(connection: &mut MultiplexedConnection) -> u64 {
    let answer: Result<HashMap<String, String>, RedisError> =
        config_get(REPLICAS).query_async(connection).await;
    let number = |settings: HashMap<String, String>| settings.get(REPLICAS)?.parse().ok();
    answer.ok().and_then(number).unwrap_or_default()
}

fn config_get(setting: &str) -> Cmd {
    let mut command = cmd("CONFIG");
    command.arg("GET").arg(setting);
    command
}

async fn of_one(connection: &mut MultiplexedConnection) -> Result<Vec<String>> {
    // One CONFIG GET for each, because only Redis 7 accepts several names.
    let mut questions = Pipeline::new();
    for setting in SETTINGS {
        questions.add_command(config_get(setting));
    }
    match questions
        .query_async::<Vec<HashMap<String, String>>>(connection)
        .await
    {
        Ok(answers) => Ok(evaluate(&answers.into_iter().flatten().collect())),
        Err(fault) if fault.is_io_error() => Err(unavailable(fault)),
        Err(_) => Ok(evaluate(&HashMap::new())),
    }
}

/// One sentence for each way to lose data. An unreadable setting is one.
fn evaluate(settings: &HashMap<String, String>) -> Vec<String> {
    let setting = |name: &str| settings.get(name).map(String::as_str);
    let [
        Some(appendonly),
        Some(appendfsync),
        Some(save),
        Some(maxmemory),
        Some(policy),
    ] = SETTINGS.map(setting)
    else {
        return vec![
            "Redis does not allow CONFIG GET, so its persistence could not be checked. Make sure that appendonly is yes and \
         maxmemory-policy is noeviction."
                .to_owned(),
        ];
    };
    let mut warnings = Vec::new();
    match (appendonly, save, appendfsync) {
        ("yes", _, "no") => warnings.push(
            "Redis does not sync its log to disk (appendfsync no): a power failure loses about the last 30 seconds of \
             acknowledged changes. Set appendfsync everysec or always."
                .to_owned(),
        ),
        ("yes", ..) => {}
        (_, "", _) => warnings.push(
            "REDIS KEEPS NOTHING ON DISK (appendonly no, no snapshots): when it stops, ALL DATA IS LOST. Set appendonly yes."
                .to_owned(),
        ),
        (_, save, _) => warnings.push(format!(
            "Redis only takes snapshots (appendonly no, save {save}): a crash loses all changes since the last snapshot, \
             even acknowledged ones. Set appendonly yes."
        )),
    }
    if maxmemory != "0" && policy != "noeviction" {
        warnings.push(format!(
            "REDIS DELETES RECORDS WHEN ITS MEMORY IS FULL (maxmemory {maxmemory}, maxmemory-policy {policy}). Set \
             maxmemory-policy noeviction."
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates a safe configuration with some settings changed.
    fn warnings_with(changed: &[(&str, &str)]) -> Vec<String> {
        let safe = [
            ("appendonly", "yes"),
            ("appendfsync", "everysec"),
            ("save", "3600 1"),
            ("maxmemory", "0"),
            ("maxmemory-policy", "noeviction"),
        ];
        let settings = safe
            .iter()
            .chain(changed)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        evaluate(&settings.collect())
    }

    #[test]
    fn a_safe_configuration_has_no_warnings() {
        assert_eq!(warnings_with(&[]), [""; 0]);
        assert_eq!(
            warnings_with(&[("appendfsync", "always"), ("save", "")]),
            [""; 0]
        );
        assert_eq!(
            warnings_with(&[("maxmemory-policy", "allkeys-lru")]),
            [""; 0],
            "without a limit nothing is evicted"
        );
        assert_eq!(warnings_with(&[("maxmemory", "1000000")]), [""; 0]);
    }

    #[test]
    fn each_way_to_lose_data_has_a_warning() {
        let cases: [(&[_], _); 4] = [
            (&[("appendonly", "no"), ("save", "")], "ALL DATA IS LOST"),
            (&[("appendonly", "no")], "only takes snapshots"),
            (&[("appendfsync", "no")], "appendfsync no"),
            (
                &[
                    ("maxmemory", "1000000"),
                    ("maxmemory-policy", "volatile-ttl"),
                ],
                "volatile-ttl",
            ),
        ];
        for (changed, words) in cases {
            let found = warnings_with(changed);
            assert!(
                found.len() == 1 && found[0].contains(words),
                "{changed:?}: {found:?}"
            );
        }
        assert_eq!(
            warnings_with(&[
                ("appendonly", "no"),
                ("maxmemory", "1"),
                ("maxmemory-policy", "allkeys-lru")
            ])
            .len(),
            2
        );
    }

    #[test]
    fn an_unreadable_configuration_has_a_warning() {
        assert!(evaluate(&HashMap::new())[0].contains("could not be checked"));
    }
}
