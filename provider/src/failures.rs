//! Requests of applications that failed, gathered for whoever runs the server: what went wrong, how often, and when last.

use std::{
    mem,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use oauth::{Reason, Timestamp, client::Client};
use serde::{Deserialize, Serialize};

use crate::{Provider, keys, problem::Unavailable, record};

const DAY: Duration = Duration::from_hours(24);
/// For how many days they are kept.
const DAYS: u64 = 7;
/// How many different ones of one kind are told apart on a day: whoever makes clients up must not push out what matters.
const MOST_OF_A_KIND: usize = 20;
/// How many wait to be noted while others are being noted. What comes on top of that is not noted.
const MOST_WAITING: usize = 256;
const LONGEST_ID: usize = 200;

/// The same failure of the same client, on one day or another of the last days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the client called itself; may be any text that was sent.
    pub client_id: String,
    /// The name of the client, where it is known.
    pub client_name: Option<String>,
    /// What it asked for.
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
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
    /// From which address in the network last.
    pub last_from: String,
}

/// Where a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedStep {
    /// At the registration endpoint.
    Register,
    /// At the authorization endpoint.
    Authorize,
    /// At the token endpoint.
    Token,
}

/// What went wrong, in kinds that have words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The client is not known here; it may remember a registration that is gone.
    UnknownClient,
    /// The answer would go where the client never said.
    WrongRedirect,
    /// The client's document cannot be used.
    BadDocument,
    /// The settings, or an administrator, keep the client's host out.
    KeptOut,
    /// Client and server know no common way for the client to prove itself.
    NoCommonAuthentication,
    /// The request is malformed or leaves out what it needs (PKCE among it).
    MalformedRequest,
    /// It asked for scopes that do not exist.
    UnknownScope,
    /// It asked for a resource that is none of this server's.
    UnknownResource,
    /// It named no resource, and nothing says which of several it means.
    MissingResource,
    /// It named several resources at once.
    SeveralResources,
    /// It asked for another resource than its person allowed.
    ResourceNotGranted,
    /// Its answers would go to an application by a scheme that the settings do not allow.
    SchemeNotAllowed,
    /// It wanted an answer without the person being asked, and the person had to be.
    PersonNeeded,
    /// The client could not prove itself at the token endpoint.
    ClientProof,
    /// The code was unknown, too old, or of another client.
    BadCode,
    /// The verifier did not answer the challenge.
    VerifierMismatch,
    /// The refresh token was unknown, too old, or its connection had ended.
    BadRefreshToken,
    /// A code or refresh token came again after it had been used.
    Replayed,
    /// The person's account is disabled or gone.
    AccountGone,
    /// The registration was not acceptable.
    BadRegistration,
}

/// Failures that are on their way into the store: whoever notes one takes along what others brought meanwhile.
#[derive(Default)]
pub(crate) struct Noting {
    waiting: Mutex<Vec<Failure>>,
    turn: tokio::sync::Mutex<()>,
}

impl Noting {
    fn add(&self, failure: Failure) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push(failure);
        }
    }

    fn is_due(&self) -> bool {
        !self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> Vec<Failure> {
        mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Failure {
    fn is_like(&self, other: &Self) -> bool {
        (&self.client_id, self.step, self.kind, &self.description) == (&other.client_id, other.step, other.kind, &other.description)
    }

    /// Adds it to others, where one like it may be.
    fn join(self, others: &mut Vec<Self>) {
        if let Some(like) = others.iter_mut().find(|other| other.is_like(&self)) {
            like.times += self.times;
            like.first_at = like.first_at.min(self.first_at);
            if self.last_at >= like.last_at {
                (like.last_at, like.last_from, like.client_name) = (self.last_at, self.last_from, self.client_name);
            }
        } else if others.iter().filter(|other| other.kind == self.kind).count() < MOST_OF_A_KIND {
            others.push(self);
        }
    }
}

impl Provider {
    /// Notes that a request of a client failed. A failure to note it costs nobody anything.
    pub(crate) async fn note_failure(&self, step: FailedStep, client: (&str, Option<String>), reason: &Reason, address: IpAddr) {
        if *reason == Reason::Denied {
            return;
        }
        let ((id, client_name), now, kind) = (client, self.now(), reason.into());
        let failure = Failure {
            client_id: id.chars().take(LONGEST_ID).collect(),
            client_name,
            step,
            kind,
            code: reason.code().as_str().to_owned(),
            description: reason.to_string(),
            times: 1,
            first_at: now,
            last_at: now,
            last_from: address.to_canonical().to_string(),
        };
        let noting = &self.0.failures;
        noting.add(failure);
        // Whoever has the turn takes this one along, and looks once more after giving it back.
        while noting.is_due()
            && let Ok(_turn) = noting.turn.try_lock()
        {
            let (failures, key) = (noting.take(), keys::failures(now.seconds() / DAY.as_secs()));
            let add = |noted: Option<Vec<Failure>>| {
                let mut noted = noted.unwrap_or_default();
                failures.iter().cloned().for_each(|failure| failure.join(&mut noted));
                (noted, record::keep(DAY.saturating_mul(u32::try_from(DAYS).unwrap_or(u32::MAX))))
            };
            if let Err(error) = record::put(self.plain_store(), &key, add).await {
                tracing::warn!(%error, "failed requests were not noted");
            }
        }
    }

    /// A failure as whoever runs the server should read of it: by the client's name, and whether it is unknown or kept out. The
    /// client is told no more than that it is not proved.
    pub(crate) async fn told_apart(&self, client_id: &str, reason: &Reason) -> (Option<String>, Reason) {
        let unproved = matches!(reason, Reason::ClientAuthenticationFailed { .. });
        let Ok(client) = record::read::<Client>(self.store(), &keys::client(client_id)).await else {
            return (None, reason.clone());
        };
        let why = match &client {
            Some(client) if unproved && self.blocks(client) => Reason::ClientBlocked,
            Some(client) if self.knows(client) => reason.clone(),
            _ if unproved => self.why_unknown(client.as_ref()),
            _ => reason.clone(),
        };
        (client.and_then(|client| client.name), why)
    }

    /// What failed in the last days, the latest first.
    pub(crate) async fn recent_failures(&self) -> Result<Vec<Failure>, Unavailable> {
        let today = self.now().seconds() / DAY.as_secs();
        let mut failures = Vec::new();
        for day in today.saturating_sub(DAYS - 1)..=today {
            let noted: Option<Vec<Failure>> = record::read(self.store(), &keys::failures(day)).await?;
            noted.unwrap_or_default().into_iter().for_each(|failure| failure.join(&mut failures));
        }
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.last_at));
        Ok(failures)
    }
}

impl From<&Reason> for FailureKind {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::UnknownClient => Self::UnknownClient,
            Reason::UnregisteredRedirectUri | Reason::RedirectUriMismatch => Self::WrongRedirect,
            Reason::MalformedDocumentAddress(_)
            | Reason::NoDocument(_)
            | Reason::MalformedDocument
            | Reason::UnacceptableDocument { .. } => Self::BadDocument,
            Reason::DocumentNotAllowed | Reason::ClientBlocked => Self::KeptOut,
            Reason::NoCommonAuthentication => Self::NoCommonAuthentication,
            Reason::NoGrantableScope | Reason::ScopeNotGranted | Reason::GrantedScopesGone => Self::UnknownScope,
            Reason::UnknownResource => Self::UnknownResource,
            Reason::MissingResource => Self::MissingResource,
            Reason::SeveralResources => Self::SeveralResources,
            Reason::ResourceNotGranted => Self::ResourceNotGranted,
            Reason::SchemeNotAllowed(_) => Self::SchemeNotAllowed,
            Reason::InteractionRequired | Reason::LoginRequired | Reason::ConsentRequired => Self::PersonNeeded,
            Reason::SeveralAuthenticationMethods
            | Reason::MalformedAuthorizationHeader
            | Reason::ClientAuthenticationFailed { .. }
            | Reason::UnacceptableAssertion(_)
            | Reason::UnknownAssertionKey
            | Reason::UnusableKeys(_)
            | Reason::ResourceAuthenticationFailed => Self::ClientProof,
            Reason::UnknownCode | Reason::CodeOfAnotherClient | Reason::ExpiredCode => Self::BadCode,
            Reason::MalformedVerifier | Reason::VerifierMismatch => Self::VerifierMismatch,
            Reason::UnknownRefreshToken
            | Reason::RefreshTokenOfAnotherClient
            | Reason::ExpiredRefreshToken
            | Reason::EndedGrant
            | Reason::TokenOfAnotherClient => Self::BadRefreshToken,
            Reason::ReplayedCode | Reason::ReplayedRefreshToken => Self::Replayed,
            Reason::AccountGone => Self::AccountGone,
            Reason::RegistrationTokenRefused
            | Reason::MalformedMetadata
            | Reason::MetadataTooLarge
            | Reason::UnacceptableMetadata { .. }
            | Reason::UnsafeRedirectUri(_) => Self::BadRegistration,
            Reason::Repeated(_)
            | Reason::Missing(_)
            | Reason::UnsupportedResponseType
            | Reason::UnsupportedResponseMode
            | Reason::UnsupportedChallengeMethod
            | Reason::MalformedChallenge
            | Reason::StateTooLong(_)
            | Reason::GrantTypeNotRegistered
            | Reason::Denied
            | Reason::PromptNoneWithOthers
            | Reason::UnsupportedGrantType => Self::MalformedRequest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(client_id: &str, kind: FailureKind, at: u64) -> Failure {
        let at = Timestamp::from_seconds(at);
        Failure {
            client_id: client_id.to_owned(),
            client_name: None,
            step: FailedStep::Authorize,
            kind,
            code: "invalid_client".to_owned(),
            description: "the client is not known".to_owned(),
            times: 1,
            first_at: at,
            last_at: at,
            last_from: "192.0.2.1".to_owned(),
        }
    }

    #[test]
    fn what_is_alike_is_counted_and_what_is_made_up_pushes_nothing_out() {
        let mut all = Vec::new();
        for number in 0..1000 {
            failure(&format!("made-up-{number}"), FailureKind::UnknownClient, number).join(&mut all);
        }
        failure("vc_real", FailureKind::WrongRedirect, 5).join(&mut all);
        failure("vc_real", FailureKind::WrongRedirect, 3).join(&mut all);
        failure("vc_real", FailureKind::WrongRedirect, 9).join(&mut all);
        assert_eq!(all.len(), MOST_OF_A_KIND + 1);
        let real = &all[MOST_OF_A_KIND];
        assert_eq!((real.times, real.first_at.seconds(), real.last_at.seconds()), (3, 3, 9));
    }
}
