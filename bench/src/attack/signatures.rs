//! Fifty invalid assertions a second, of a client with the most expensive keys that the server
//! accepts, and their effect on the response times of others.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::task::JoinSet;

use super::{Target, milliseconds};
use crate::{Outcome, clock, process, wire::Wire};

/// Key sizes in bytes of the modulus, and exponents, the most expensive first.
const KEYS: [(usize, &[u8]); 4] = [
    (1024, &[0xFF; 4]),
    (1024, &[1, 0, 1]),
    (512, &[0xFF; 4]),
    (512, &[1, 0, 1]),
];
/// Numbers of keys in a registration, the most first.
const KEY_COUNTS: [usize; 3] = [20, 10, 3];
const PER_SECOND: u32 = 50;
const SECONDS: u32 = 6;
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// Prints one row of a table.
pub(crate) async fn run() -> Outcome<()> {
    let target = Target::start(None)?;
    let (client, key) = register(&target).await?;
    let quiet = latencies(&target, SECONDS).await;
    let before = process::cpu(target.server.id());
    let (attacked, statuses) =
        tokio::join!(latencies(&target, SECONDS), attack(&target, &client, key.0));
    let spent = process::cpu(target.server.id()).saturating_sub(before);
    println!(
        "| keys | metadata, median and worst, ms | under attack | server CPU, s | answers to the attack |\n|---|---|---|---|---|"
    );
    let size = key.0 * 8;
    let count = key.1;
    let quiet = summary(&quiet);
    let attacked = summary(&attacked);
    let spent = spent.as_secs_f64();
    let answers = counts(&statuses);
    println!("| {count} of RSA-{size} | {quiet} | {attacked} | {spent:.2} | {answers} |");
    Ok(())
}

fn counts(statuses: &BTreeMap<u16, u32>) -> String {
    let each = statuses.iter();
    let each: Vec<_> = each
        .map(|(status, count)| format!("{count} × {status}"))
        .collect();
    each.join(", ")
}

/// Registers a client with the most expensive accepted keys; returns its id, and the size and
/// number of its keys.
pub(super) async fn register(target: &Target) -> Outcome<(String, (usize, usize))> {
    let mut wire = Wire::connect(target.server.address()).await?;
    for (size, exponent) in KEYS {
        for count in KEY_COUNTS {
            let keys: Vec<String> = (0..count)
                .map(|number| key(size, exponent, number))
                .collect();
            let body = format!(
                r#"{{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks":{{"keys":[{}]}}}}"#,
                keys.join(",")
            );
            let answer = wire
                .send(&target.post("/register", "application/json", &body))
                .await?;
            if answer.status == 201 {
                return Ok((answer.member("client_id")?.to_owned(), (size, count)));
            }
        }
    }
    Err("no RSA key is accepted".to_owned())
}

/// A key without a key id. No private key is needed: an invalid signature costs the server as much.
fn key(size: usize, exponent: &[u8], number: usize) -> String {
    let mut modulus = vec![0xF1; size];
    modulus[1] = u8::try_from(number).unwrap_or(0);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!(
        r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#,
        encode(&modulus),
        encode(exponent)
    )
}

/// The response times of the metadata, fifty times a second.
async fn latencies(target: &Target, seconds: u32) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..seconds * PER_SECOND {
        times.extend(target.answers(METADATA).await);
        tokio::time::sleep(Duration::from_secs(1) / PER_SECOND).await;
    }
    times.sort_unstable();
    times
}

fn summary(sorted: &[Duration]) -> String {
    format!(
        "{} and {}",
        milliseconds(sorted.get(sorted.len() / 2).copied()),
        milliseconds(sorted.last().copied())
    )
}

/// Sends the assertions, each over a new connection, and counts the responses by status.
async fn attack(target: &Target, client: &str, size: usize) -> BTreeMap<u16, u32> {
    let mut sending = JoinSet::new();
    for number in 0..SECONDS * PER_SECOND {
        let form = form(target, client, size, number);
        let request = target.post("/token", "application/x-www-form-urlencoded", &form);
        let address = target.server.address();
        sending.spawn(async move {
            let mut wire = Wire::connect(address).await.ok()?;
            wire.send(&request).await.ok().map(|answer| answer.status)
        });
        tokio::time::sleep(Duration::from_secs(1) / PER_SECOND).await;
    }
    let mut statuses = BTreeMap::new();
    while let Some(sent) = sending.join_next().await {
        *statuses
            .entry(sent.ok().flatten().unwrap_or(0))
            .or_default() += 1;
    }
    statuses
}

/// A token request with an assertion.
pub(super) fn form(target: &Target, client: &str, size: usize, number: u32) -> String {
    let assertion = assertion(target, client, size, number);
    format!(
        "grant_type=refresh_token&refresh_token=vrt_x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion={assertion}"
    )
}

/// An assertion that is valid except for its signature.
fn assertion(target: &Target, client: &str, size: usize, number: u32) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = format!(
        r#"{{"iss":"{client}","sub":"{client}","aud":"{}","exp":{},"jti":"{number}"}}"#,
        target.issuer,
        clock::unix_seconds() + 60
    );
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"RS256"}"#),
        encode(&claims),
        URL_SAFE_NO_PAD.encode(vec![0x55; size])
    )
}
