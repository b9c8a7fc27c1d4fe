//! The attack of abandoned guesses: many wrong passwords from many addresses, where each connection
//! is closed as soon as the guess is sent. During the attack, the owner of an account signs in with
//! a known browser, and another user with a new one.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use testkit::cookies::CookieJar;

use crate::{
    Outcome, clock, context,
    deployment::{Deployment, EMAIL, Engine, PASSWORD},
    process,
    scenario::VirtualUser,
    wire::Wire,
};

const GUESSES: u32 = 4000;
/// Within the limit of each network: 89 guesses, where 100 are allowed.
const ADDRESSES: u32 = 45;
const PACE: Duration = Duration::from_micros(2750);
/// The number of hashes before the attack, to measure the cost of one.
const CALIBRATION: u32 = 10;
/// How often the owner signs in during the attack, and the interval.
const SIGN_INS: u32 = 8;
const BETWEEN: Duration = Duration::from_secs(1);
/// The maximum time for a response, and for the server's work after the attack.
const PATIENCE: Duration = Duration::from_secs(90);
const SECOND: Duration = Duration::from_secs(1);

/// Attacks a server on each engine, and prints a row for each.
pub(crate) fn measure(binary: &Path) -> Outcome<()> {
    print_head();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(context("threads"))?;
    for (engine, name) in [(Engine::File, "embedded"), (Engine::Redis, "Redis")] {
        let deployment = Deployment::open_with(engine, binary, &[("VESTIBULE_RATE_LIMITS", "on")])?;
        let attacked = runtime.block_on(attack(&deployment, binary));
        println!(
            "| {name} {}",
            attacked.map_err(|fault| deployment.explain(&fault))?
        );
    }
    Ok(())
}

fn print_head() {
    println!(
        "| engine | guesses sent | CPU of the server | of it after the attack | hashes (by CPU) | owner in a known browser: longest wait, answers | new browser: longest wait, answers |"
    );
    println!("|---|---|---|---|---|---|---|");
}

async fn attack(deployment: &Deployment, binary: &Path) -> Outcome<String> {
    let (owner, _) = deployment.furnish(binary).await?;
    let mut known = owner.cookies;
    known.retain(|name, _| name.ends_with("-browser"));
    let owner = deployment.visitor(&known).await?;
    let new_browser = deployment.visitor(&CookieJar::new()).await?;
    let unknown = deployment.visitor(&CookieJar::new()).await?;
    let server = deployment.server().id();
    let one = one_hash(deployment, &unknown).await?;
    let before = process::cpu(server);
    let (sent, own, new) = tokio::join!(
        guess(deployment, &unknown),
        signs_in(deployment, from(201), &owner, EMAIL),
        signs_in(deployment, from(202), &new_browser, EMAIL)
    );
    let sent = sent?;
    let during = process::cpu(server);
    rests(server, during).await;
    let whole = process::cpu(server).saturating_sub(before);
    let hashes = whole.as_secs_f64() / one.as_secs_f64();
    let after = process::cpu(server).saturating_sub(during);
    Ok(format!(
        "| {sent} | {:.1} s | {:.1} s | at most {hashes:.0}, {:.0} ms each | {} | {} |",
        whole.as_secs_f64(),
        after.as_secs_f64(),
        one.as_secs_f64() * 1e3,
        own?,
        new?
    ))
}

/// Measures the processor time of one hash.
async fn one_hash(deployment: &Deployment, unknown: &(VirtualUser, String)) -> Outcome<Duration> {
    let server = deployment.server().id();
    let before = process::cpu(server);
    for number in 0..CALIBRATION {
        let email = format!("calibration{number}@example.com");
        sign_in(deployment, from(200), unknown, &email, "a guess").await?;
    }
    Ok(process::cpu(server).saturating_sub(before) / CALIBRATION)
}

/// Waits until the server is idle.
async fn rests(server: u32, mut last: Duration) {
    let end = clock::now() + PATIENCE;
    loop {
        sleep(SECOND).await;
        let now = process::cpu(server);
        if now.saturating_sub(last) < Duration::from_millis(50) || clock::now() > end {
            return;
        }
        last = now;
    }
}

fn from(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 0, 2)) + number)
}

/// Sends the guesses; returns how many were sent.
async fn guess(deployment: &Deployment, (user, token): &(VirtualUser, String)) -> Outcome<u32> {
    let address = deployment.server().address();
    let mut sending = JoinSet::new();
    let mut sent = 0;
    let began = clock::now();
    for number in 0..GUESSES {
        let email = format!("person{number}@example.com");
        let request = form(user, token, &email, "a guess");
        sending.spawn(async move {
            let wire = Wire::connect_from(from(number % ADDRESSES), address).await?;
            wire.abandon(&request).await
        });
        sleep((PACE * number).saturating_sub(clock::now() - began)).await;
        while let Some(done) = sending.try_join_next() {
            sent += u32::from(done.is_ok_and(|outcome| outcome.is_ok()));
        }
    }
    while let Some(done) = sending.join_next().await {
        sent += u32::from(done.is_ok_and(|outcome| outcome.is_ok()));
    }
    Ok(sent)
}

/// Signs in repeatedly; returns the longest wait and the responses.
async fn signs_in(
    deployment: &Deployment,
    from: Ipv4Addr,
    visitor: &(VirtualUser, String),
    email: &str,
) -> Outcome<String> {
    let mut longest = Duration::ZERO;
    let mut answers = Vec::<String>::new();
    for _ in 0..SIGN_INS {
        sleep(BETWEEN).await;
        let began = clock::now();
        let answer = timeout(
            PATIENCE,
            sign_in(deployment, from, visitor, email, PASSWORD),
        )
        .await;
        longest = longest.max(clock::now() - began);
        answers.push(answer.unwrap_or_else(|_| Ok("none".to_owned()))?);
    }
    answers.dedup();
    Ok(format!(
        "{:.2} s, {}",
        longest.as_secs_f64(),
        answers.join(" ")
    ))
}

/// A post of the login form.
fn form(user: &VirtualUser, token: &str, email: &str, password: &str) -> Vec<u8> {
    let fields = [
        ("form_token", token),
        ("email", email),
        ("password", password),
        ("request", ""),
    ];
    user.browser_form("/actions/sign_in", &fields)
}

/// One sign-in; returns its status and redirect.
async fn sign_in(
    deployment: &Deployment,
    from: Ipv4Addr,
    (user, token): &(VirtualUser, String),
    email: &str,
    password: &str,
) -> Outcome<String> {
    let mut wire = Wire::connect_from(from, deployment.server().address()).await?;
    let answer = wire.send(&form(user, token, email, password)).await?;
    Ok(match answer.headers("location").next() {
        Some("/login") => format!("{} (refused)", answer.status),
        Some(_) => format!("{} (signed in)", answer.status),
        None => answer.status.to_string(),
    })
}
