//! The texts that several pages share, and the types that texts are made of.
//!
//! Every feature has its own texts in its `messages` module. A text that never changes is a
//! constant, one that counts or names something is a function, and one that holds markup is a
//! [`Template`] with named slots, which pages fill with
//! `components::sentence!`. A page that uses a missing
//! text does not compile; a page with a text of its own fails `tests/no_hardcoded_text.rs`.

pub(crate) mod copy;
mod message;
pub(crate) mod passkey;

#[cfg(feature = "ssr")]
pub(crate) mod common;
#[cfg(feature = "ssr")]
mod refusals;
#[cfg(feature = "ssr")]
mod table;
#[cfg(feature = "ssr")]
mod template;
#[cfg(feature = "ssr")]
pub(crate) mod time;

pub use message::{Message, Subject};
#[cfg(feature = "ssr")]
pub(crate) use table::text_table;
#[cfg(feature = "ssr")]
pub(crate) use template::{Piece, Template};
