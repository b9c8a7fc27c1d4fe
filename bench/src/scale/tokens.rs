//! The token endpoint over a full and an empty store, in turns.

use std::{path::Path, time::Duration};

use testkit::data_set::DataSet;

use crate::{
    Outcome,
    deployment::Deployment,
    load::{self, Sample, Scenario},
    scenario::{Exchange, TokenPool, VirtualUser},
    wire::Answer,
};

const CLIENTS: usize = 8;
const ROUNDS: usize = 6;
const EACH: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_mins(5);
/// The number of grants that are refreshed, at the most.
const GRANTS: u64 = 5000;
/// The number of exchanges in a turn.
const CODES: usize = 1500;

/// A server whose token endpoint is used.
pub(super) struct Tokens<'a> {
    deployment: &'a Deployment,
    user: VirtualUser,
    /// Clients and refresh tokens.
    refreshing: TokenPool,
}

impl<'a> Tokens<'a> {
    /// Without refresh tokens.
    pub(super) async fn prepare(deployment: &'a Deployment, binary: &Path) -> Outcome<Self> {
        let (user, form_token) = deployment.furnish(binary).await?;
        let user = deployment.allow_for_good(&user, &form_token).await?;
        Ok(Self {
            deployment,
            user,
            refreshing: TokenPool::default(),
        })
    }

    /// Refreshes grants all over `set`.
    pub(super) fn of(self, set: &DataSet) -> Self {
        let step = set.count().div_ceil(GRANTS).max(1);
        for number in (0..set.count()).step_by(usize::try_from(step).unwrap_or(1)) {
            let client = DataSet::client_id(number);
            let token = DataSet::refresh_token(number);
            self.refreshing.put(format!("{client} {token}"));
        }
        self
    }

    /// Refreshes as many new grants.
    pub(super) async fn of_new_grants(self, set: &DataSet) -> Outcome<Self> {
        let count = usize::try_from(set.count().min(GRANTS)).unwrap_or(usize::MAX);
        let exchanged = self.exchange(count).await?;
        let client = &self.user.client;
        while let Some(token) = exchanged.tokens.take() {
            self.refreshing.put(format!("{client} {token}"));
        }
        Ok(self)
    }

    /// Makes codes, and exchanges them, which is measured.
    async fn exchange(&self, wanted: usize) -> Outcome<Exchanged> {
        let authorizing = Authorizing {
            user: self.user.clone(),
            wanted,
            codes: TokenPool::default(),
        };
        let codes = authorizing.codes.clone();
        self.load(authorizing, PATIENCE).await?;
        let tokens = TokenPool::default();
        let exchange = Exchange {
            user: self.user.clone(),
            codes,
            tokens: tokens.clone(),
        };
        let sample = self.load(exchange, PATIENCE).await?;
        Ok(Exchanged { sample, tokens })
    }

    async fn refresh(&self) -> Outcome<Sample> {
        let refreshing = Refreshing {
            user: self.user.clone(),
            pool: self.refreshing.clone(),
        };
        self.load(refreshing, EACH).await
    }

    async fn load<S: Scenario + Clone>(&self, scenario: S, duration: Duration) -> Outcome<Sample> {
        let address = self.deployment.server().address();
        let clients = vec![scenario; CLIENTS];
        load::run(address, self.deployment.meter(), clients, duration).await
    }
}

/// What exchanges cost, and the refresh tokens that they gave.
struct Exchanged {
    sample: Sample,
    tokens: TokenPool,
}

/// Both servers.
pub(super) struct Pair<'a> {
    pub(super) full: Tokens<'a>,
    pub(super) empty: Tokens<'a>,
}

/// What a work costs both.
#[derive(Clone, Copy, Default)]
pub(super) struct Line {
    pub(super) full: Sample,
    pub(super) empty: Sample,
}

/// What all work costs both.
#[derive(Clone, Copy, Default)]
pub(super) struct Lines {
    pub(super) refresh: Line,
    pub(super) exchange: Line,
}

impl Pair<'_> {
    /// The first turn does not count.
    pub(super) async fn measure(&self) -> Outcome<Lines> {
        let mut lines = Lines::default();
        for round in 0..=ROUNDS {
            let refresh = Line {
                full: self.full.refresh().await?,
                empty: self.empty.refresh().await?,
            };
            let exchange = Line {
                full: self.full.exchange(CODES).await?.sample,
                empty: self.empty.exchange(CODES).await?.sample,
            };
            if round > 0 {
                lines = Lines {
                    refresh: lines.refresh.and(refresh),
                    exchange: lines.exchange.and(exchange),
                };
            }
        }
        Ok(lines)
    }
}

impl Line {
    fn and(self, other: Self) -> Self {
        Self {
            full: self.full + other.full,
            empty: self.empty + other.empty,
        }
    }
}

/// A user whose consent is remembered, and who gets codes.
#[derive(Clone)]
struct Authorizing {
    user: VirtualUser,
    wanted: usize,
    codes: TokenPool,
}

impl Scenario for Authorizing {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        *request = self.user.authorize();
        self.codes.len() < self.wanted
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        self.codes.put(self.user.code_of(answer)?.to_owned());
        Ok(())
    }
}

/// Clients of which each uses its refresh token, and gets the next one.
#[derive(Clone)]
struct Refreshing {
    user: VirtualUser,
    /// Clients and their tokens.
    pool: TokenPool,
}

impl Scenario for Refreshing {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(pair) = self.pool.take() else {
            return false;
        };
        let Some((client, token)) = pair.split_once(' ') else {
            return false;
        };
        client.clone_into(&mut self.user.client);
        *request = self.user.refresh(token);
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let token = answer.member("refresh_token")?;
        self.pool.put(format!("{} {token}", self.user.client));
        Ok(())
    }
}
