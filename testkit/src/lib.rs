//! What the tests of all crates and the benchmark share: one clock, one set of wrapping engines, and
//! servers of other programs. No binary holds it.
//!
//! The lower part depends on `store` alone, so that the tests of `store` compile nothing above it.
//! The features bring the rest.

#[cfg(feature = "provider")]
mod clock;
pub mod engines;
mod race;
mod redirect;
mod redis_server;
#[cfg(feature = "site")]
mod site;

#[cfg(feature = "provider")]
pub use clock::TestClock;
pub use engines::{Fault, FaultPlan, FaultSwitch, Recorder, StallSwitch};
pub use race::race;
pub use redirect::Redirect;
pub use redis_server::RedisServer;
#[cfg(feature = "site")]
pub use site::{Reply, Site};
