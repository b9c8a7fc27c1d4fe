//! Shared by the tests of all crates and the benchmark: one clock, one set of wrapping engines, one
//! browser, one client, one authenticator. Not part of any binary.
//!
//! Without features, the crate depends on `store` alone, so that the tests of `store` compile
//! nothing above it. The feature `provider` adds users and clients that call a provider directly,
//! `server` those that send HTTP to the router.

#[cfg(feature = "provider")]
mod clock;
pub mod cookies;
pub mod data_set;
mod deaf;
#[cfg(feature = "provider")]
pub mod direct;
mod engine_kind;
pub mod engines;
mod html;
pub mod oauth_client;
mod query;
mod race;
mod redirect;
mod redis_server;
mod redis_setups;
#[cfg(feature = "server")]
pub mod routed;
mod running;
#[cfg(feature = "site")]
mod site;

#[cfg(feature = "provider")]
pub use clock::TestClock;
pub use deaf::Deaf;
pub use engine_kind::EngineKind;
pub use engines::{Fault, FaultPlan, FaultSwitch, Recorder, StallSwitch};
pub use html::{Document, HtmlForm};
pub use oauth_client::{CALLBACK, OAuthClient, basic, challenge, native_metadata};
pub use query::{Query, QueryChange, percent_encoded};
pub use race::{RACERS, race};
pub use redirect::Redirect;
pub use redis_server::RedisServer;
pub use redis_setups::{RedisCluster, RedisSentinels};
pub use running::Running;
#[cfg(feature = "site")]
pub use site::{Reply, Site};
