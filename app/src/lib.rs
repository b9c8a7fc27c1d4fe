//! The pages of Vestibule.
//!
//! Pages are rendered in the server and whole without script ([`App`], [`shell`], feature `ssr`).
//! Only the passkey buttons run in the browser ([`islands`], feature `hydrate`), since only script
//! reaches its credential API. Both, and plain forms, speak to the server through the functions in
//! [`actions`].

pub mod actions;
pub mod islands;
pub mod model;
pub mod words;

#[cfg(feature = "ssr")]
mod brand;
#[cfg(feature = "ssr")]
mod clean;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
mod document;
#[cfg(feature = "ssr")]
mod handover;
#[cfg(feature = "ssr")]
mod moment;
#[cfg(feature = "ssr")]
mod notice;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod passkeys;
#[cfg(feature = "ssr")]
pub mod problem;

#[cfg(feature = "ssr")]
pub use brand::Brand;
#[cfg(feature = "ssr")]
pub use document::{App, problem_response, render_problem, shell};
#[cfg(feature = "ssr")]
pub use problem::ProblemFacts;
