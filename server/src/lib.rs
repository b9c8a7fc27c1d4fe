//! The HTTP server of Vestibule, and everything of the command `vestibule` that can be tested
//! without a terminal.
//!
//! Start at [`router`], which is the whole surface; [`config`] says what can be set,
//! [`control`] is how a command reaches the running server.

pub mod brand;
pub mod commands;
mod config;
mod control;
#[cfg(feature = "demonstration")]
mod demonstration;
pub mod endpoints;
mod extract;
mod files;
mod guards;
mod layers;
mod listen;
mod liveness;
mod log_throttle;
mod open;
pub mod overload;
mod problem;
pub mod proxies;
mod random;
mod respond;
mod reverse_proxy;
mod router;
mod routes;
mod sealing;
pub mod site;
mod swap;
mod time;
mod told;
mod user_agent;

pub use guards::Guards;
pub use reverse_proxy::{StdioServers, Upstream, UpstreamFault, UpstreamServer};
pub use router::{Options, router};
