//! One run on one engine: every kind of work beside its floors, in turns, so that whatever else the
//! machine does meanwhile falls on all of them alike.

use std::{collections::BTreeMap, path::Path, time::Duration};

use tokio::runtime::{Builder, Runtime};

use crate::{
    Outcome, context,
    errand::{Allow, Exchange, Party, Pile, Refresh, Repeat},
    floor::{self, Bare, Trips},
    house::{Engine, House},
    load::{self, Errand, Meter, Sample},
    process::{self, Memory},
    wire::Wire,
};

/// How many clients work at once: a few, and a race.
pub(crate) const CLIENTS: [usize; 2] = [8, 64];
const PREPARING: usize = 64;
const PATIENCE: Duration = Duration::from_mins(5);

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Turns of every kind of work for each number of clients, after one turn to warm up.
    pub(crate) rounds: usize,
    /// How long a turn takes.
    pub(crate) stretch: Duration,
    /// Exchanges in a turn, for which the codes are made beforehand.
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
}

impl Work {
    /// In the order in which they take turns: floor and work side by side.
    pub(crate) const ALL: [Self; 9] = [
        Self::BareGet,
        Self::Metadata,
        Self::BarePost,
        Self::Signature,
        Self::Swap,
        Self::Exchange,
        Self::Refresh,
        Self::Insert,
        Self::Registration,
    ];
}

/// A work by its name on the command line.
pub(crate) fn work(name: &str) -> Outcome<Work> {
    match name {
        "metadata" => Ok(Work::Metadata),
        "registration" => Ok(Work::Registration),
        "exchange" => Ok(Work::Exchange),
        "refresh" => Ok(Work::Refresh),
        other => Err(format!("there is no work called {other}")),
    }
}

/// What came of it.
pub(crate) struct Findings {
    pub(crate) samples: BTreeMap<(Work, usize), Sample>,
    /// Codes made, each by two requests of a person's browser.
    pub(crate) codes: Sample,
    pub(crate) idle: Memory,
    pub(crate) end: Memory,
}

/// Runs everything on one engine.
pub(crate) fn hold(engine: Engine, binary: &Path, plan: Plan) -> Outcome<Findings> {
    let house = House::open(engine, binary)?;
    measure(&house, binary, plan).map_err(|fault| house.explain(&fault))
}

fn measure(house: &House, binary: &Path, plan: Plan) -> Outcome<Findings> {
    let contest = Contest::prepare(house, binary, plan)?;
    let mut samples = BTreeMap::new();
    for clients in CLIENTS {
        for work in Work::ALL {
            contest.turn(work, clients)?;
        }
        for round in 1..=plan.rounds {
            eprintln!("    {clients} clients, round {round} of {}", plan.rounds);
            for work in Work::ALL {
                let sample = contest.turn(work, clients)?;
                let so_far = samples
                    .entry((work, clients))
                    .or_insert_with(Sample::default);
                *so_far = *so_far + sample;
            }
        }
    }
    Ok(Findings {
        samples,
        codes: contest.made,
        idle: house.idle,
        end: process::memory(house.server().id()),
    })
}

/// One kind of work alone, for whoever looks at the server with a profiler meanwhile.
pub(crate) fn alone(engine: Engine, binary: &Path, work: Work, plan: Plan) -> Outcome<Sample> {
    let house = House::open(engine, binary)?;
    let contest = Contest::prepare(&house, binary, plan)?;
    if work == Work::Refresh {
        contest.turn(Work::Exchange, CLIENTS[0])?;
    }
    eprintln!("    process {} does it now", house.server().id());
    (0..plan.rounds)
        .map(|_| contest.turn(work, CLIENTS[0]))
        .sum()
}

struct Contest<'a> {
    house: &'a House,
    plan: Plan,
    party: Party,
    bare: Bare,
    trips: Trips,
    codes: Pile,
    tokens: Pile,
    made: Sample,
    /// One thread: the server is to be the bottleneck, not the load.
    generator: Runtime,
    /// As the server's.
    workers: Runtime,
}

impl<'a> Contest<'a> {
    fn prepare(house: &'a House, binary: &Path, plan: Plan) -> Outcome<Self> {
        let generator = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(context("a thread"))?;
        let workers = Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(context("threads"))?;
        let (party, form_token) = generator.block_on(house.furnish(binary))?;

        let codes = Pile::default();
        let wanted = plan.codes * (plan.rounds + 1) * CLIENTS.len() + 1;
        eprintln!("    making {wanted} codes");
        let allow = Allow {
            party: party.clone(),
            form_token,
            wanted,
            codes: codes.clone(),
            waiting: None,
        };
        let allowing = load::run(
            house.server().address(),
            house.meter(),
            vec![allow; PREPARING],
            PATIENCE,
        );
        let mut made = generator.block_on(allowing)?;
        made.requests /= 2;

        let (document, answer) = generator.block_on(lengths(house, &party, &codes))?;
        let bare = Bare::start(&party, document, answer)?;
        let trips =
            workers.block_on(Trips::open(&house.floor_store(), house.redis_id(), wanted))?;
        Ok(Self {
            house,
            plan,
            party,
            bare,
            trips,
            codes,
            tokens: Pile::default(),
            made,
            generator,
            workers,
        })
    }

    /// One turn of one kind of work.
    fn turn(&self, work: Work, clients: usize) -> Outcome<Sample> {
        let stretch = self.plan.stretch;
        match work {
            Work::BareGet => self.at_bare(&self.bare.get(), clients),
            Work::BarePost => self.at_bare(&self.bare.post(), clients),
            Work::Signature => floor::sign(stretch),
            Work::Swap => self.workers.block_on(self.trips.swap(clients, stretch)),
            Work::Insert => self.workers.block_on(self.trips.insert(clients, stretch)),
            Work::Metadata => self.at_house(&metadata(&self.party), clients, stretch),
            Work::Registration => {
                self.at_house(&House::registration(&self.party), clients, stretch)
            }
            Work::Exchange => {
                let codes = self.codes.split(self.plan.codes);
                let exchange = Exchange {
                    party: self.party.clone(),
                    codes,
                    tokens: self.tokens.clone(),
                };
                self.at_house(&exchange, clients, PATIENCE)
            }
            Work::Refresh => {
                let refresh = Refresh {
                    party: self.party.clone(),
                    tokens: self.tokens.clone(),
                };
                self.at_house(&refresh, clients, stretch)
            }
        }
    }

    fn at_house<E: Errand + Clone>(
        &self,
        errand: &E,
        clients: usize,
        stretch: Duration,
    ) -> Outcome<Sample> {
        let errands = vec![errand.clone(); clients];
        self.generator.block_on(load::run(
            self.house.server().address(),
            self.house.meter(),
            errands,
            stretch,
        ))
    }

    fn at_bare(&self, errand: &Repeat, clients: usize) -> Outcome<Sample> {
        let meter = Meter {
            server: self.bare.process.id(),
            redis: None,
        };
        let errands = vec![errand.clone(); clients];
        self.generator.block_on(load::run(
            self.bare.process.address(),
            meter,
            errands,
            self.plan.stretch,
        ))
    }
}

fn metadata(party: &Party) -> Repeat {
    Repeat {
        request: party.get("/.well-known/oauth-authorization-server"),
        status: 200,
    }
}

/// How long the bodies of a metadata document and of a token response are.
async fn lengths(house: &House, party: &Party, codes: &Pile) -> Outcome<(usize, usize)> {
    let mut wire = Wire::connect(house.server().address()).await?;
    let document = wire.send(&metadata(party).request).await?.text().len();
    let code = codes.take().ok_or("there are no codes")?;
    let answer = wire.send(&party.exchange(&code)).await?;
    answer.member("access_token")?;
    Ok((document, answer.text().len()))
}
