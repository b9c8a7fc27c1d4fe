//! For the tests of whoever builds on a store: a Redis server of their own, an address that leads
//! to another one from some moment on, and a store that fails on purpose.

mod breakable;
mod redirect;
mod redis_server;

pub use breakable::{Breakable, FaultSwitch};
pub use redirect::Redirect;
pub use redis_server::RedisServer;
