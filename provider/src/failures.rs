//! Requests of applications that failed, gathered for administrators: what was asked for, what went
//! wrong, how often, and when last.

mod asked;
mod kind;
mod notes;

use crate::step_error::StepError;
use oauth::error::{LocalError, ProtocolError as _, RedirectError};
use oauth_clients::error::ClientAuthenticationError;
use std::{
    collections::BTreeMap,
    mem,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::try_join_all;
use oauth::Timestamp;
use oauth_clients::client::{Client, ClientSource};
use serde::{Deserialize, Serialize};

pub use asked::{Asked, AskedText};
pub use kind::FailureKind;

use crate::{
    Provider, RequestId, keys,
    problem::Unavailable,
    records::{self, Found, Maybe},
};

const DAY: Duration = Duration::from_hours(24);
/// For how many days they are kept.
const DAYS: u64 = 7;
/// What failed on a day, of one standing; what this version cannot read is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FailureList(Vec<Maybe<Failure>>);

/// How many wait to be noted while others are being noted, of each standing. What comes on top of
/// that is not noted.
const MOST_WAITING: usize = 64;
const LONGEST_ID: usize = 200;
/// Of what no error code is told.
const TRY_AGAIN: &str = "temporarily_unavailable";

/// The same failure of the same client, on one day or another of the last days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the client called itself; may be any text that was sent.
    pub client_id: String,
    /// The name of the client, where it is known.
    pub client_name: Option<String>,
    /// What it was about.
    pub step: FailedStep,
    /// What went wrong, as far as people need to tell it apart.
    pub kind: FailureKind,
    /// The RFC's error code.
    pub code: String,
    /// What exactly, for developers.
    pub description: String,
    /// How many times.
    pub times: u64,
    /// When first.
    #[serde(with = "crate::values")]
    pub first_at: Timestamp,
    /// When last.
    #[serde(with = "crate::values")]
    pub last_at: Timestamp,
    /// From which address in the network last.
    pub last_from: String,
    /// How well the client was known then.
    #[serde(default)]
    pub standing: Standing,
    /// What exactly was asked for, each with the requests that did.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What.
    pub asked: Asked,
    /// The numbers of the latest requests, as error page and log have them; the latest is the last.
    pub requests: Vec<String>,
    /// How many times.
    pub times: u64,
    /// When last.
    #[serde(with = "crate::values")]
    pub last_at: Timestamp,
}

/// How well a client is known. Each standing has records of its own, so that nobody who makes
/// clients up takes room from those that people use.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An administrator added it.
    Added,
    /// Somebody has allowed it something.
    Used,
    /// It registered itself, or has a document, and nobody has allowed it anything.
    Known,
    /// It is not known, or did not say who it is.
    #[default]
    Stranger,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Added, Self::Used, Self::Known, Self::Stranger];

    fn of(client: Option<&Client>) -> Self {
        match client.map(|client| &client.source) {
            None => Self::Stranger,
            Some(ClientSource::Added) => Self::Added,
            Some(ClientSource::Registered(registration)) if registration.used_at.is_some() => {
                Self::Used
            }
            Some(ClientSource::Document { allowed: true, .. }) => Self::Used,
            Some(ClientSource::Registered(_) | ClientSource::Document { .. }) => Self::Known,
        }
    }

    /// Its name, as it stands in a key.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Used => "used",
            Self::Known => "known",
            Self::Stranger => "stranger",
        }
    }
}

/// Where a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedStep {
    /// At the registration endpoint.
    Register,
    /// At the authorization endpoint.
    Authorize,
    /// On a page that a person has to answer.
    Page,
    /// At the token endpoint.
    Token,
    /// At the revocation endpoint.
    Revoke,
    /// At the introspection endpoint.
    Introspect,
    /// A step that a newer version of this server noted.
    #[serde(other)]
    Other,
}

/// A failure with what is known today, which tells whether it would fail again, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureView {
    /// What was noted.
    pub failure: Failure,
    /// The redirect URIs of the client, as they are now; none where it is not known.
    pub registered: Vec<String>,
    /// Those of the redirect URIs asked for that may be added to the client.
    pub addable: Vec<String>,
}

/// Why a request failed.
pub(crate) enum Cause<'a> {
    /// It was refused.
    Refused(&'a StepError),
    /// Clients may not register themselves.
    RegistrationClosed,
    /// Somebody else's server did not give what was needed, for this reason.
    Unreachable(&'a str),
    /// There were too many; of what.
    TooMany(&'static str),
    /// The page of a request was opened that is not there any more.
    RequestGone,
}

impl Cause<'_> {
    /// Kind, error code, and what exactly.
    fn told(&self) -> (FailureKind, &'static str, String) {
        match self {
            Self::Refused(reason) => ((*reason).into(), reason.code().as_str(), reason.to_string()),
            Self::RegistrationClosed => {
                let what = "clients may not register themselves (registration = off)";
                (
                    FailureKind::RegistrationClosed,
                    "access_denied",
                    what.to_owned(),
                )
            }
            Self::Unreachable(why) => (FailureKind::Unreachable, TRY_AGAIN, (*why).to_owned()),
            Self::TooMany(what) => (
                FailureKind::TooMany,
                TRY_AGAIN,
                format!("there were too many {what}"),
            ),
            Self::RequestGone => {
                let what =
                    "the request has expired, was answered already, or began in another browser";
                (FailureKind::RequestGone, "invalid_request", what.to_owned())
            }
        }
    }
}

/// A request that failed.
pub(crate) struct Failed<'a> {
    pub(crate) step: FailedStep,
    pub(crate) client_id: &'a str,
    /// The client, where it is known.
    pub(crate) client: Option<&'a Client>,
    pub(crate) cause: Cause<'a>,
    pub(crate) asked: Asked,
    pub(crate) address: IpAddr,
}

impl Failed<'_> {
    fn at(self, now: Timestamp) -> Failure {
        let (kind, code, description) = self.cause.told();
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
        Failure {
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

/// Failures that are on their way into the store: whoever notes one takes along what others brought
/// meanwhile.
#[derive(Default)]
pub(crate) struct Noting {
    waiting: Mutex<Vec<Failure>>,
    turn: tokio::sync::Mutex<()>,
}

impl Noting {
    fn add(&self, failure: Failure) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting
            .iter()
            .filter(|other| other.standing == failure.standing)
            .count()
            < MOST_WAITING
        {
            waiting.push(failure);
        }
    }

    fn is_due(&self) -> bool {
        !self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    fn take(&self) -> Vec<Failure> {
        mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Provider {
    /// Notes that a request of a client failed. A failure to note it costs nobody anything.
    pub(crate) async fn note_failure(&self, failed: Failed<'_>) {
        if matches!(
            failed.cause,
            Cause::Refused(StepError::Redirect(RedirectError::Denied))
        ) {
            return;
        }
        let (now, noting) = (self.now(), &self.0.failures);
        noting.add(failed.at(now));
        // Whoever has the turn takes this one along, and looks once more after giving it back.
        while noting.is_due()
            && let Ok(_turn) = noting.turn.try_lock()
        {
            let mut failures: BTreeMap<Standing, Vec<Failure>> = BTreeMap::new();
            for failure in noting.take() {
                failures.entry(failure.standing).or_default().push(failure);
            }
            for (standing, failures) in failures {
                self.keep_failures(standing, &failures, now).await;
            }
        }
    }

    async fn keep_failures(&self, standing: Standing, failures: &[Failure], now: Timestamp) {
        let key = keys::failures_of(standing, now.seconds() / DAY.as_secs());
        // What a newer version noted is kept as it is.
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
        if let Err(error) = records::put(self.plain_store(), &key, add).await {
            tracing::warn!(%error, "failed requests were not noted");
        }
    }

    /// The client that a failed request named, and the failure as an administrator should read of
    /// it: whether the client is unknown or kept out. The client itself is told no more than that
    /// it is not proved.
    pub(crate) async fn told_apart(
        &self,
        client_id: &str,
        reason: &StepError,
    ) -> (Option<Client>, StepError) {
        let unproved = matches!(
            reason,
            StepError::Authentication(ClientAuthenticationError::Failed { .. })
        );
        let Ok(client) = records::read::<Client>(self.store(), &keys::client(client_id)).await
        else {
            return (None, reason.clone());
        };
        let why = match &client {
            Some(client) if unproved && self.blocks(client) => LocalError::ClientBlocked.into(),
            Some(client) if self.knows(client) => reason.clone(),
            _ if unproved => self.why_unknown(client.as_ref()).into(),
            _ => reason.clone(),
        };
        (client, why)
    }

    /// What failed in the last days, the latest first, with what is known of the clients now.
    pub(crate) async fn recent_failures(&self) -> Result<Vec<FailureView>, Unavailable> {
        let today = self.now().seconds() / DAY.as_secs();
        let days = today.saturating_sub(DAYS - 1)..=today;
        // Earlier versions kept one record a day for all.
        let keys = days.flat_map(|day| {
            Standing::ALL
                .map(|standing| keys::failures_of(standing, day))
                .into_iter()
                .chain([keys::failures(day)])
        });
        let read = keys.map(async |key| records::find(self.store(), &key).await);
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
        self.explained(failures).await
    }

    async fn explained(&self, failures: Vec<Failure>) -> Result<Vec<FailureView>, Unavailable> {
        let mut clients: BTreeMap<String, Option<Client>> = BTreeMap::new();
        let mut views = Vec::with_capacity(failures.len());
        for failure in failures {
            let is_about_redirect = failure.kind == FailureKind::WrongRedirect;
            if is_about_redirect && !clients.contains_key(&failure.client_id) {
                let client = records::find(self.store(), &keys::client(&failure.client_id))
                    .await?
                    .record();
                clients.insert(failure.client_id.clone(), client);
            }
            let client = clients
                .get(&failure.client_id)
                .and_then(Option::as_ref)
                .filter(|_| is_about_redirect);
            views.push(self.explain(failure, client));
        }
        Ok(views)
    }

    fn explain(&self, failure: Failure, client: Option<&Client>) -> FailureView {
        let Some(client) = client else {
            return FailureView {
                failure,
                registered: Vec::new(),
                addable: Vec::new(),
            };
        };
        let registered = client
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned())
            .collect();
        // At the token endpoint the address only has to be that of the request before it.
        let may_help = failure.step == FailedStep::Authorize;
        let schemes = &self.settings().private_schemes;
        let asked = failure.attempts.iter().filter(|_| may_help);
        let addable = asked
            .filter_map(|attempt| attempt.asked.addable(client, schemes))
            .collect();
        FailureView {
            failure,
            registered,
            addable,
        }
    }
}
