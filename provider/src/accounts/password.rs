//! Passwords: which may be chosen, and signing in with one, as slow for nobody as for somebody.

use thiserror::Error;

use super::{
    Account, Role, SignInError, SignedIn, attempts::Guess, common, email, hashing::NotHashed,
    queue::Requester,
};
use crate::{BrowserContext, Provider, SignInMethod, audit::AuditAction, problem::Unavailable};

/// The least number of characters of a password (NIST SP 800-63B section 3.1.1.2: eight).
pub const SHORTEST_PASSWORD: usize = 8;
/// The same of one that is all an administrator signs in with.
pub(crate) const SHORTEST_ALONE: usize = 12;
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
    /// It is among those that are guessed first.
    #[error(
        "the password is one of those that are guessed first; several words that do not belong together are better"
    )]
    Common,
    /// It is made of the person's address or the server's name.
    #[error("the password can be guessed from the address or the name of the server")]
    FromName,
}

/// A password that somebody chose, and that may be chosen.
#[derive(Clone)]
pub(crate) struct NewPassword {
    /// An argon2id hash as a PHC string.
    pub(crate) hash: String,
    /// Whether it may be all that an administrator signs in with.
    pub(crate) is_long: bool,
}

/// The least number of characters of a password for a role.
pub(crate) const fn shortest_password(role: Role, has_passkeys: bool) -> usize {
    match role {
        Role::Administrator if !has_passkeys => SHORTEST_ALONE,
        Role::Administrator | Role::Person => SHORTEST_PASSWORD,
    }
}

/// Judges a password that somebody chooses: `normal` is its NFKC form, `names` are what it must not
/// be made of.
fn judge(typed: &str, normal: &str, minimum: usize, names: &[&str]) -> Result<(), PasswordError> {
    if typed.len() > MOST_BYTES {
        Err(PasswordError::TooLong {
            maximum: MOST_BYTES,
        })
    } else if normal.chars().count() < minimum {
        Err(PasswordError::TooShort { minimum })
    } else if common::is_made_of(normal, names) {
        Err(PasswordError::FromName)
    } else if common::is_common(normal) {
        Err(PasswordError::Common)
    } else {
        Ok(())
    }
}

/// The forms of a password under which it may have been hashed: its NFKC form, so that all
/// keyboards and systems mean the same (NIST SP 800-63B section 3.1.1.2), and as it was typed, as
/// earlier releases did. How many there are follows from what was typed alone.
pub(super) fn forms(typed: &str) -> Vec<String> {
    // What is too long was never hashed: a part of it takes as long.
    let typed = &typed[..typed.floor_char_boundary(MOST_BYTES + 1)];
    let normal = email::nfkc(typed);
    if normal == typed {
        vec![normal]
    } else {
        vec![normal, typed.to_owned()]
    }
}

impl Provider {
    /// Signs in with address and password. Whether the address is unknown, the account disabled or
    /// without a password, or the password wrong: the answer is the same and takes as long.
    pub async fn sign_in_with_password(
        &self,
        browser: &BrowserContext,
        email: &str,
        password: &str,
    ) -> Result<SignedIn, SignInError> {
        // 1. Look the account up, and count the attempt before anything is computed, whatever comes
        //    of it.
        let attempt = self.attempt(browser, email, Guess::Password).await?;
        // 2. Verify against its password, or nobody's, when it is its turn.
        let hash = attempt
            .account
            .as_ref()
            .and_then(|account| account.password.as_deref());
        let verified = match self
            .0
            .passwords
            .verify(&attempt.requester, password, hash)
            .await
        {
            Ok(verified) => verified,
            Err(reason) => {
                self.unverified(attempt, &reason).await;
                return Err(reason.into());
            }
        };
        // 3. Begin a session, if it is the password still: it may have waited long for its turn.
        let account = match &attempt.account {
            Some(account) if verified => self.note_password_used(account, password).await?,
            _ => None,
        };
        let Some(account) = account else {
            return Err(self.refused(browser, &attempt).await);
        };
        self.succeeded(browser, &account, attempt).await?;
        let signed_in = self
            .begin_session(browser, &account, Some(SignInMethod::Password))
            .await?;
        self.note_by_person(
            AuditAction::SignedInWithPassword,
            account.whose(),
            browser,
            None,
        )
        .await;
        Ok(signed_in)
    }

    /// Notes a sign-in with the password that an account had when it was read; `None` when it has
    /// another by now, or may not be used. What is not stored of it is learned here: whether it is
    /// long.
    async fn note_password_used(
        &self,
        read: &Account,
        password: &str,
    ) -> Result<Option<Account>, Unavailable> {
        let (now, is_long) = (self.now(), is_long(&email::nfkc(password)));
        let note = |account: &mut Account| {
            let good = account.is_active() && account.password == read.password;
            good.then(|| {
                account.last_sign_in_at = Some(now);
                account.password_is_long = is_long;
                account.clone()
            })
        };
        Ok(self.change_account(read.id, note).await?.flatten())
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
        // Bounds the work before any of it.
        let normal = email::nfkc(&typed[..typed.floor_char_boundary(MOST_BYTES + 1)]);
        judge(typed, &normal, minimum, &[address, &self.settings().name])?;
        let hash = self.hash_password(requester, &normal).await?;
        Ok(NewPassword {
            hash,
            is_long: is_long(&normal),
        })
    }
}

fn is_long(normal: &str) -> bool {
    normal.chars().count() >= SHORTEST_ALONE
}
