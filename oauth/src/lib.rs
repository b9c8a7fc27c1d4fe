//! The rules of Vestibule: every decision of the authorization server as a pure function.
//!
//! Nothing here does input or output, reads a clock or draws a random number. What was stored, what
//! was asked, what time it is and fresh secrets are arguments; what comes back is the next state
//! and the answer. This is the part to audit line by line, and each module names the RFC sections
//! and requirement ids it answers to.

pub mod authorize;
pub mod client;
pub mod consent;
pub mod endpoint;
pub mod epoch;
pub mod error;
pub mod grant;
pub mod issuer;
pub mod parameters;
pub mod pkce;
pub mod prompt;
pub mod redirect;
pub mod resource;
mod resource_indicator;
pub mod scope;
pub mod token;

pub use error::{ErrorCode, ProtocolError};
pub use issuer::Issuer;
pub use parameters::Parameters;
/// The types of the signatures of this crate.
pub use primitives::{Digest, Id, Secret, Timestamp};
