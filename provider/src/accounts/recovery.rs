//! Recovery codes: created, shown once, and used to sign in.

use std::time::Duration;

use identity::{
    RecoveryCodes,
    attempt::{DUMMY_ACCOUNT, Guess},
    recovery::{codes, digest},
};
use oauth::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::{AccountError, SignInError, SignedIn, lists::move_account};
use crate::{
    accounts::{AccountCredentials, SignIn},
    browser_context::{BrowserContext, BrowserUpdate},
    records::{Batch, Versioned},
    state::{Account, account_name, audit::AuditAction},
    unavailable::Unavailable,
};

/// A refused code is answered no sooner than this, so that the microseconds are not seen by which
/// reading an account differs from reading none. A password takes longer, and its time varies by
/// more.
const LEAST_TIME: Duration = Duration::from_millis(25);
/// What a user sees of their recovery codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemainingCodes {
    /// How many are left of the ten.
    pub left: usize,
    /// When they were created.
    pub made_at: Timestamp,
}

impl RemainingCodes {
    pub(super) const fn of(codes: &RecoveryCodes) -> Self {
        Self {
            left: codes.left.len(),
            made_at: codes.made_at,
        }
    }
}

impl AccountCredentials {
    /// Creates ten new recovery codes, which replace the old ones. The cookie lets this browser
    /// show them.
    pub async fn make_recovery_codes(
        &self,
        browser: &BrowserContext,
    ) -> Result<BrowserUpdate, AccountError> {
        let user = self.sessions.fresh_account(browser).await?;
        let seed = self.context.entropy().secret();
        let made = RecoveryCodes::new(&seed, user.id(), self.context.now());
        let epoch = user.session_epoch();
        let (account, ()) = self
            .directory
            .change_account(
                user.id(),
                |account| Ok((account.replace_recovery_codes(epoch, made.clone())?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        self.audit
            .note_by_user(
                AuditAction::RecoveryCodesMade,
                account_name(&account),
                browser,
                None,
            )
            .await;
        Ok(BrowserUpdate::RecoveryCodesMade(seed))
    }

    /// The new codes of this browser, to be shown once, with the cookie that ends this. `None`
    /// without new codes or without a session.
    pub async fn fresh_recovery_codes(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<(Vec<String>, BrowserUpdate)>, Unavailable> {
        let Some(seed) = &browser.recovery_codes else {
            return Ok(None);
        };
        let Some((_, account)) = self.sessions.signed_in_account(browser).await? else {
            return Ok(None);
        };
        let id = account.id();
        let stored = account.fields().recovery.as_ref();
        let are_left = stored.is_some_and(|stored| stored.are_all_of(seed, id));
        Ok(are_left.then(|| (codes(seed), BrowserUpdate::RecoveryCodesShown)))
    }
}

impl SignIn {
    /// Signs in with an address and a recovery code, which is used up. A code may be typed with or
    /// without its dashes, in any case.
    pub async fn sign_in_with_recovery_code(
        &self,
        browser: &BrowserContext,
        email: &str,
        code: &str,
    ) -> Result<SignedIn, SignInError> {
        let refusal_at = Instant::now() + LEAST_TIME;
        let attempt = self.attempt(browser, email, Guess::RecoveryCode).await?;
        let taken = if let Some(account) = &attempt.account {
            self.take_code(account.clone(), code).await?
        } else {
            // As much is computed as for an account.
            std::hint::black_box(digest(DUMMY_ACCOUNT, code));
            None
        };
        let Some(account) = taken else {
            let refused = self.refused(browser, &attempt).await;
            sleep_until(refusal_at).await;
            return Err(refused);
        };
        // Recorded first: the code is used up, even if a later step fails.
        self.audit
            .note_by_user(
                AuditAction::SignedInWithRecoveryCode,
                account_name(&account),
                browser,
                None,
            )
            .await;
        let mut succeeded = Batch::default();
        if let Some(before) = &attempt.account {
            move_account(&mut succeeded, &before.record, &account);
        }
        self.succeeded(&mut succeeded, browser, account.id(), &attempt);
        Ok(self
            .sessions
            .begin_session(browser, &account, None, succeeded)
            .await?)
    }

    /// Uses a code up, if it is one of the account's. Whether it is costs no step in the store.
    async fn take_code(
        &self,
        read: Versioned<Account>,
        code: &str,
    ) -> Result<Option<Account>, SignInError> {
        let id = read.record.id();
        let presented = digest(id, code);
        let this_use = self.context.entropy().id();
        if !read.record.has_recovery_code(&presented) {
            return Ok(None);
        }
        let now = self.context.now();
        let redeem =
            |account: Account| Ok((account.redeem_recovery_code(&presented, this_use, now)?, ()));
        let redeemed = self
            .directory
            .change_account_from(id, Some(read), redeem, SignInError::WrongCredentials)
            .await;
        match redeemed {
            Ok((account, ())) => Ok(Some(account)),
            Err(SignInError::WrongCredentials) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
