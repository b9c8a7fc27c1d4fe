//! The token, revocation and introspection endpoints.

mod exchange;
mod inspection;

pub use exchange::TokenEndpoint;
