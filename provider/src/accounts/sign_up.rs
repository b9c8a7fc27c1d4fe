//! Accounts that people make for themselves, where the settings let them.

use std::time::Duration;

use super::{
    EnrolError,
    email::{Email, domain_in_ascii},
};
use crate::{BrowserContext, Provider, SignUp, limits::RateLimit};

const HOUR: Duration = Duration::from_hours(1);
/// Sign-ups from one part of the network, finished or not. Each tells whether an address is taken,
/// so there are few.
const SIGN_UPS: RateLimit = RateLimit {
    name: "sign-up",
    max: 20,
    window: HOUR,
};

impl SignUp {
    /// Whether anybody may make an account for themselves.
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Invitation)
    }

    /// Whether somebody who has an account may take this address. Only a list of domains says no.
    pub(crate) fn tolerates(&self, email: &Email) -> bool {
        !matches!(self, Self::Domains(_)) || self.allows(email)
    }

    /// Whether somebody with this address may.
    pub(crate) fn allows(&self, email: &Email) -> bool {
        match self {
            Self::Invitation => false,
            Self::Open => true,
            Self::Domains(domains) => domains
                .iter()
                .any(|domain| domain_in_ascii(domain).as_deref() == Some(email.domain())),
        }
    }
}

impl Provider {
    /// Lets somebody try to sign up, or not. Nobody comes before whoever makes the first account.
    pub(super) async fn admit_sign_up(&self, browser: &BrowserContext) -> Result<(), EnrolError> {
        if !self.settings().sign_up.is_open() || !self.has_accounts().await? {
            return Err(EnrolError::Closed);
        }
        match self.count_from(SIGN_UPS, browser.address).await? {
            None => Ok(()),
            Some(retry_after) => Err(EnrolError::TooManyAttempts { retry_after }),
        }
    }
}
