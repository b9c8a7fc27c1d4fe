//! The user's browser: its secrets, and cookies to set.

use std::{net::IpAddr, time::Duration};

use identity::SignInMethod;
use oauth::{Digest, Id, Secret};

use crate::presence::Presence;

/// What a browser presents with a request.
#[derive(Clone, Debug)]
pub struct BrowserState {
    /// The secret that identifies it.
    pub secret: Secret,
    /// Further secrets of the same browser, from concurrent first requests.
    pub others: Vec<Secret>,
    /// The secret of its session. It proves nothing until it was looked up.
    pub session: Option<Secret>,
    /// The seed of recovery codes that were just created in this browser.
    pub recovery_codes: Option<Secret>,
    /// How a user last signed in with it. It proves nothing.
    pub last_sign_in_method: Option<SignInMethod>,
}

/// A cookie to set or to remove.
#[derive(Clone, Debug)]
pub enum BrowserUpdate {
    /// A session began.
    SessionBegun {
        /// Its secret.
        secret: Secret,
        /// How long it lasts at most.
        lifetime: Duration,
    },
    /// The session ended.
    SessionEnded,
    /// A user signed in by this method.
    SignedInBy(SignInMethod),
    /// The seed of new recovery codes that have not been shown.
    RecoveryCodesMade(Secret),
    /// The recovery codes were shown.
    RecoveryCodesShown,
}

/// The browser of a request.
#[derive(Clone, Debug)]
pub struct BrowserContext {
    pub(crate) secret: Secret,
    others: Vec<Secret>,
    pub(crate) session: Option<Secret>,
    pub(crate) address: IpAddr,
    pub(crate) device: String,
    pub(crate) recovery_codes: Option<Secret>,
    /// Whether the client still waits for an answer.
    pub(crate) presence: Presence,
    last_sign_in_method: Option<SignInMethod>,
}

impl BrowserContext {
    /// A browser in this state. `device` names it for users, as in "Chrome on Linux".
    pub fn new(state: BrowserState, device: &str, address: IpAddr) -> Self {
        Self {
            secret: state.secret,
            others: state.others,
            session: state.session,
            address,
            device: device.to_owned(),
            recovery_codes: state.recovery_codes,
            presence: Presence::default(),
            last_sign_in_method: state.last_sign_in_method,
        }
    }

    /// The same browser, whose request is abandoned when `presence` ends.
    #[must_use]
    pub fn with_presence(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }

    /// How a user last signed in with this browser.
    pub const fn last_sign_in_method(&self) -> Option<SignInMethod> {
        self.last_sign_in_method
    }

    /// A form token against CSRF: bound to the session, or to the browser before there is one.
    /// `number` makes each unique, so that a repeated post can be distinguished from a form that
    /// was filled in again.
    pub(crate) fn form_token(&self, number: Id) -> String {
        let base = self.session.as_ref().unwrap_or(&self.secret);
        format!("{number}{}", form_token(base, number).encode())
    }

    /// Whether a form has a token of this browser.
    pub fn form_token_matches(&self, presented: &str) -> bool {
        let read = || {
            let (number, token) = presented.split_at_checked(Id::TEXT_LENGTH)?;
            Some((Id::parse(number)?, Secret::decode(token)?.digest()))
        };
        let Some((number, presented)) = read() else {
            return false;
        };
        let made_from = |base: &Secret| form_token(base, number).digest() == presented;
        self.session
            .as_ref()
            .map_or_else(|| self.secrets().any(made_from), made_from)
    }

    /// Whether this browser has a secret with this digest.
    pub(crate) fn is_browser(&self, digest: &Digest) -> bool {
        self.secret_of(digest).is_some()
    }

    /// The secret of this browser with this digest.
    pub(crate) fn secret_of(&self, digest: &Digest) -> Option<&Secret> {
        self.secrets().find(|secret| secret.digest() == *digest)
    }

    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.secret).chain(&self.others)
    }
}

fn form_token(base: &Secret, number: Id) -> Secret {
    base.derive("form token", &number.bytes())
}
