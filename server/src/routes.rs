//! The endpoints for machines: each handler is extract, call, respond.

pub mod audit;
pub mod authorize;
pub mod health;
pub mod introspect;
pub mod me;
pub mod metadata;
pub mod register;
pub mod revoke;
pub mod token;
