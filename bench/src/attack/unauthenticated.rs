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
    println!("| request | answer | server CPU, ms |\n|---|---|---|");
    let assertion = signatures::form(&target, &client, size, 0);
    let authorize = format!(
        "/authorize?response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fa.example%2Fcb&code_challenge_method=S256&code_challenge={}&state={}",
        testkit::oauth_client::CHALLENGE,
        "s".repeat(2000)
    );
    let words = "a+".repeat(30_000);
    for (name, request) in [
        (
            "metadata",
            target.get("/.well-known/oauth-authorization-server"),
        ),
        ("sign-in page", target.get("/login")),
        ("authorization request", target.get(&authorize)),
        (
            "usual registration",
            target.post(
                "/register",
                JSON,
                r#"{"redirect_uris":["https://a.example/cb"]}"#,
            ),
        ),
        (
            "registration of 60 KB",
            target.post(
                "/register",
                JSON,
                &format!(r#"{{"redirect_uris":["{}"]}}"#, "x".repeat(60_000)),
            ),
        ),
        (
            "token request of 60 KB",
            target.post(
                "/token",
                FORM,
                &format!("grant_type=refresh_token&scope={words}"),
            ),
        ),
        (
            "introspection of 60 KB",
            target.post("/introspect", FORM, &format!("token={words}")),
        ),
        (
            &*format!("assertion, {count} keys of RSA-{}", size * 8),
            target.post("/token", FORM, &assertion),
        ),
        ("readiness", target.get("/health/ready")),
    ] {
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
