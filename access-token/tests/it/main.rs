//! The crate from outside, as a service that issues or checks tokens uses it.

mod property;
mod support;
mod verify;

#[cfg(feature = "axum")]
mod layer;
#[cfg(feature = "remote")]
mod remote;
mod source;
