//! The floor of one signature.

use std::time::Duration;

use access_token::{JwtRing, JwtSigningKey, KeyRing, TokenFormat, TokenService, TokenSubject};
use time::OffsetDateTime;

use crate::{
    Outcome, clock, context,
    load::{Meter, Sample},
};

/// Issues PASETO tokens for `duration` on all cores: the maximum rate of the server.
pub(crate) fn sign(duration: Duration) -> Outcome<Sample> {
    sign_as(TokenFormat::Paseto, duration)
}

/// The same in another format.
pub(crate) fn sign_as(format: TokenFormat, duration: Duration) -> Outcome<Sample> {
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).map_err(context("a time"))?;
    let service = service(now, format)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);

    let running = Meter::own(None).start();
    let until = running.since + duration;
    let issue = || {
        let mut issued: u32 = 0;
        while clock::now() < until {
            service
                .issue(now, u128::from(issued).to_le_bytes(), subject(), format)
                .map_err(context("a token"))?;
            issued += 1;
        }
        Ok::<u32, String>(issued)
    };
    let issued = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(issue)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread failed".to_owned())?)
            .sum::<Outcome<u32>>()
    })?;
    Ok(running.stop(issued))
}

fn service(now: OffsetDateTime, format: TokenFormat) -> Outcome<TokenService> {
    let mut ring = KeyRing::first(now, &[7; 32]).map_err(context("a key"))?;
    if let Some(algorithm) = format.algorithm() {
        let key = || JwtSigningKey::generate(algorithm).map_err(context("a key"));
        ring = ring.with_jwt(JwtRing::first(key()?, key()?, now).ok_or("two keys")?);
    }
    let issuer = "http://localhost:3000".to_owned();
    Ok(TokenService::new(issuer, time::Duration::HOUR, ring))
}

/// A subject of the same size as a real one.
fn subject() -> TokenSubject {
    TokenSubject {
        sub: "acct_AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        aud: "http://localhost:3000/mcp".to_owned(),
        client_id: "vc_AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        device_id: "vc_AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        scope: "notes:read notes:write".to_owned(),
        grant: Some("AAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        email: None,
        name: None,
    }
}
