//! Users and clients that call the provider directly, without HTTP.

mod authenticator;
mod browser;
mod client;
mod test_provider;

pub use authenticator::{Authenticator, settled, with_passkey};
pub use browser::Browser;
pub use client::{ADDRESS, ON_THE_WEB, ON_THIS_COMPUTER, TestClient, Tokens};
pub use test_provider::{
    ADA, BOB, DEVICE, ISSUER, LINK_PAGES, PASSWORD, SEALING_KEY, TestProvider, settings,
};
