//! The clients of the authorization server, as pure functions: how they describe themselves, by
//! registration or by a metadata document, how they prove who they are, and the documents by which
//! they find this server.
//!
//! This crate goes around the heart, `oauth`: it may import the heart, and the heart never imports
//! it. Of a client, the heart sees a profile and nothing else ([`client::Client::profile`]). Keys
//! and signatures of clients are read and verified by `jose`. Nothing here does input or output,
//! reads a clock or draws a random number.

pub mod assertion;
pub mod authentication;
pub mod client;
pub mod discovery;
pub mod document;
pub mod error;
pub mod introspection;
mod metadata_object;
pub mod registration;

pub use metadata_object::without_mark;
