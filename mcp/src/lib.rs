//! The servers of Vestibule that speak MCP, through `rmcp`: the demonstration, and the bridge to
//! servers that speak stdio. Tokens are checked in front of both.
//!
//! A crate of its own, so that the code of `rmcp`, which is seldom called, is made for size and
//! compiles beside the rest.

#[cfg(feature = "demonstration")]
pub mod demonstration;
#[cfg(feature = "stdio")]
#[expect(
    deprecated,
    reason = "clients of earlier revisions set log levels and subscribe"
)]
pub mod stdio;
