//! What each server does, and how its answers are checked.

use std::{path::Path, time::Duration};

use super::server::Server;
use crate::{
    Outcome,
    deployment::web_metadata,
    load::{self, Sample, Scenario},
    scenario::{Flow, TokenPool, VirtualUser},
    wire::{Answer, METADATA, Wire},
};

/// The kinds of work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    Metadata,
    Registration,
    Refresh,
    Flow,
}

impl Work {
    pub(super) const ALL: [Self; 4] = [
        Self::Metadata,
        Self::Registration,
        Self::Refresh,
        Self::Flow,
    ];

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Registration => "registration",
            Self::Refresh => "refresh rotation",
            Self::Flow => "code flow with a remembered consent (2 requests)",
        }
    }
}

/// A server with a user, a client and refresh tokens.
pub(super) struct Worker {
    pub(super) server: Server,
    user: VirtualUser,
    document: String,
    tokens: TokenPool,
}

impl Worker {
    pub(super) async fn prepare(server: Server, binary: &Path, grants: usize) -> Outcome<Self> {
        let user = server.user(binary).await?;
        let mut wire = Wire::connect(server.process().address()).await?;
        let document = wire.send(&user.get(METADATA)).await?.text().to_owned();
        let tokens = TokenPool::default();
        for _ in 0..grants {
            let authorized = wire.send(&user.authorize()).await?;
            let code = user.code_of(&authorized)?.to_owned();
            let answer = wire.send(&user.exchange(&code)).await?;
            tokens.put(answer.member("refresh_token")?.to_owned());
        }
        Ok(Self {
            server,
            user,
            document,
            tokens,
        })
    }

    /// Does one kind of work for `duration`.
    pub(super) async fn turn(
        &self,
        work: Work,
        clients: usize,
        duration: Duration,
    ) -> Outcome<Sample> {
        match work {
            Work::Metadata => {
                let reading = Reading {
                    request: self.user.get(METADATA),
                    document: self.document.clone(),
                };
                self.load(&reading, clients, duration).await
            }
            Work::Registration => {
                let registering = Registering {
                    request: self.user.register(&web_metadata()),
                    last: String::new(),
                };
                self.load(&registering, clients, duration).await
            }
            Work::Refresh => {
                let rotating = Rotating {
                    user: self.user.clone(),
                    tokens: self.tokens.clone(),
                    sent: String::new(),
                };
                self.load(&rotating, clients, duration).await
            }
            Work::Flow => {
                let flow = Flow {
                    user: self.user.clone(),
                    code: None,
                };
                let mut sample = self.load(&flow, clients, duration).await?;
                sample.requests /= 2;
                Ok(sample)
            }
        }
    }

    async fn load<S: Scenario + Clone>(
        &self,
        scenario: &S,
        clients: usize,
        duration: Duration,
    ) -> Outcome<Sample> {
        let address = self.server.process().address();
        let scenarios = vec![scenario.clone(); clients];
        load::run(address, self.server.meter(), scenarios, duration).await
    }
}

/// A client that reads the metadata, which stay the same.
#[derive(Clone)]
struct Reading {
    request: Vec<u8>,
    document: String,
}

impl Scenario for Reading {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        request.clone_from(&self.request);
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let is_right = answer.status == 200 && answer.text() == self.document;
        is_right.then_some(()).ok_or_else(|| answer.unexpected())
    }
}

/// A client that registers again and again, and gets another id each time.
#[derive(Clone)]
struct Registering {
    request: Vec<u8>,
    last: String,
}

impl Scenario for Registering {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        request.clone_from(&self.request);
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let id = answer.member("client_id")?;
        if answer.status != 201 || id.is_empty() || id == self.last {
            return Err(answer.unexpected());
        }
        id.clone_into(&mut self.last);
        Ok(())
    }
}

/// A client that uses the oldest refresh token, and must get another one for it.
#[derive(Clone)]
struct Rotating {
    user: VirtualUser,
    tokens: TokenPool,
    sent: String,
}

impl Scenario for Rotating {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(token) = self.tokens.take() else {
            return false;
        };
        *request = self.user.refresh(&token);
        self.sent = token;
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let next = answer.member("refresh_token")?;
        let access = answer.member("access_token")?;
        if answer.status != 200 || access.is_empty() || next == self.sent {
            return Err(answer.unexpected());
        }
        self.tokens.put(next.to_owned());
        Ok(())
    }
}
