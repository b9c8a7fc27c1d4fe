//! Hashing passwords: argon2id, away from the async threads, a few at a time.

use std::{num::NonZeroUsize, sync::Arc, thread};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use identity::{
    NewPassword, PasswordError,
    password::{check, forms, is_long},
};
use tokio::task;

use super::{
    AccountError, EnrolError, SignInError,
    queue::{Busy, NoSlot, Queue, Requester},
};
use crate::context::Context;

/// The minimum and maximum number of concurrent hashes, for any number of cores: each takes 19 MiB.
const SLOTS: (usize, usize) = (2, 4);

/// The hash for accounts without a password. Its parameters are those of [`Argon2::default`],
/// recommended by OWASP: 19 MiB, two passes, one lane. No password is known to match it, and a
/// match would not sign in.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password was neither hashed nor checked.
#[derive(Debug)]
pub(crate) enum NotHashed {
    /// The queue is full.
    Busy(Busy),
    /// The client no longer waits for the answer.
    Abandoned,
    /// The hash failed; the reason is in the log.
    Failed,
}

impl From<NoSlot> for NotHashed {
    fn from(reason: NoSlot) -> Self {
        match reason {
            NoSlot::Busy(busy) => Self::Busy(busy),
            NoSlot::Abandoned => Self::Abandoned,
        }
    }
}

/// Hashes and verifies passwords through the queue.
pub(crate) struct Passwords {
    queue: Queue,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism()
            .map_or(SLOTS.0, usize::from)
            .clamp(SLOTS.0, SLOTS.1);
        Self {
            queue: Queue::new(NonZeroUsize::new(cores).unwrap_or(NonZeroUsize::MIN)),
        }
    }

    /// The hash of a password with a new salt, as a PHC string.
    async fn hash(
        &self,
        requester: &Requester,
        password: &str,
        salt: [u8; 16],
    ) -> Result<String, NotHashed> {
        let password = password.to_owned();
        let work = move || Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        self.run(requester, work)
            .await?
            .map(|hash| hash.to_string())
            .map_err(|error| failed(&error))
    }

    /// Whether a password leads to a hash; without a hash it takes as long, and the answer is no.
    pub(super) async fn verify(
        &self,
        requester: &Requester,
        password: &str,
        hash: Option<&str>,
    ) -> Result<bool, NotHashed> {
        let forms = forms(password);
        let known = hash.is_some();
        let hash = hash.unwrap_or(DUMMY_HASH).to_owned();
        // All of them, even if the first is right, so that the time does not tell which one is.
        let verify =
            move |form: &String| Argon2::default().verify_password(form.as_bytes(), hash.as_str());
        let mut right = false;
        for verified in self
            .run(requester, move || {
                forms.iter().map(verify).collect::<Vec<_>>()
            })
            .await?
        {
            match verified {
                Ok(()) => right = known,
                Err(argon2::password_hash::Error::PasswordInvalid) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(right)
    }

    /// The slot is released when the work is done, also when its client has disconnected.
    async fn run<T: Send + 'static>(
        &self,
        requester: &Requester,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotHashed> {
        let slot = self.queue.acquire(requester).await?;
        let work = move || {
            let _slot = slot;
            work()
        };
        task::spawn_blocking(work)
            .await
            .map_err(|_| NotHashed::Failed)
    }
}

/// Hashes passwords for the services.
#[derive(Clone)]
pub(crate) struct PasswordHasher {
    pub(super) context: Context,
    pub(super) queue: Arc<Passwords>,
}

impl PasswordHasher {
    /// The hash of a new password, to be stored.
    pub(crate) async fn hash_password(
        &self,
        requester: &Requester,
        password: &str,
    ) -> Result<String, NotHashed> {
        self.queue
            .hash(requester, password, self.context.entropy().bytes())
            .await
    }

    /// Judges and hashes a new password, for an account with such an address; `minimum` is the
    /// least number of characters.
    pub(crate) async fn new_password<E>(
        &self,
        requester: &Requester,
        typed: &str,
        minimum: usize,
        address: &str,
    ) -> Result<NewPassword, E>
    where
        E: From<PasswordError> + From<NotHashed>,
    {
        let normal = check(typed, minimum, &[address, &self.context.settings().name])?;
        let hash = self.hash_password(requester, &normal).await?;
        let is_long = is_long(&normal);
        Ok(NewPassword { hash, is_long })
    }
}

fn failed(error: &argon2::password_hash::Error) -> NotHashed {
    tracing::error!(%error, "a password could not be hashed");
    NotHashed::Failed
}

/// The response to a disconnected client is not read.
macro_rules! not_hashed {
    ($($error:ty),*) => {$(
        impl From<NotHashed> for $error {
            fn from(reason: NotHashed) -> Self {
                match reason {
                    NotHashed::Busy(busy) => Self::Busy(busy),
                    NotHashed::Abandoned | NotHashed::Failed => Self::Unavailable,
                }
            }
        }
    )*};
}

not_hashed!(SignInError, EnrolError, AccountError);
