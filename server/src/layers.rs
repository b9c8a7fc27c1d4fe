//! The middleware around the handlers.

mod body;
mod browser_context;
mod busy;
mod cors;
mod host;
mod mcp_cors;
mod origin;
mod protect;
mod repeat;
mod request;
mod shed;

pub(crate) use body::{bounded_body, unreadable_is_bad_request};
pub(crate) use browser_context::{browser_context, is_cross_site, see_other_after_post};
pub(crate) use busy::busy;
pub(crate) use cors::{is_preflight, open, open_to_browsers, preflight_answer};
pub(crate) use host::{Hosts, OtherHost, RequireHost, addressed_host, at_the_issuer, marked};
pub(crate) use mcp_cors::{mcp_preflight, open_mcp};
pub(crate) use origin::same_origin_posts;
pub(crate) use protect::{Protection, protect};
pub(crate) use repeat::repeated_posts;
pub(crate) use request::{watch, watch_pages};
pub(crate) use shed::shed;
