//! Passwords: choosing one, and signing in with one, which takes as long without an account.

use identity::{SignInMethod, attempt::Guess, password::is_long};

use super::{SignInError, SignedIn};
use crate::{
    accounts::SignIn,
    browser_context::BrowserContext,
    records::Versioned,
    state::{Account, account_name, audit::AuditAction},
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
        let account = match &attempt.account {
            Some(account) if verified => self.note_password_used(account.clone(), password).await?,
            _ => None,
        };
        let Some(account) = account else {
            return Err(self.refused(browser, &attempt).await);
        };
        let succeeded = self.succeeded(browser, &account, &attempt);
        let signed_in = self
            .sessions
            .begin_session(browser, &account, Some(SignInMethod::Password), succeeded)
            .await?;
        self.audit
            .note_by_user(
                AuditAction::SignedInWithPassword,
                account_name(&account),
                browser,
                None,
            )
            .await;
        Ok(signed_in)
    }

    /// Notes a sign-in with the password that an account had when it was read; `None` when it has
    /// another by now, or may not be used.
    async fn note_password_used(
        &self,
        read: Versioned<Account>,
        password: &str,
    ) -> Result<Option<Account>, SignInError> {
        let Some(verified) = read.record.password().map(str::to_owned) else {
            return Ok(None);
        };
        let id = read.record.id();
        let now = self.context.now();
        let is_long = is_long(password);
        let sign_in =
            |account: Account| Ok((account.sign_in_with_password(&verified, is_long, now)?, ()));
        let signed_in = self
            .directory
            .change_account_from(id, Some(read), sign_in, SignInError::WrongCredentials)
            .await;
        match signed_in {
            Ok((account, ())) => Ok(Some(account)),
            Err(SignInError::WrongCredentials) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
