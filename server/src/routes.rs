//! The endpoints for machines: each handler is extract, call, respond.

pub mod authorize;
pub mod health;
pub mod me;
pub mod metadata;
pub mod register;
pub mod token;
