//! The source of time, randomness and host resolution.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;

use oauth::{Id, Secret, Timestamp};
use rand::{TryRng as _, rngs::SysRng};

/// A clock.
pub trait Clock: Send + Sync {
    /// What time it is now.
    fn now(&self) -> Timestamp;
}

/// A source of cryptographically secure random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// A new secret.
    pub fn secret(&self) -> Secret {
        Secret::new(self.bytes())
    }

    /// A new identifier.
    pub fn id(&self) -> Id {
        Id::new(self.bytes())
    }

    /// New random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// Resolves host names.
pub trait Names: Send + Sync {
    /// The addresses of a host. A port other than 0 is used if the URL has none.
    fn addresses(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// How third-party web servers are resolved and authenticated.
#[derive(Clone)]
pub struct Web {
    /// The resolver. It does not decide which addresses are allowed.
    pub names: Arc<dyn Names>,
    /// Certificates of authorities, in DER, trusted in addition to the system's.
    pub authorities: Vec<Vec<u8>>,
}

/// The clock, the random source and the access to other hosts; tests replace them.
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
