//! Passwords: which may be chosen, and signing in with one, as slow for nobody as for somebody.

use thiserror::Error;

use super::{Account, SignInError, SignedIn, attempts::Guess};
use crate::{Provider, Visitor, Way, audit::Deed, problem::Unavailable};

/// The least number of characters of a password (NIST SP 800-63B section 3.1.1.2: eight).
pub const SHORTEST_PASSWORD: usize = 8;
/// The greatest number of bytes, which bounds what is hashed.
const MOST_BYTES: usize = 1024;

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

impl Provider {
    /// Signs in with address and password. Whether the address is unknown, the account disabled or without a password, or
    /// the password wrong: the answer is the same and takes as long.
    pub async fn sign_in_with_password(&self, visitor: &Visitor, email: &str, password: &str) -> Result<SignedIn, SignInError> {
        // 1. Look the account up, and count the attempt before anything is computed, whatever comes of it.
        let attempt = self.attempt(visitor, email, Guess::Password).await?;
        // 2. Verify against its password, or nobody's, when it is its turn.
        let hash = attempt.account.as_ref().and_then(|account| account.password.as_deref());
        let verified = match self.0.passwords.verify(&attempt.requester, password, hash).await {
            Ok(verified) => verified,
            Err(reason) => {
                self.unverified(attempt, &reason).await;
                return Err(reason.into());
            }
        };
        // 3. Begin a session, if it is the password still: it may have waited long for its turn.
        let account = match &attempt.account {
            Some(account) if verified => self.note_password_used(account).await?,
            _ => None,
        };
        let Some(account) = account else { return Err(self.refused(visitor, &attempt).await) };
        self.succeeded(visitor, &account, attempt).await?;
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
}
