//! A reverse proxy for MCP servers that know nothing of authorization (streamable HTTP): tokens are
//! checked, rules are judged on the body, and the rest is passed on as it comes.

mod answer;
mod client;
mod forward;
mod headers;
mod mount;
#[cfg(feature = "stdio")]
mod sessions;
mod stdio_servers;

pub use client::{Upstream, UpstreamFault, UpstreamServer};
pub(crate) use mount::protected;
pub use stdio_servers::StdioServers;
