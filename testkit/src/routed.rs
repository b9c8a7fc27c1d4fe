//! Browsers and MCP clients that use the real router.

mod browser;
mod client;
mod signer;
mod test_response;
mod test_server;

pub use browser::Browser;
pub use client::{Callback, McpClient, Tokens, register};
pub use signer::{Signer, claims, key_set, unsigned, with_assertion};
pub use test_response::TestResponse;
pub use test_server::{ALICE, ISSUER, MCP, PASSWORD, TestServer, from, request};
