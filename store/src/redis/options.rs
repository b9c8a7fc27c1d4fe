//! What a Redis URL does not say.

use std::{fmt, path::PathBuf, time::Duration};

/// How to connect to Redis, beyond its URL. Files are read again for every new connection, so that
/// a renewed certificate or password is used without a restart.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// Certificate authorities (PEM) in place of those of the system.
    pub tls_ca: Option<PathBuf>,
    /// The certificate (PEM) by which the servers know this client.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub tls_key: Option<PathBuf>,
    /// The name in the servers' certificates, if it is not their host name: sentinels and clusters
    /// name servers by IP address.
    pub server_name: Option<String>,
    /// The user of the servers.
    pub username: Option<String>,
    /// The file with the user's password.
    pub password_file: Option<PathBuf>,
    /// The number of the database.
    pub database: Option<i64>,
    /// How all keys begin.
    pub prefix: String,
    /// The user of the sentinels.
    pub sentinel_username: Option<String>,
    /// The password of the sentinels.
    pub sentinel_password: Option<ConnectionPassword>,
    /// The file with the password of the sentinels.
    pub sentinel_password_file: Option<PathBuf>,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long one answer may take; and how long a command that the server refuses for the moment
    /// is repeated.
    pub response_timeout: Duration,
    /// How long a write of a record waits for a replica that has it too. `None`: it does not wait.
    pub wait_for_replica: Option<Duration>,
    /// How many replicas must have it. With fewer than there are, a failover can promote one that
    /// does not.
    pub wait_replicas: u32,
}

/// What a write waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) time: Duration,
    pub(super) replicas: u32,
}

impl RedisOptions {
    /// What a write waits for, if it does.
    pub(super) fn wait(&self) -> Option<Wait> {
        let replicas = self.wait_replicas.max(1);
        self.wait_for_replica.map(|time| Wait { time, replicas })
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            tls_ca: None,
            tls_certificate: None,
            tls_key: None,
            server_name: None,
            username: None,
            password_file: None,
            database: None,
            prefix: "vestibule:".to_owned(),
            sentinel_username: None,
            sentinel_password: None,
            sentinel_password_file: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            wait_for_replica: None,
            wait_replicas: 1,
        }
    }
}

impl fmt::Debug for RedisOptions {
    /// The prefix alone: the rest is in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A password, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionPassword(String);

impl ConnectionPassword {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConnectionPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionPassword(…)")
    }
}
