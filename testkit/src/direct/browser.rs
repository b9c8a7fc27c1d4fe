//! A browser without HTTP.

use std::net::{IpAddr, Ipv4Addr};

use oauth::Secret;
use provider::{BrowserContext, BrowserState, BrowserUpdate, Provider, SignedIn};

use super::{DEVICE, TestProvider};

/// A browser that calls the provider directly.
#[derive(Clone)]
pub struct Browser {
    provider: Provider,
    state: BrowserState,
    /// Its network address.
    pub address: IpAddr,
}

impl Browser {
    /// A browser that has visited the server before, from the given address.
    pub fn from(server: &TestProvider, last_byte: u8) -> Self {
        Self::of(&server.provider, last_byte)
    }

    /// The same for a provider.
    pub fn of(provider: &Provider, last_byte: u8) -> Self {
        Self {
            provider: provider.clone(),
            state: new_browser(provider),
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte)),
        }
    }

    /// The context of its requests.
    pub fn context(&self) -> BrowserContext {
        BrowserContext::new(self.state.clone(), DEVICE, self.address)
    }

    /// Keeps what an answer has it keep, or forgets it.
    pub fn keep(&mut self, update: &BrowserUpdate) {
        keep(&mut self.state, update);
    }

    /// Keeps what signing in gives.
    pub fn keep_all(&mut self, signed_in: &SignedIn) {
        signed_in
            .updates
            .iter()
            .for_each(|update| self.keep(update));
    }

    /// The secrets it holds, as they travel.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let state = &self.state;
        let more = state.session.iter().chain(&state.recovery_codes);
        std::iter::once(&state.secret)
            .chain(&state.others)
            .chain(more)
            .map(Secret::encode)
    }

    /// Signs in with a password; returns whether it succeeded.
    pub async fn signs_in(&mut self, email: &str, password: &str) -> bool {
        let signed_in = self
            .provider
            .sign_in()
            .sign_in_with_password(&self.context(), email, password)
            .await;
        if let Ok(signed_in) = &signed_in {
            self.keep_all(signed_in);
        }
        signed_in.is_ok()
    }

    /// Signs in with a recovery code; returns whether it succeeded.
    pub async fn use_recovery_code(&mut self, email: &str, code: &str) -> bool {
        let signed_in = self
            .provider
            .sign_in()
            .sign_in_with_recovery_code(&self.context(), email, code)
            .await;
        if let Ok(signed_in) = &signed_in {
            self.keep_all(signed_in);
        }
        signed_in.is_ok()
    }
}

/// A browser that has only its own secret.
pub(super) fn new_browser(provider: &Provider) -> BrowserState {
    BrowserState {
        secret: provider.fresh_secret(),
        others: Vec::new(),
        session: None,
        recovery_codes: None,
        last_sign_in_method: None,
    }
}

/// Does what a browser does with an answer.
pub(super) fn keep(state: &mut BrowserState, update: &BrowserUpdate) {
    match update {
        BrowserUpdate::SessionBegun { secret, .. } => state.session = Some(secret.clone()),
        BrowserUpdate::SessionEnded => state.session = None,
        BrowserUpdate::SignedInBy(method) => state.last_sign_in_method = Some(*method),
        BrowserUpdate::RecoveryCodesMade(secret) => state.recovery_codes = Some(secret.clone()),
        BrowserUpdate::RecoveryCodesShown => state.recovery_codes = None,
    }
}
