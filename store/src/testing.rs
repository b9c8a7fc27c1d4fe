//! For the tests of whoever builds on a store: a Redis server of their own, and a store that fails on purpose.

mod breakable;
mod redis_server;

pub use breakable::{Breakable, Switch};
pub use redis_server::RedisServer;
