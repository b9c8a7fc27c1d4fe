//! The floors: the least that the parts of an answer cost, each by itself.

mod bare;
mod signature;
mod trips;

pub(crate) use bare::{Bare, serve};
pub(crate) use signature::sign;
pub(crate) use trips::Trips;
