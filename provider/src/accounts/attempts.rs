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
    accounts::{
        Ceremonies, Directory, Passkeys, PasswordHasher, Sessions, addresses::AddressRead,
        known_browsers::KnownRead,
    },
    audit::AuditLog,
    browser_context::BrowserContext,
    context::Context,
    limits::{BatchCounters, PlacesRead, RateLimiter, Refused, Reservation},
    records::{Batch, BatchResults, ReadTicket, Versioned},
    state::{Account, account_name, audit::AuditAction},
    unavailable::Unavailable,
};

/// A credential that is tried, counted as a failure until it proves to be the right one.
pub(super) struct Attempt {
    /// The account, if the address has a usable one.
    pub(super) account: Option<Versioned<Account>>,
    /// The address that was typed, in the form that is counted by.
    pub(super) email: String,
    pub(super) requester: Requester,
    guess: Guess,
    /// Counted for the account or the address, and by which name.
    own: Option<(RateLimit, String, Reservation)>,
    /// Counted for the part of the network.
    network: Reservation,
}

/// A read of what limits an attempt before it is counted.
struct LimitsRead {
    /// Sign-ins that cost a hash.
    sign_ins: Vec<(BatchCounters, Vec<ReadTicket<u64>>)>,
    /// Failures of unknown browsers of the network.
    networks: BatchCounters,
    places: PlacesRead,
}

impl LimitsRead {
    /// The counters of the network by which the attempt is counted, unless a limit is reached.
    fn networks(
        self,
        known: bool,
        results: &mut BatchResults,
    ) -> Result<Option<BatchCounters>, Refused> {
        let mut wait = None;
        for (counters, counts) in self.sign_ins {
            wait = wait.max(counters.reached(counts, results)?);
        }
        if !known {
            wait = wait.max(self.networks.are_taken(self.places, results)?);
        }
        match wait {
            Some(wait) => Err(Refused::Wait(wait)),
            None => Ok((!known).then_some(self.networks)),
        }
    }
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
    /// browsers that name the same address. For unknown browsers, the limit of the network is read
    /// before anything is counted, so that an exhausted network cannot exhaust the limits of
    /// addresses.
    pub(super) async fn attempt(
        &self,
        browser: &BrowserContext,
        typed: &str,
        guess: Guess,
    ) -> Result<Attempt, SignInError> {
        // 1. The account.
        let mut batch = Batch::default();
        let address = AddressRead::of(typed, &mut batch);
        let mut results = batch.run(self.context.store()).await?;
        let account = self.directory.account_at(address, &mut results).await?;
        let account = account.filter(|account| account.record.is_active());
        // All spellings of an address share one counter.
        let email = folded(typed);
        let record = account.as_ref().map(|account| &account.record);
        let id = record.map_or(DUMMY_ACCOUNT, |account| account.id());
        // 2. Whether it knows the browser, and whether a limit is reached.
        let mut batch = Batch::default();
        let known = KnownRead::of(browser, id, record, &mut batch);
        let reached = self.read_limits(browser, id, guess, &mut batch);
        let mut results = batch.run(self.context.store()).await?;
        let known = known.is_known(record, &mut results)?;
        let networks = reached.networks(known, &mut results)?;
        // 3. Counted.
        let limits = guess.limits(known, id, &email);
        let (network, own) = self.reserve(networks, limits.own.as_ref()).await?;
        let requester = if known {
            Requester::of_account(browser, id)
        } else {
            Requester::of_network(browser)
        };
        Ok(Attempt {
            account,
            email,
            requester,
            guess,
            own: limits.own.map(|(limit, key)| (limit, key, own)),
            network,
        })
    }

    /// Reads in a batch what limits an attempt before it is counted.
    fn read_limits(
        &self,
        browser: &BrowserContext,
        account: Id,
        guess: Guess,
        batch: &mut Batch,
    ) -> LimitsRead {
        let sign_ins = self.sign_ins(browser, account, guess);
        let read = |counters: BatchCounters, batch: &mut Batch| {
            let counts = counters.read(batch);
            (counters, counts)
        };
        let sign_ins = sign_ins.into_iter();
        let sign_ins = sign_ins.map(|counters| read(counters, batch)).collect();
        let networks = self
            .limiter
            .address_counters(guess.limit_of_network(), browser.address);
        LimitsRead {
            sign_ins,
            places: networks.read_places(batch),
            networks,
        }
    }

    /// Counts an attempt for its networks and for its account or address.
    async fn reserve(
        &self,
        networks: Option<BatchCounters>,
        own: Option<&(RateLimit, String)>,
    ) -> Result<(Reservation, Reservation), Refused> {
        let number = networks.as_ref().map_or(0, BatchCounters::len);
        let own = own.map(|(limit, key)| self.limiter.counters(*limit, key));
        let counters = networks.into_iter().chain(own);
        let mut network = match counters.reduce(BatchCounters::and) {
            Some(counters) => self.limiter.reserve_together(counters).await?,
            None => Reservation::default(),
        };
        let own = network.split_off(number);
        Ok((network, own))
    }

    /// The counters of sign-ins by password; none of other attempts.
    fn sign_ins(&self, browser: &BrowserContext, account: Id, guess: Guess) -> Vec<BatchCounters> {
        if !guess.counts_sign_ins() {
            return Vec::new();
        }
        vec![
            self.limiter.counters(SIGN_INS, &account.to_string()),
            self.limiter
                .address_counters(SIGN_INS_FROM, browser.address),
        ]
    }

    /// The attempt succeeded: it no longer counts as a failure, and earlier failures of the account
    /// are forgiven. The steps that say so are for the batch that begins the session.
    pub(super) fn succeeded(
        &self,
        batch: &mut Batch,
        browser: &BrowserContext,
        account: Id,
        attempt: &Attempt,
    ) {
        attempt.network.give_back(batch);
        for counters in self.sign_ins(browser, account, attempt.guess) {
            counters.count(batch);
        }
        match &attempt.own {
            // There is nothing to forgive.
            Some((_, _, own)) if own.is_first() => own.give_back(batch),
            Some((limit, key, _)) => self.limiter.forget_count(batch, *limit, key),
            None => {}
        }
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
        let subject = attempt.account.as_ref();
        let subject = subject.map(|account| account_name(&account.record));
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
