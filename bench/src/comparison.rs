//! A run on one engine: every kind of work and its floors in turns, so that other load on the
//! machine affects all of them equally.

use std::{collections::BTreeMap, path::Path, time::Duration};

use tokio::runtime::{Builder, Runtime};

use crate::{
    Outcome, context,
    deployment::{Deployment, Engine},
    floor::{self, Bare, Trips},
    load::{self, Meter, Sample, Scenario},
    process::{self, Memory},
    scenario::{Allow, Exchange, Flow, Refresh, Repeat, TokenPool, VirtualUser},
    wire::Wire,
};

/// The numbers of concurrent clients: a few, and many.
pub(crate) const CLIENTS: [usize; 2] = [8, 64];
const PREPARING: usize = 64;
const PATIENCE: Duration = Duration::from_mins(5);

/// The extent of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The number of turns of each kind of work for each number of clients, after one warm-up turn.
    pub(crate) rounds: usize,
    /// The duration of a turn.
    pub(crate) duration: Duration,
    /// The number of exchanges in a turn, for which codes are created beforehand.
    pub(crate) codes: usize,
}

/// The kinds of work. The first five are floors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    BareGet,
    BarePost,
    Signature,
    Swap,
    Insert,
    Metadata,
    Registration,
    Exchange,
    Refresh,
    Flow,
    Page,
}

impl Work {
    /// In the order of the turns: each work after its floor.
    pub(crate) const ALL: [Self; 11] = [
        Self::BareGet,
        Self::Metadata,
        Self::BarePost,
        Self::Signature,
        Self::Swap,
        Self::Exchange,
        Self::Refresh,
        Self::Flow,
        Self::Insert,
        Self::Registration,
        Self::Page,
    ];
}

/// A kind of work by its name on the command line.
pub(crate) fn work(name: &str) -> Outcome<Work> {
    match name {
        "metadata" => Ok(Work::Metadata),
        "registration" => Ok(Work::Registration),
        "exchange" => Ok(Work::Exchange),
        "refresh" => Ok(Work::Refresh),
        "flow" => Ok(Work::Flow),
        "page" => Ok(Work::Page),
        other => Err(format!("there is no work called {other}")),
    }
}

/// The results.
pub(crate) struct Findings {
    pub(crate) samples: BTreeMap<(Work, usize), Sample>,
    /// Created codes, each by two requests of a browser.
    pub(crate) codes: Sample,
    pub(crate) idle: Memory,
    pub(crate) end: Memory,
}

/// Measures everything on one engine.
pub(crate) fn run(engine: Engine, binary: &Path, plan: Plan) -> Outcome<Findings> {
    let deployment = Deployment::open(engine, binary)?;
    measure(&deployment, binary, plan).map_err(|fault| deployment.explain(&fault))
}

fn measure(deployment: &Deployment, binary: &Path, plan: Plan) -> Outcome<Findings> {
    let comparison = Comparison::prepare(deployment, binary, plan)?;
    let mut samples = BTreeMap::new();
    for clients in CLIENTS {
        for work in Work::ALL {
            comparison.turn(work, clients)?;
        }
        for round in 1..=plan.rounds {
            eprintln!("    {clients} clients, round {round} of {}", plan.rounds);
            for work in Work::ALL {
                let sample = comparison.turn(work, clients)?;
                let so_far: &mut Sample = samples.entry((work, clients)).or_default();
                *so_far = *so_far + sample;
            }
        }
    }
    Ok(Findings {
        samples,
        codes: comparison.made,
        idle: deployment.idle,
        end: process::memory(deployment.server().id()),
    })
}

/// One kind of work alone, for use with a profiler.
pub(crate) fn alone(engine: Engine, binary: &Path, work: Work, plan: Plan) -> Outcome<Sample> {
    let deployment = Deployment::open(engine, binary)?;
    let comparison = Comparison::prepare(&deployment, binary, plan)?;
    if work == Work::Refresh {
        comparison.turn(Work::Exchange, CLIENTS[0])?;
    }
    eprintln!("    process {} does it now", deployment.server().id());
    (0..plan.rounds)
        .map(|_| comparison.turn(work, CLIENTS[0]))
        .sum()
}

struct Comparison<'a> {
    deployment: &'a Deployment,
    plan: Plan,
    user: VirtualUser,
    /// The same user with a client that needs no page.
    remembered: VirtualUser,
    bare: Bare,
    trips: Trips,
    codes: TokenPool,
    tokens: TokenPool,
    made: Sample,
    /// One thread: the server must be the bottleneck, not the load generator.
    generator: Runtime,
    /// Like the server's runtime.
    workers: Runtime,
}

impl<'a> Comparison<'a> {
    fn prepare(deployment: &'a Deployment, binary: &Path, plan: Plan) -> Outcome<Self> {
        let generator = generator()?;
        let workers = Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(context("threads"))?;
        let (user, form_token) = generator.block_on(deployment.furnish(binary))?;
        let remembered = generator.block_on(deployment.allow_for_good(&user, &form_token))?;
        let codes = TokenPool::default();
        let wanted = plan.codes * (plan.rounds + 1) * CLIENTS.len() + 1;
        let allow = Allow {
            user: user.clone(),
            form_token,
            wanted,
            codes: codes.clone(),
            waiting: None,
        };
        let made = generator.block_on(make_codes(deployment, allow))?;
        let (document, answer) = generator.block_on(lengths(deployment, &user, &codes))?;
        let bare = Bare::start(&user, document, answer)?;
        let trips = workers.block_on(Trips::open(
            &deployment.floor_store(),
            deployment.redis_id(),
            wanted,
        ))?;
        Ok(Self {
            deployment,
            plan,
            user,
            remembered,
            bare,
            trips,
            codes,
            tokens: TokenPool::default(),
            made,
            generator,
            workers,
        })
    }

    /// Measures one turn of one kind of work.
    fn turn(&self, work: Work, clients: usize) -> Outcome<Sample> {
        let duration = self.plan.duration;
        match work {
            Work::BareGet => self.at_bare(&self.bare.get(), clients),
            Work::BarePost => self.at_bare(&self.bare.post(), clients),
            Work::Signature => floor::sign(duration),
            Work::Swap => self.workers.block_on(self.trips.swap(clients, duration)),
            Work::Insert => self.workers.block_on(self.trips.insert(clients, duration)),
            Work::Metadata => self.at_deployment(&metadata(&self.user), clients, duration),
            Work::Page => self.at_deployment(&page(&self.user), clients, duration),
            Work::Registration => {
                self.at_deployment(&Deployment::registration(&self.user), clients, duration)
            }
            Work::Exchange => self.at_deployment(&self.exchange(), clients, PATIENCE),
            Work::Refresh => self.at_deployment(&self.refresh(), clients, duration),
            Work::Flow => self.flow(clients),
        }
    }

    fn exchange(&self) -> Exchange {
        Exchange {
            user: self.user.clone(),
            codes: self.codes.split(self.plan.codes),
            tokens: self.tokens.clone(),
        }
    }

    /// Two requests for each flow.
    fn flow(&self, clients: usize) -> Outcome<Sample> {
        let flow = Flow {
            user: self.remembered.clone(),
            code: None,
        };
        let mut sample = self.at_deployment(&flow, clients, self.plan.duration)?;
        sample.requests /= 2;
        Ok(sample)
    }

    fn refresh(&self) -> Refresh {
        Refresh {
            user: self.user.clone(),
            tokens: self.tokens.clone(),
        }
    }

    fn at_deployment<E: Scenario + Clone>(
        &self,
        scenario: &E,
        clients: usize,
        duration: Duration,
    ) -> Outcome<Sample> {
        let scenarios = vec![scenario.clone(); clients];
        self.generator.block_on(load::run(
            self.deployment.server().address(),
            self.deployment.meter(),
            scenarios,
            duration,
        ))
    }

    fn at_bare(&self, scenario: &Repeat, clients: usize) -> Outcome<Sample> {
        let meter = Meter {
            server: self.bare.process.id(),
            redis: None,
        };
        let scenarios = vec![scenario.clone(); clients];
        self.generator.block_on(load::run(
            self.bare.process.address(),
            meter,
            scenarios,
            self.plan.duration,
        ))
    }
}

/// The runtime of the load generator.
fn generator() -> Outcome<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(context("a thread"))
}

/// Creates the codes, with two requests for each.
async fn make_codes(deployment: &Deployment, allow: Allow) -> Outcome<Sample> {
    eprintln!("    making {} codes", allow.wanted);
    let mut made = load::run(
        deployment.server().address(),
        deployment.meter(),
        vec![allow; PREPARING],
        PATIENCE,
    )
    .await?;
    made.requests /= 2;
    Ok(made)
}

fn metadata(user: &VirtualUser) -> Repeat {
    Repeat {
        request: user.get("/.well-known/oauth-authorization-server"),
        status: 200,
    }
}

/// The largest page of a user.
fn page(user: &VirtualUser) -> Repeat {
    Repeat {
        request: user.get("/account"),
        status: 200,
    }
}

/// The sizes of a metadata document and of a token response.
async fn lengths(
    deployment: &Deployment,
    user: &VirtualUser,
    codes: &TokenPool,
) -> Outcome<(usize, usize)> {
    let mut wire = Wire::connect(deployment.server().address()).await?;
    let document = wire.send(&metadata(user).request).await?.text().len();
    let code = codes.take().ok_or("there are no codes")?;
    let answer = wire.send(&user.exchange(&code)).await?;
    answer.member("access_token")?;
    Ok((document, answer.text().len()))
}
