//! Everything a person may read on our pages, by page: the one place that another language would
//! have to say anew.
//!
//! What never changes is a constant, what counts or names something is a function, and what holds
//! markup is a [`Template`] with named slots, which pages fill with [`sentence!`]. A page that asks
//! for words that are not here does not compile; a page that brings its own fails the test at the
//! end.

mod message;
pub(crate) mod passkey;

#[cfg(feature = "ssr")]
pub(crate) mod account;
#[cfg(feature = "ssr")]
pub(crate) mod activity;
#[cfg(feature = "ssr")]
pub(crate) mod admin;
#[cfg(feature = "ssr")]
pub(crate) mod common;
#[cfg(feature = "ssr")]
pub(crate) mod confirm;
#[cfg(feature = "ssr")]
pub(crate) mod connections;
#[cfg(feature = "ssr")]
pub(crate) mod consent;
#[cfg(feature = "ssr")]
pub(crate) mod invitation;
#[cfg(feature = "ssr")]
pub(crate) mod login;
#[cfg(feature = "ssr")]
pub(crate) mod offer;
#[cfg(feature = "ssr")]
pub(crate) mod problem;
#[cfg(feature = "ssr")]
pub(crate) mod recovery;
#[cfg(feature = "ssr")]
mod refusals;
#[cfg(feature = "ssr")]
pub(crate) mod sessions;
#[cfg(feature = "ssr")]
pub(crate) mod sign_up;
#[cfg(feature = "ssr")]
mod template;
#[cfg(feature = "ssr")]
pub(crate) mod time;

#[cfg(test)]
mod strays;

pub use message::{Message, Subject};
#[cfg(feature = "ssr")]
pub(crate) use template::{Piece, Template, sentence};
