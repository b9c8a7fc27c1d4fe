//! The connection that everybody shares, and its replacement by one to where the address leads now.

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

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long one attempt to connect may take; after a lost connection there are [`RETRIES`] more,
/// half a second apart at most.
const CONNECT: Duration = Duration::from_secs(1);
const RETRIES: usize = 2;

/// How many commands may wait for the socket.
const WAITING: usize = 1024;

/// The least time between two replacements: the address may go on to lead to a server that writes
/// nothing.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that repairs itself when it is lost, and that can be replaced while it is not.
pub(super) struct Link {
    client: Client,
    current: RwLock<(ConnectionManager, u64)>,
    /// How many attempts at a replacement have ended.
    attempts: AtomicU64,
    /// Held by whoever makes the next one; when that may begin.
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

    /// A newer connection than the one with this number; none if one cannot be made now. However
    /// many callers ask at the same time, one connection is made, and the host's name is looked up
    /// again for it.
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
    let manners = ConnectionManagerConfig::new()
        .set_response_timeout(Some(ANSWER))
        .set_connection_timeout(Some(CONNECT))
        .set_number_of_retries(RETRIES)
        .set_max_delay(Duration::from_millis(500))
        .set_pipeline_buffer_size(WAITING);
    ConnectionManager::new_with_config(client.clone(), manners).await
}
