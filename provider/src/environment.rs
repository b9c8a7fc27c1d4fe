//! The one place where time and chance come from.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

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

/// Where time and chance come from; tests bring their own.
#[derive(Clone)]
pub struct Environment {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
}

impl Environment {
    /// The system's clock and random source.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(since_epoch.as_secs())
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "a server without randomness must not go on")]
        SysRng.try_fill_bytes(bytes).expect("the operating system's random source answers");
    }
}
