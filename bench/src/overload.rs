//! More load than the server can take: what it still answers, how soon it turns the rest away, whether
//! health checks and documents stay fast, and how soon all is well again.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    task::JoinSet,
    time::{sleep, sleep_until},
};

use testkit::cookies::CookieJar;

use crate::{
    Outcome, clock, context,
    deployment::{Deployment, EMAIL, Engine},
    judged::{Judged, verdict},
    load, process,
    scenario::{Repeat, VirtualUser},
    wire::Wire,
};

/// While authorizations are asked for, the server has one core, and the load generator and Redis have
/// the other: on shared ones the load generator takes so much from the server that it cannot offer
/// more than there is.
const SERVER_CORE: &str = "0";
const OWN_CORE: &str = "1";
const BOTH: &str = "0,1";
/// Connections to measure the capacity, and to exceed it.
const ENOUGH: usize = 64;
const MANY: u32 = 1024;
/// How many times the capacity is offered.
const TIMES: f64 = 3.0;
const DURATION: Duration = Duration::from_secs(5);
/// The interval of requests for health and documents during the load.
const PROBES: Duration = Duration::from_millis(10);
/// How many people sign in at once.
const SIGN_INS: usize = 200;
/// The limits.
const LEAST_SHARE: f64 = 0.5;
const MOST_TO_REFUSE: Duration = Duration::from_millis(100);
const MOST_FOR_HEALTH: Duration = Duration::from_millis(100);
const MOST_TO_RECOVER: Duration = Duration::from_secs(2);
const MOST_FOR_METADATA: Duration = Duration::from_millis(20);
/// Answers in a row, none of them slower than [`USUAL`], are recovery.
const IN_A_ROW: usize = 20;
const USUAL: Duration = Duration::from_millis(50);

/// Prints what a server on each engine does.
///
/// # Errors
/// What could not be measured, or which limits were missed.
pub(crate) fn measure(binary: &Path) -> Outcome<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(context("a thread"))?;
    let mut missed = Vec::new();
    for (engine, name) in [(Engine::File, "Embedded store"), (Engine::Redis, "Redis")] {
        // What it starts inherits its core, and the server has as many threads as cores.
        process::stay_on(OWN_CORE, std::process::id())?;
        let deployment = Deployment::open(engine, binary)?;
        process::stay_on(SERVER_CORE, deployment.server().id())?;
        let mut judged = Judged::default();
        let run = runtime.block_on(run(&deployment, binary, &mut judged));
        run.map_err(|fault| deployment.explain(&fault))?;
        println!("### {name}\n\n{judged}\n");
        missed.extend(judged.missed(name));
    }
    verdict(&missed)
}

async fn run(deployment: &Deployment, binary: &Path, judged: &mut Judged) -> Outcome<()> {
    let (user, form_token) = deployment.furnish(binary).await?;
    let user = deployment.allow_for_good(&user, &form_token).await?;
    let capacity = capacity(deployment, &user).await?;
    let (answers, health) = tokio::join!(
        offer(deployment, &user, capacity * TIMES),
        probe(deployment, user.get("/health/live"), DURATION)
    );
    let answers = answers?;
    let recovery = recovery(deployment, &user).await?;
    let good = answers.good.len();
    let share = rate(good) / capacity;
    let offered = rate(good + answers.refused.len());
    judged.tell(&format!(
        "{capacity:.0} authorizations a second with {ENOUGH} connections; with {MANY}, {offered:.0} a second were asked for, {} answered, {} turned away",
        good,
        answers.refused.len()
    ));
    judged.tell(&format!(
        "{:.1} times the capacity is offered, {TIMES:.1} wanted; the load generator has the core of Redis",
        offered / capacity
    ));
    judged.judge(
        &format!(
            "{:.0} % of the capacity is answered, wanted ≥ {:.0} %",
            share * 100.0,
            LEAST_SHARE * 100.0
        ),
        share >= LEAST_SHARE,
    );
    judged.within("a refusal, p99", late(answers.refused), MOST_TO_REFUSE);
    judged.within(
        "an answer to a health check, p99",
        late(health?),
        MOST_FOR_HEALTH,
    );
    judged.within(
        "until all is answered soon again",
        recovery,
        MOST_TO_RECOVER,
    );
    process::stay_on(BOTH, deployment.server().id())?;
    process::stay_on(BOTH, std::process::id())?;
    let (signed_in, metadata) = tokio::join!(
        sign_ins(deployment),
        probe(
            deployment,
            user.get("/.well-known/oauth-authorization-server"),
            DURATION
        )
    );
    let SignIns { answered, busy } = signed_in?;
    judged.tell(&format!(
        "{SIGN_INS} people sign in at once, again and again: {answered} were answered, {busy} were asked to wait"
    ));
    judged.within(
        "metadata while passwords wait, p99",
        late(metadata?),
        MOST_FOR_METADATA,
    );
    Ok(())
}

/// Answers a second.
#[expect(clippy::cast_precision_loss, reason = "a few thousand answers")]
fn rate(answers: usize) -> f64 {
    answers as f64 / DURATION.as_secs_f64()
}

/// The time that one in a hundred exceeds.
fn late(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let place = times.len() * 99 / 100;
    times.get(place).copied().unwrap_or_default()
}

/// How many authorizations a second the server answers.
async fn capacity(deployment: &Deployment, user: &VirtualUser) -> Outcome<f64> {
    let again = Repeat {
        request: user.authorize(),
        status: 303,
    };
    let clients = vec![again; ENOUGH];
    let address = deployment.server().address();
    let sample = load::run(address, deployment.meter(), clients, DURATION).await?;
    Ok(sample.rate())
}

/// How long answers took.
#[derive(Default)]
struct Answers {
    good: Vec<Duration>,
    refused: Vec<Duration>,
}

/// Asks for so many authorizations a second, whether or not the earlier ones are answered, as long as
/// there is a free connection.
async fn offer(deployment: &Deployment, user: &VirtualUser, each_second: f64) -> Outcome<Answers> {
    let address = deployment.server().address();
    let pace = Duration::from_secs_f64(f64::from(MANY) / each_second);
    let began = clock::now();
    let mut working = JoinSet::new();
    for number in 0..MANY {
        let wire = Wire::connect(address).await?;
        let first = began + pace * number / MANY;
        working.spawn(ask(wire, user.authorize(), first, pace));
    }
    let mut all = Answers::default();
    while let Some(done) = working.join_next().await {
        let own = done.map_err(context("a client"))??;
        all.good.extend(own.good);
        all.refused.extend(own.refused);
    }
    Ok(all)
}

async fn ask(
    mut wire: Wire,
    request: Vec<u8>,
    mut next: Instant,
    pace: Duration,
) -> Outcome<Answers> {
    let until = next + DURATION;
    let mut answers = Answers::default();
    while clock::now() < until {
        sleep_until(next.into()).await;
        next += pace;
        let sent = clock::now();
        let answer = wire.send(&request).await?;
        let took = clock::now() - sent;
        match answer.status {
            303 => answers.good.push(took),
            503 if answer.headers("retry-after").next().is_some() => answers.refused.push(took),
            _ => return Err(answer.unexpected()),
        }
    }
    Ok(answers)
}

/// How long the answers to a request take that is sent again and again.
async fn probe(
    deployment: &Deployment,
    request: Vec<u8>,
    duration: Duration,
) -> Outcome<Vec<Duration>> {
    let mut wire = Wire::connect(deployment.server().address()).await?;
    let until = clock::now() + duration;
    let mut times = Vec::new();
    while clock::now() < until {
        sleep(PROBES).await;
        let sent = clock::now();
        let answer = wire.send(&request).await?;
        if answer.status != 200 {
            return Err(answer.unexpected());
        }
        times.push(clock::now() - sent);
    }
    Ok(times)
}

/// How long it takes until authorizations are answered soon again, one after the other.
async fn recovery(deployment: &Deployment, user: &VirtualUser) -> Outcome<Duration> {
    let mut wire = Wire::connect(deployment.server().address()).await?;
    let began = clock::now();
    let request = user.authorize();
    let mut since = began;
    let mut in_a_row = 0;
    while in_a_row < IN_A_ROW {
        let sent = clock::now();
        let answer = wire.send(&request).await?;
        let took = clock::now() - sent;
        if answer.status == 303 && took <= USUAL {
            in_a_row += 1;
        } else {
            in_a_row = 0;
            since = clock::now();
        }
        if since - began > 10 * MOST_TO_RECOVER {
            break;
        }
    }
    Ok(since - began)
}

/// How many sign-ins were answered, and how many were told to wait.
#[derive(Default)]
struct SignIns {
    answered: usize,
    busy: usize,
}

/// Many people sign in with a wrong password at once.
async fn sign_ins(deployment: &Deployment) -> Outcome<SignIns> {
    let (visitor, token) = deployment.visitor(&CookieJar::new()).await?;
    let until = clock::now() + DURATION;
    let mut working = JoinSet::new();
    for number in 0..SIGN_INS {
        let wire = Wire::connect(deployment.server().address()).await?;
        let visitor = (visitor.clone(), token.clone());
        working.spawn(guess(wire, visitor, number, until));
    }
    let mut all = SignIns::default();
    while let Some(done) = working.join_next().await {
        let own = done.map_err(context("a client"))??;
        all.answered += own.answered;
        all.busy += own.busy;
    }
    Ok(all)
}

/// Each guess is another one: the same post twice would be answered once.
async fn guess(
    mut wire: Wire,
    (visitor, token): (VirtualUser, String),
    number: usize,
    until: Instant,
) -> Outcome<SignIns> {
    let SignIns {
        mut answered,
        mut busy,
    } = SignIns::default();
    while clock::now() < until {
        let password = format!("guess {number} {answered} {busy}");
        let fields = [
            ("form_token", token.as_str()),
            ("email", EMAIL),
            ("password", &password),
            ("request", ""),
        ];
        let request = visitor.browser_form("/actions/sign_in", &fields);
        let answer = wire.send(&request).await?;
        match answer.status {
            303 => answered += 1,
            429 | 503 => {
                busy += 1;
                sleep(PROBES).await;
            }
            _ => return Err(answer.unexpected()),
        }
    }
    Ok(SignIns { answered, busy })
}
