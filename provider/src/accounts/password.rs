//! Passwords: choosing one, and signing in with one, which takes as long without an account.

use identity::{SignInMethod, attempt::Guess, password::is_long};

use super::{
    SignInError, SignedIn, attempts::Attempt, lists::move_account, session::AccountChange,
};
use crate::{
    accounts::SignIn,
    browser_context::BrowserContext,
    records::{Batch, MOST_TRIES, Versioned},
    state::{
        Account, account_name,
        audit::{AccountName, AuditAction},
    },
    unavailable::Unavailable,
};

impl SignIn {
    /// Signs in with address and password. Whether the address is unknown, the account disabled or
    /// without a password, or the password wrong: the answer is the same and takes as long.
    pub async fn sign_in_with_password(
        &self,
        browser: &BrowserContext,
        email: &str,
        password: &str,
    ) -> Result<SignedIn, SignInError> {
        // 1. Look up the account, and count the attempt before anything is computed.
        let attempt = self.attempt(browser, email, Guess::Password).await?;
        // 2. Verify against its password hash, or a dummy hash, through the queue.
        let hash = attempt
            .account
            .as_ref()
            .and_then(|account| account.record.password());
        let verified = match self
            .hasher
            .queue
            .verify(&attempt.requester, password, hash)
            .await
        {
            Ok(verified) => verified,
            Err(reason) => {
                self.unverified(attempt, &reason).await;
                return Err(reason.into());
            }
        };
        // 3. Begin a session, if the password has not changed while the attempt waited.
        let begun = match attempt.account.clone() {
            Some(account) if verified => {
                self.begin_by_password(browser, account, password, &attempt)
                    .await?
            }
            _ => None,
        };
        let Some((subject, signed_in)) = begun else {
            return Err(self.refused(browser, &attempt).await);
        };
        self.audit
            .note_by_user(AuditAction::SignedInWithPassword, subject, browser, None)
            .await;
        Ok(signed_in)
    }

    /// Notes a sign-in with the password that an account had when it was read, and begins a session
    /// in the same round trip; `None` when it has another by now, or may not be used.
    async fn begin_by_password(
        &self,
        browser: &BrowserContext,
        mut read: Versioned<Account>,
        password: &str,
        attempt: &Attempt,
    ) -> Result<Option<(AccountName, SignedIn)>, SignInError> {
        let Some(verified) = read.record.password().map(str::to_owned) else {
            return Ok(None);
        };
        let id = read.record.id();
        let is_long = is_long(password);
        for _ in 0..MOST_TRIES {
            let (account, stored) = read.apart();
            let now = self.context.now();
            let before = account.clone();
            let Ok(next) = account.sign_in_with_password(&verified, is_long, now) else {
                return Ok(None);
            };
            let mut moved = Batch::default();
            move_account(&mut moved, &before, &next);
            let subject = account_name(&next);
            let change = AccountChange {
                next,
                stored,
                moved,
            };
            let succeeded = |batch: &mut Batch| self.succeeded(batch, browser, id, attempt);
            let begun = self
                .sessions
                .begin_session_with(browser, change, SignInMethod::Password, succeeded)
                .await?;
            match begun {
                Ok(signed_in) => return Ok(Some((subject, signed_in))),
                // Another writer was faster.
                Err(Some(other)) => read = other,
                Err(None) => return Ok(None),
            }
        }
        Err(Unavailable::contended().into())
    }
}
