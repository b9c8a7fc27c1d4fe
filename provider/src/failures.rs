//! Failed requests of clients, collected for administrators: requested values, reason, count, and
//! last time.

use std::{
    collections::BTreeMap,
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::try_join_all;
use oauth::{
    Timestamp,
    error::{ProtocolError as _, RedirectError},
};
use oauth_clients::client::Client;

use crate::{
    context::Context,
    fetch_fault::FetchFault,
    records::{self, Found, keys},
    request::RequestId,
    state::{
        Maybe,
        failure::{
            Attempt, FailedRequest, FailedStep, FailureKind, FailureList, RequestedParameters,
            Standing,
        },
    },
    step_error::StepError,
    unavailable::Unavailable,
};

const DAY: Duration = Duration::from_hours(24);
/// How many days they are kept.
const DAYS: u64 = 7;

/// The maximum number of queued failures of each standing. More are dropped.
const MOST_PENDING: usize = 64;
const LONGEST_ID: usize = 200;
/// A failure without an error code.
const TRY_AGAIN: &str = "temporarily_unavailable";

/// Why a request failed.
pub(crate) enum FailureCause<'a> {
    /// It was refused.
    Refused(&'a StepError),
    /// Clients may not register themselves.
    RegistrationClosed,
    /// The client's document cannot be fetched.
    DocumentUnreachable(FetchFault),
    /// The client's document or key set, which the token endpoint needs, cannot be fetched.
    AddressUnreachable(FetchFault),
    /// There were too many of them.
    TooMany(Counted),
    /// The page of a missing request was opened.
    RequestGone,
}

/// What a limit counts.
#[derive(Clone, Copy)]
pub(crate) enum Counted {
    AuthorizationRequests,
    DocumentRequests,
    Assertions,
    Registrations,
}

impl Counted {
    const fn words(self) -> &'static str {
        match self {
            Self::AuthorizationRequests => "authorization requests from this address",
            Self::DocumentRequests => "requests for metadata documents",
            Self::Assertions => "invalid client assertions",
            Self::Registrations => "registrations from this address",
        }
    }
}

impl FailureCause<'_> {
    /// Kind, error code and description.
    fn described(&self) -> (FailureKind, &'static str, String) {
        match self {
            Self::Refused(reason) => ((*reason).into(), reason.code().as_str(), reason.to_string()),
            Self::RegistrationClosed => {
                let what = "dynamic client registration is turned off (registration = off)";
                (
                    FailureKind::RegistrationClosed,
                    "access_denied",
                    what.to_owned(),
                )
            }
            Self::DocumentUnreachable(fault) => {
                (FailureKind::Unreachable, TRY_AGAIN, fault.to_string())
            }
            Self::AddressUnreachable(fault) => {
                let what = format!("the keys of the client could not be fetched: {fault}");
                (FailureKind::Unreachable, TRY_AGAIN, what)
            }
            Self::TooMany(counted) => {
                let what = format!("too many {}", counted.words());
                (FailureKind::TooMany, TRY_AGAIN, what)
            }
            Self::RequestGone => {
                let what = "the request has expired, was already answered, or was started in another browser";
                (FailureKind::RequestGone, "invalid_request", what.to_owned())
            }
        }
    }
}

/// A request that failed.
pub(crate) struct NewFailure<'a> {
    pub(crate) step: FailedStep,
    pub(crate) client_id: &'a str,
    /// The client, if known.
    pub(crate) client: Option<&'a Client>,
    pub(crate) cause: FailureCause<'a>,
    pub(crate) asked: RequestedParameters,
    pub(crate) address: IpAddr,
}

impl NewFailure<'_> {
    fn at(self, now: Timestamp) -> FailedRequest {
        let (kind, code, description) = self.cause.described();
        let claimed = self
            .asked
            .client_name
            .as_ref()
            .map(|name| name.text.clone());
        let client_name = self
            .client
            .and_then(|client| client.name.clone())
            .or(claimed);
        let requests = RequestId::current()
            .iter()
            .map(ToString::to_string)
            .collect();
        FailedRequest {
            client_id: self.client_id.chars().take(LONGEST_ID).collect(),
            client_name,
            step: self.step,
            kind,
            code: code.to_owned(),
            description,
            times: 1,
            first_at: now,
            last_at: now,
            last_from: self.address.to_canonical().to_string(),
            standing: Standing::of(self.client),
            attempts: vec![Attempt {
                asked: self.asked,
                requests,
                times: 1,
                last_at: now,
            }],
        }
    }
}

/// Failures to be stored: the task that stores one also stores the queued ones of others.
#[derive(Default)]
pub(crate) struct FailureQueue {
    pending: Mutex<Vec<FailedRequest>>,
    writer: tokio::sync::Mutex<()>,
}

impl FailureQueue {
    fn add(&self, failure: FailedRequest) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending
            .iter()
            .filter(|other| other.standing == failure.standing)
            .count()
            < MOST_PENDING
        {
            pending.push(failure);
        }
    }

    fn has_pending(&self) -> bool {
        !self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    fn take(&self) -> Vec<FailedRequest> {
        mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes requests of clients that failed.
#[derive(Clone)]
pub(crate) struct FailureLog {
    context: Context,
    queue: Arc<FailureQueue>,
}

impl FailureLog {
    pub(crate) const fn new(context: Context, queue: Arc<FailureQueue>) -> Self {
        Self { context, queue }
    }

    /// Records a failed request. A failure to record it is ignored.
    pub(crate) async fn note_failure(&self, failed: NewFailure<'_>) {
        if matches!(
            failed.cause,
            FailureCause::Refused(StepError::Redirect(RedirectError::Denied))
        ) {
            return;
        }
        let now = self.context.now();
        let queue = &self.queue;
        queue.add(failed.at(now));
        // The holder of the lock stores this one too, and checks again after releasing the lock.
        while queue.has_pending()
            && let Ok(_turn) = queue.writer.try_lock()
        {
            let mut failures: BTreeMap<Standing, Vec<FailedRequest>> = BTreeMap::new();
            for failure in queue.take() {
                failures.entry(failure.standing).or_default().push(failure);
            }
            for (standing, failures) in failures {
                self.store_failures(standing, &failures, now).await;
            }
        }
    }

    async fn store_failures(&self, standing: Standing, failures: &[FailedRequest], now: Timestamp) {
        let key = keys::failures_of(standing, now.seconds() / DAY.as_secs());
        // Entries of a newer version are kept unchanged.
        let add = |noted: Option<FailureList>| {
            let (known, unknown): (Vec<_>, Vec<_>) = noted
                .unwrap_or_default()
                .0
                .into_iter()
                .partition(|failure| failure.known().is_some());
            let mut noted = known.into_iter().filter_map(Maybe::into_known).collect();
            failures
                .iter()
                .cloned()
                .for_each(|failure| failure.join(&mut noted));
            let noted = noted.into_iter().map(Maybe::Known).chain(unknown);
            (
                FailureList(noted.collect()),
                records::ttl(DAY.saturating_mul(u32::try_from(DAYS).unwrap_or(u32::MAX))),
            )
        };
        if let Err(error) = records::put(self.context.plain_store(), &key, add).await {
            tracing::warn!(%error, "failed requests could not be recorded");
        }
    }

    /// The failures of the last days, the latest first, with the current state of their clients.
    pub(crate) async fn recent_failures(&self) -> Result<Vec<FailedRequest>, Unavailable> {
        let today = self.context.now().seconds() / DAY.as_secs();
        let days = today.saturating_sub(DAYS - 1)..=today;
        // Earlier versions stored one record a day for all clients.
        let keys = days.flat_map(|day| {
            Standing::ALL
                .map(|standing| keys::failures_of(standing, day))
                .into_iter()
                .chain([keys::failures(day)])
        });
        let read = keys.map(async |key| records::find(self.context.store(), &key).await);
        let mut failures = Vec::new();
        let noted = try_join_all(read)
            .await?
            .into_iter()
            .filter_map(Found::record)
            .flat_map(|failures| failures.0);
        for noted in noted.filter_map(Maybe::into_known) {
            noted.merge(&mut failures);
        }
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.last_at));
        Ok(failures)
    }
}
