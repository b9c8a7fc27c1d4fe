//! Where this crate's random numbers come from. What guards anything is made by the provider's
//! entropy.

use provider::Environment;

/// 32 random bytes.
pub(crate) fn secret() -> [u8; 32] {
    Environment::system().entropy.bytes()
}

/// A number that is unlike others, for log lines and the names of temporary files.
#[expect(
    clippy::disallowed_methods,
    reason = "a label guards nothing and decides nothing"
)]
pub(crate) fn label() -> u64 {
    rand::random()
}
