//! The types that all rules share: identifiers, secrets and their digests, time, web addresses, and
//! the form of an enum of faults.
//!
//! Nothing here knows OAuth or accounts, does input or output, reads a clock or draws a random
//! number.

mod faults;
mod id;
mod secret;
mod time;
mod token_format;
pub mod web_address;

pub use id::Id;
pub use secret::{Digest, Secret};
pub use time::Timestamp;
pub use token_format::{JwtType, SigningAlgorithm, TokenFormat};
