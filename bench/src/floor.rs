//! The floors: the minimum cost of the parts of a request, each alone.

mod bare;
mod official;
mod signature;
mod tools;
mod trips;

pub(crate) use bare::{Bare, EVENTS, MCP, serve};
pub(crate) use official::{Official, calls};
pub(crate) use signature::{sign, sign_as};
pub(crate) use trips::Trips;
