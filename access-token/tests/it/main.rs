//! Tests of the public interface, for issuers and for resources.

mod property;
mod support;
mod verify;

#[cfg(feature = "axum")]
mod jwt;
mod layer;
#[cfg(feature = "remote")]
mod remote;
mod source;
