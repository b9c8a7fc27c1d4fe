//! Attempts to sign in with what can be guessed, and how they are counted.
//!
//! An attempt is counted as a failure before anything is verified, so that concurrent attempts
//! cannot exceed the limit. A success is subtracted again.

use std::{sync::Arc, time::Duration};

use identity::{
    RateLimit,
    attempt::{DUMMY_ACCOUNT, Guess, SIGN_INS, SIGN_INS_FROM},
    email::folded,
};
use oauth::Id;

use super::{SignInError, hashing::NotHashed, queue::Requester};
use crate::{
    accounts::{Ceremonies, Directory, Passkeys, PasswordHasher, Sessions},
    audit::AuditLog,
    browser_context::BrowserContext,
    context::Context,
    limits::{RateLimiter, Refused, Reservation},
    state::{Account, account_name, audit::AuditAction},
    unavailable::Unavailable,
};

/// A credential that is tried, counted as a failure until it proves to be the right one.
pub(super) struct Attempt {
    /// The account, if the address has a usable one.
    pub(super) account: Option<Account>,
    /// The address that was typed, in the form that is counted by.
    pub(super) email: String,
    pub(super) requester: Requester,
    guess: Guess,
    /// Counted for the account or the address, and by which name.
    own: Option<(RateLimit, String, Reservation)>,
    /// Counted for the part of the network.
    network: Reservation,
}

/// Signing in, by passkey, password or recovery code.
pub struct SignIn {
    pub(super) context: Context,
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) directory: Arc<Directory>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) hasher: Arc<PasswordHasher>,
    pub(super) ceremonies: Arc<Ceremonies>,
    pub(super) passkeys: Arc<Passkeys>,
}

impl SignIn {
    /// Looks up the account of an attempt, and counts the attempt.
    ///
    /// A browser that is known to the account is counted neither with its network nor with unknown
    /// browsers that name the same address. For unknown browsers, the limit of the network is
    /// checked first, so that an exhausted network cannot exhaust the limits of addresses.
    pub(super) async fn attempt(
        &self,
        browser: &BrowserContext,
        typed: &str,
        guess: Guess,
    ) -> Result<Attempt, SignInError> {
        let account = self
            .directory
            .account_of(typed)
            .await?
            .filter(|account| account.is_active());
        // All spellings of an address share one counter.
        let email = folded(typed);
        let id = account
            .as_ref()
            .map_or(DUMMY_ACCOUNT, |account| account.id());
        let (known, wait) = tokio::try_join!(
            self.sessions
                .is_known_to_account(browser, id, account.as_ref()),
            self.has_signed_in_too_often(browser, id, guess)
        )?;
        if let Some(retry_after) = wait {
            return Err(SignInError::TooManyAttempts { retry_after });
        }
        let limits = guess.limits(known, id, &email);
        let network = match limits.network {
            Some(limit) => self.limiter.reserve_from(limit, browser.address).await?,
            None => Reservation::default(),
        };
        let requester = if known {
            Requester::of_account(browser, id)
        } else {
            Requester::of_network(browser)
        };
        let mut attempt = Attempt {
            account,
            email,
            requester,
            guess,
            own: None,
            network,
        };
        if let Some((limit, key)) = limits.own {
            match self.limiter.reserve(limit, &key).await {
                Ok(reservation) => attempt.own = Some((limit, key, reservation)),
                Err(refused) => {
                    self.limiter.give_back(attempt.network).await;
                    return Err(refused.into());
                }
            }
        }
        Ok(attempt)
    }

    /// When to try again, if there were too many sign-ins by password already.
    async fn has_signed_in_too_often(
        &self,
        browser: &BrowserContext,
        account: Id,
        guess: Guess,
    ) -> Result<Option<Duration>, Unavailable> {
        if !guess.counts_sign_ins() {
            return Ok(None);
        }
        let account = account.to_string();
        let (own, from) = tokio::try_join!(
            self.limiter.reached(SIGN_INS, &account),
            self.limiter.reached_from(SIGN_INS_FROM, browser.address)
        )?;
        Ok(own.max(from))
    }

    /// The attempt succeeded: it no longer counts as a failure, and earlier failures of the account
    /// are forgiven.
    pub(super) async fn succeeded(
        &self,
        browser: &BrowserContext,
        account: &Account,
        attempt: Attempt,
    ) -> Result<(), Unavailable> {
        self.limiter.give_back(attempt.network).await;
        if let Some((limit, key, _)) = &attempt.own {
            self.limiter.forget_count(*limit, key).await?;
        }
        if attempt.guess.counts_sign_ins() {
            let account = account.id().to_string();
            tokio::try_join!(
                self.limiter.count(SIGN_INS, &account),
                self.limiter.count_from(SIGN_INS_FROM, browser.address)
            )?;
        }
        Ok(())
    }

    /// The attempt was never verified. Nothing was learned about the account, so it does not count
    /// against the account. An attempt whose client closed the connection counts for its network.
    pub(super) async fn unverified(&self, attempt: Attempt, why: &NotHashed) {
        if let Some((_, _, reservation)) = attempt.own {
            self.limiter.give_back(reservation).await;
        }
        if !matches!(why, NotHashed::Abandoned) {
            self.limiter.give_back(attempt.network).await;
        }
    }

    /// The attempt failed, which is recorded for the user of the account. It is recorded after the
    /// response, and without an account the same operations are done for a dummy, so that response
    /// times do not differ.
    pub(super) async fn refused(&self, browser: &BrowserContext, attempt: &Attempt) -> SignInError {
        let subject = attempt.account.as_ref().map(account_name);
        self.audit
            .note_refusal(AuditAction::SignInRefused, subject, &attempt.email, browser)
            .await;
        SignInError::WrongCredentials
    }

    /// Counts a request without a session, by browser first and with a higher limit by its network.
    /// A known browser has only its own limit.
    pub(crate) async fn count_visit(
        &self,
        browser: &BrowserContext,
        own: RateLimit,
        from: RateLimit,
    ) -> Result<Option<Duration>, Unavailable> {
        let digest = browser.secret.digest();
        if let Some(wait) = self.limiter.count(own, digest.as_str()).await? {
            return Ok(Some(wait));
        }
        match self.limiter.count_from(from, browser.address).await? {
            Some(_) if self.sessions.is_known(browser).await? => Ok(None),
            wait => Ok(wait),
        }
    }
}

impl From<Refused> for SignInError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wait(retry_after) => Self::TooManyAttempts { retry_after },
            Refused::Unavailable(error) => error.into(),
        }
    }
}
