//! A reverse proxy for MCP servers that know nothing of authorization (streamable HTTP): tokens are
//! checked, rules are judged on the body, and the rest is passed on as it comes.

mod answer;
mod client;
mod forward;
mod headers;
mod mount;

pub use client::{Upstream, UpstreamFault};
pub(crate) use mount::protected;
