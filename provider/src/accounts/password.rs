//! Passwords: argon2id, computed away from the async threads, and as slow for nobody as for somebody.

use std::{sync::Arc, thread, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use thiserror::Error;
use tokio::{sync::Semaphore, task};

use super::{Account, NOBODY, SignInError, SignedIn, email, email::Email};
use crate::{
    Provider, Visitor, Way,
    audit::Deed,
    keys,
    limits::{self, Limit},
    problem::Unavailable,
};

/// The least number of characters of a password (NIST SP 800-63B section 3.1.1.2: eight).
pub const SHORTEST_PASSWORD: usize = 8;
/// The greatest number of bytes, which bounds what is hashed.
const MOST_BYTES: usize = 1024;

const QUARTER_OF_AN_HOUR: Duration = Duration::from_mins(15);
/// Guesses at the password of one address, whoever makes them and whether or not it has an account.
const PER_ADDRESS: Limit = Limit { name: "password", most: 10, stretch: QUARTER_OF_AN_HOUR };
/// Guesses at one account from a browser that has signed in to it before.
const PER_FAMILIAR: Limit = Limit { name: "password-familiar", most: 10, stretch: QUARTER_OF_AN_HOUR };
/// Guesses from one part of the network, whoever's password or code is guessed.
const PER_NEIGHBOURHOOD: Limit = Limit { name: "password-from", most: 100, stretch: QUARTER_OF_AN_HOUR };

/// The hash that stands in where there is none. Its parameters are those of [`Argon2::default`], OWASP's: 19 MiB, two
/// passes, one lane. No password is known to lead to it, and none that did would open anything.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// It is too easily guessed.
    #[error("a password needs at least {minimum} characters")]
    TooShort {
        /// The least number of characters.
        minimum: usize,
    },
    /// It takes too long to hash.
    #[error("a password has at most {maximum} bytes")]
    TooLong {
        /// The greatest number of bytes.
        maximum: usize,
    },
}

/// Judges a password that somebody chooses.
pub(crate) fn judge(password: &str) -> Result<(), PasswordError> {
    if password.len() > MOST_BYTES {
        Err(PasswordError::TooLong { maximum: MOST_BYTES })
    } else if password.chars().count() < SHORTEST_PASSWORD {
        Err(PasswordError::TooShort { minimum: SHORTEST_PASSWORD })
    } else {
        Ok(())
    }
}

/// What somebody tries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    Password,
    /// 80 random bits, which nobody hits by guessing: no limit on an address is needed, and none keeps out whoever lost all else.
    RecoveryCode,
}

/// A credential that somebody tries.
pub(super) struct Attempt {
    /// Whose, if the address has an account that may be used.
    pub(super) account: Option<Account>,
    /// The count that is forgiven when it is the right one.
    counter: Option<(Limit, String)>,
}

/// Hashes and verifies, as many at a time as there are cores: each takes 19 MiB and a core for itself.
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
        Self { slots: Arc::new(Semaphore::new(cores)) }
    }

    /// The hash of a password under a fresh salt, as a PHC string.
    pub(crate) async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, Unavailable> {
        let password = password.to_owned();
        let hashed = self.run(move || Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)).await?;
        hashed.map(|hash| hash.to_string()).map_err(|error| failed(&error))
    }

    /// Whether a password leads to a hash; without a hash it takes as long, and the answer is no.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Unavailable> {
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(NOBODYS).to_owned();
        let verified = self.run(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str())).await?;
        match verified {
            Ok(()) => Ok(known),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The slot is given back when the work is done, even if nobody waits for it any more.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unavailable> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Unavailable::interrupted())?;
        let work = move || {
            let _slot = slot;
            work()
        };
        task::spawn_blocking(work).await.map_err(|_| Unavailable::interrupted())
    }
}

impl Provider {
    /// Signs in with address and password. Whether the address is unknown, the account disabled or without a password, or
    /// the password wrong: the answer is the same and takes as long.
    pub async fn sign_in_with_password(&self, visitor: &Visitor, email: &str, password: &str) -> Result<SignedIn, SignInError> {
        // 1. Look the account up, and count the attempt before anything is computed, whatever comes of it.
        let attempt = self.attempt(visitor, email, Guess::Password).await?;
        // 2. Verify against its password, or nobody's.
        let hash = attempt.account.as_ref().and_then(|account| account.password.as_deref());
        let verified = self.0.passwords.verify(password, hash).await?;
        // 3. Begin a session, if it is the password still: it may have waited long for its turn.
        let account = match &attempt.account {
            Some(account) if verified => self.note_password_used(account).await?,
            _ => None,
        };
        let Some(account) = account else { return Err(self.refused(visitor, &attempt).await) };
        self.succeeded(&attempt).await?;
        let signed_in = self.begin_session(visitor, &account, Some(Way::Password)).await?;
        self.note_by_person(Deed::SignedInWithPassword, account.whose(), visitor, None).await;
        Ok(signed_in)
    }

    /// Notes a sign-in with the password that an account had when it was read; `None` when it has another by now, or may not be used.
    async fn note_password_used(&self, read: &Account) -> Result<Option<Account>, Unavailable> {
        let now = self.now();
        let note = |account: &mut Account| {
            let good = account.is_active() && account.password == read.password;
            good.then(|| {
                account.last_sign_in_at = Some(now);
                account.clone()
            })
        };
        Ok(self.change_account(read.id, note).await?.flatten())
    }

    /// Looks up whose credential somebody is about to try, and counts that they do.
    ///
    /// A browser that has signed in to the account before is counted for itself, so that strangers who guess keep nobody out of
    /// their own account, wherever they are. Of others an exhausted neighbourhood is refused first, so that it cannot exhaust
    /// other people's addresses as well.
    pub(super) async fn attempt(&self, visitor: &Visitor, email: &str, guess: Guess) -> Result<Attempt, SignInError> {
        let account = match Email::parse(email) {
            Some(email) => self.account_of(&email).await?.filter(Account::is_active),
            None => None,
        };
        let id = account.as_ref().map_or(NOBODY, |account| account.id);
        let familiar = keys::familiar(id, &visitor.browser.digest());
        let is_familiar = self.store().get(&familiar).await.map_err(Unavailable::from)?.is_some();
        if !is_familiar {
            self.count_attempt(PER_NEIGHBOURHOOD, &limits::neighbourhood(visitor.address)).await?;
        }
        let counter = match guess {
            _ if is_familiar => Some((PER_FAMILIAR, familiar)),
            Guess::Password => Some((PER_ADDRESS, email::folded(email))),
            Guess::RecoveryCode => None,
        };
        if let Some((limit, whom)) = &counter {
            self.count_attempt(*limit, whom).await?;
        }
        Ok(Attempt { account, counter })
    }

    /// Who knows the credential is no guesser: earlier slips are forgiven.
    pub(super) async fn succeeded(&self, attempt: &Attempt) -> Result<(), Unavailable> {
        match &attempt.counter {
            Some((limit, whom)) => self.forget_count(*limit, whom).await,
            None => Ok(()),
        }
    }

    /// An attempt came to nothing, which the person should know of. Where there is nobody, it takes as long.
    pub(super) async fn refused(&self, visitor: &Visitor, attempt: &Attempt) -> SignInError {
        match &attempt.account {
            Some(account) => self.note_by_person(Deed::SignInRefused, account.whose(), visitor, None).await,
            None => self.note_nothing().await,
        }
        SignInError::WrongCredentials
    }

    /// Counts an attempt to sign in.
    pub(super) async fn count_attempt(&self, limit: Limit, whom: &str) -> Result<(), SignInError> {
        match self.count(limit, whom).await? {
            None => Ok(()),
            Some(retry_after) => Err(SignInError::TooManyAttempts { retry_after }),
        }
    }

    /// The hash of a new password, to be stored.
    pub(crate) async fn hash_password(&self, password: &str) -> Result<String, Unavailable> {
        self.0.passwords.hash(password, self.entropy().bytes()).await
    }
}

fn failed(error: &argon2::password_hash::Error) -> Unavailable {
    tracing::error!(%error, "a password cannot be hashed");
    Unavailable::interrupted()
}
