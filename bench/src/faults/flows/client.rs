//! One OAuth client.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::{super::random::Random, truth::Truth};
use crate::{Outcome, scenario::VirtualUser, wire::Wire};

/// The maximum time for a response.
const PATIENCE: Duration = Duration::from_secs(15);
/// After an error.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a request is repeated at the end.
const TRIES: usize = 20;

#[derive(Clone)]
pub(super) struct Client {
    pub(super) user: VirtualUser,
    pub(super) form_token: String,
    pub(super) account: usize,
    pub(super) addresses: [SocketAddr; 2],
    pub(super) truth: Arc<Truth>,
    pub(super) random: Random,
}

/// A response: status, the parameters of a redirect, and the refresh token.
#[derive(Default)]
struct Told {
    status: u16,
    location: String,
    token: String,
}

impl Told {
    fn parameter(&self, name: &str) -> Option<&str> {
        let query = self.location.split_once('?')?.1;
        let mut pairs = query.split('&');
        pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

impl Client {
    async fn ask(&self, server: usize, request: Vec<u8>) -> Told {
        let asking = async {
            let mut wire = Wire::connect(self.addresses[server]).await?;
            let answer = wire.send(&request).await?;
            let location = answer.headers("location").next().unwrap_or_default();
            Outcome::Ok(Told {
                status: answer.status,
                location: location.to_owned(),
                token: answer
                    .member("refresh_token")
                    .unwrap_or_default()
                    .to_owned(),
            })
        };
        let told = tokio::time::timeout(PATIENCE, asking).await;
        told.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// The same request at both servers at once.
    async fn race(&self, request: Vec<u8>) -> [Told; 2] {
        self.truth.raced(2);
        let first = self.ask(0, request.clone());
        let second = self.ask(1, request);
        futures_util::future::join(first, second).await.into()
    }

    /// A code; `None` if there is none now.
    async fn code(&mut self) -> Option<String> {
        let was_disabled = self.truth.is_disabled(self.account);
        let server = self.random.below(2);
        let asked = self.ask(server, self.user.authorize()).await;
        let request = asked.parameter("request")?.to_owned();
        let consent = self.user.consent(&self.form_token, &request);
        let told = self.ask(1 - server, consent).await;
        let code = told.parameter("code")?.to_owned();
        if was_disabled {
            self.truth.served_disabled("a code");
        }
        Some(code)
    }

    /// One authorization, and what follows it.
    pub(super) async fn round(&mut self) {
        let Some(code) = self.code().await else {
            self.truth.failed();
            tokio::time::sleep(PAUSE).await;
            return;
        };
        if self.random.below(4) == 0 {
            self.redeem_twice(&code).await;
            return;
        }
        let server = self.random.below(2);
        let told = self.ask(server, self.user.exchange(&code)).await;
        if told.status != 200 {
            self.truth.failed();
            return;
        }
        self.rotate(&told.token).await;
    }

    /// One of two redemptions succeeds at most. If the other one is refused, its grant is revoked.
    async fn redeem_twice(&mut self, code: &str) {
        let told = self.race(self.user.exchange(code)).await;
        let winners: Vec<_> = told.iter().filter(|told| told.status == 200).collect();
        if winners.len() > 1 {
            self.truth.redeemed_twice(code);
        }
        let is_replay = told.iter().any(|told| told.status == 400);
        if let ([winner], true) = (winners.as_slice(), is_replay) {
            self.truth.dead(&self.user.client, &winner.token);
        }
    }

    /// Two rotations of one token give one successor. Half of the grants are revoked then.
    async fn rotate(&mut self, token: &str) {
        let was_disabled = self.truth.is_disabled(self.account);
        let told = self.race(self.user.refresh(token)).await;
        let mut winners = told.iter().filter(|told| told.status == 200);
        let Some(winner) = winners.next() else {
            self.truth.failed();
            return;
        };
        if was_disabled {
            self.truth.served_disabled("a refresh");
        }
        if winners.any(|other| other.token != winner.token) {
            self.truth.forked(token);
        }
        if self.random.below(2) == 0 {
            let server = self.random.below(2);
            let told = self.ask(server, self.user.revoke(&winner.token)).await;
            if told.status == 200 {
                self.truth.dead(&self.user.client, &winner.token);
            }
        } else {
            self.truth.alive(&self.user.client, &winner.token);
        }
    }

    /// After everything: no revoked grant is alive, and every other one is, unless its account was
    /// disabled.
    pub(super) async fn check(&self) -> Outcome<()> {
        let (dead, alive) = self.truth.tokens_of(&self.user.client);
        for (number, token) in dead.iter().enumerate() {
            if self.refreshed(number % 2, token).await? {
                self.truth.revoked_is_alive(token);
            }
        }
        let is_disabled = self.truth.is_disabled(self.account);
        for (number, token) in alive.iter().enumerate() {
            match (self.refreshed(number % 2, token).await?, is_disabled) {
                (true, true) => self.truth.served_disabled("a refresh at the end"),
                (false, false) => self.truth.lost(token),
                (true, false) | (false, true) => {}
            }
        }
        Ok(())
    }

    /// Whether a token still gets a successor.
    async fn refreshed(&self, server: usize, token: &str) -> Outcome<bool> {
        for _ in 0..TRIES {
            match self.ask(server, self.user.refresh(token)).await.status {
                200 => return Ok(true),
                400..=499 => return Ok(false),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        Err("the servers do not answer at the end".to_owned())
    }
}
