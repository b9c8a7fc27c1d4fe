//! The shared connection, and its replacement by a new connection to the same address.

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::{Instant, sleep_until};

/// How long a response may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long one attempt to connect may take. After a lost connection there are [`RETRIES`] more, at
/// most half a second apart.
const CONNECT: Duration = Duration::from_secs(1);
const RETRIES: usize = 2;

/// How many commands may wait for the socket.
const WAITING: usize = 1024;

/// The minimum time between two replacements, since the address may still lead to a server that
/// does not accept writes.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that is restored when it is lost, and can be replaced while it is not.
pub(super) struct Link {
    client: Client,
    current: RwLock<(ConnectionManager, u64)>,
    /// The number of completed replacement attempts.
    attempts: AtomicU64,
    /// Locked during a replacement; contains the time when the next may begin.
    turn: tokio::sync::Mutex<Instant>,
}

impl Link {
    pub(super) async fn open(client: Client) -> Result<Self, RedisError> {
        let connection = connect(&client).await?;
        let turn = tokio::sync::Mutex::new(Instant::now());
        Ok(Self {
            client,
            current: RwLock::new((connection, 0)),
            attempts: AtomicU64::new(0),
            turn,
        })
    }

    /// The connection to use, and its number.
    pub(super) fn current(&self) -> (ConnectionManager, u64) {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A newer connection than the one with this number; `None` if none can be made now. Concurrent
    /// callers share one new connection, for which the host name is resolved again.
    pub(super) async fn renewed(&self, number: u64) -> Option<ConnectionManager> {
        let attempts = self.attempts.load(Ordering::Acquire);
        let mut next = self.turn.lock().await;
        let (connection, newest) = self.current();
        if newest != number {
            return Some(connection);
        }
        if self.attempts.load(Ordering::Acquire) != attempts {
            return None;
        }
        sleep_until(*next).await;
        let made = connect(&self.client).await;
        *next = Instant::now() + PAUSE;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        match made {
            Ok(connection) => {
                tracing::warn!(
                    "Redis no longer writes over the connection there was; connected anew"
                );
                *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                    (connection.clone(), number + 1);
                Some(connection)
            }
            Err(error) => {
                tracing::warn!(%error, "Redis no longer writes, and no new connection can be made");
                None
            }
        }
    }
}

async fn connect(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(ANSWER))
        .set_connection_timeout(Some(CONNECT))
        .set_number_of_retries(RETRIES)
        .set_max_delay(Duration::from_millis(500))
        .set_pipeline_buffer_size(WAITING);
    ConnectionManager::new_with_config(client.clone(), config).await
}
