//! What happens around every request, whoever handles it.

mod body;
mod browser_context;
mod busy;
mod cors;
mod host;
mod origin;
mod protect;
mod repeat;
mod request;

pub use body::{bounded_body, unreadable_is_bad_request};
pub use browser_context::{browser_context, is_cross_site, see_other_after_post};
pub use busy::busy;
pub use cors::{is_preflight, open, open_to_browsers, preflight_answer};
pub use host::{Hosts, OtherHost, at_the_issuer, marked, require_host};
pub use origin::same_origin_posts;
pub use protect::{Protection, protect};
pub use repeat::repeated_posts;
pub use request::{watch, watch_pages};
