//! The one place where time and chance come from, and what is known of the world outside.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;

use oauth::{Id, Secret, Timestamp};
use rand::{TryRng as _, rngs::SysRng};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// What time it is now.
    fn now(&self) -> Timestamp;
}

/// Makes random bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// A fresh secret.
    pub fn secret(&self) -> Secret {
        Secret::new(self.bytes())
    }

    /// A fresh identifier.
    pub fn id(&self) -> Id {
        Id::new(self.bytes())
    }

    /// Fresh bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// Looks names up.
pub trait Names: Send + Sync {
    /// The addresses of a host. A port other than 0 counts where the URL names none.
    fn addresses(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// How other people's web servers are found and recognised.
#[derive(Clone)]
pub struct Web {
    /// Where addresses come from. Which of them are connected to is not for it to say.
    pub names: Arc<dyn Names>,
    /// Certificates of authorities, in DER, that are trusted besides those of the system.
    pub authorities: Vec<Vec<u8>>,
}

/// Where time and chance come from, and how the world outside is reached; tests bring their own.
#[derive(Clone)]
pub struct Environment {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// The world outside.
    pub web: Web,
}

impl Environment {
    /// The system's clock, random source, names and authorities.
    pub fn system() -> Self {
        let web = Web {
            names: Arc::new(SystemNames),
            authorities: Vec::new(),
        };
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            web,
        }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_seconds(since_epoch.as_secs())
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "a server without randomness must not go on"
        )]
        SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system's random source answers");
    }
}

struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}
