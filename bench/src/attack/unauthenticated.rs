//! The processor time of single unauthenticated requests, without rate limits.

use std::time::Duration;

use super::{Target, signatures};
use crate::{Outcome, process, wire::Wire};

const TIMES: u32 = 100;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Prints a table.
pub(crate) async fn run() -> Outcome<()> {
    let target = Target::without_limits()?;
    let (client, (size, count)) = signatures::register(&target).await?;
    let mut wire = Wire::connect(target.server.address()).await?;
    let assertion = signatures::form(&target, &client, size, 0);
    let mut requests = reads(&target, &client);
    requests.extend(posts(&target));
    requests.push((
        format!("assertion, {count} keys of RSA-{}", size * 8),
        target.post("/token", FORM, &assertion),
    ));
    println!("| request | answer | server CPU, ms |\n|---|---|---|");
    for (name, request) in requests {
        let before = process::cpu(target.server.id());
        let mut status = 0;
        for _ in 0..TIMES {
            status = wire.send(&request).await?.status;
        }
        let each: Duration = process::cpu(target.server.id()).saturating_sub(before) / TIMES;
        println!("| {name} | {status} | {:.2} |", each.as_secs_f64() * 1000.0);
    }
    Ok(())
}

/// Requests without a body, each with its name.
fn reads(target: &Target, client: &str) -> Vec<(String, Vec<u8>)> {
    let authorize = format!(
        "/authorize?response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fa.example%2Fcb&code_challenge_method=S256&code_challenge={}&state={}",
        testkit::oauth_client::CHALLENGE,
        "s".repeat(2000)
    );
    [
        ("metadata", "/.well-known/oauth-authorization-server"),
        ("sign-in page", "/login"),
        ("authorization request", &authorize),
        ("readiness", "/health/ready"),
    ]
    .map(|(name, path)| (name.to_owned(), target.get(path)))
    .into()
}

/// Requests with a body, each with its name.
fn posts(target: &Target) -> Vec<(String, Vec<u8>)> {
    let words = "a+".repeat(30_000);
    let usual = r#"{"redirect_uris":["https://a.example/cb"]}"#;
    let large = format!(r#"{{"redirect_uris":["{}"]}}"#, "x".repeat(60_000));
    let refresh = format!("grant_type=refresh_token&scope={words}");
    let introspection = format!("token={words}");
    [
        ("usual registration", "/register", JSON, usual),
        ("registration of 60 KB", "/register", JSON, &large),
        ("token request of 60 KB", "/token", FORM, &refresh),
        (
            "introspection of 60 KB",
            "/introspect",
            FORM,
            &introspection,
        ),
    ]
    .map(|(name, path, media_type, body)| (name.to_owned(), target.post(path, media_type, body)))
    .into()
}
