//! The HTTP voice of Vestibule, and everything of the command `vestibule` that can be tested
//! without a terminal.
//!
//! Start at [`router`], which is the whole surface; [`config`] says what can be set,
//! [`control`] is how a command reaches the running server.

pub mod brand;
pub mod commands;
pub mod config;
pub mod control;
pub mod demonstration;
pub mod endpoints;
pub mod extract;
mod files;
pub mod layers;
pub mod listen;
pub mod liveness;
mod log_throttle;
pub mod open;
pub mod problem;
pub mod proxies;
mod random;
pub mod respond;
mod router;
pub mod routes;
pub mod sealing;
pub mod site;
pub mod swap;
pub mod time;
mod user_agent;

pub use router::{Options, router};
