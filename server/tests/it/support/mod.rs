//! The actors: a server (the server), browsers of people, and MCP clients.

mod answer;
mod browser;
mod client;
mod engine;
mod html;
mod query;
mod running;
mod signer;
mod test_server;

pub(crate) use answer::Answer;
pub(crate) use browser::Browser;
pub(crate) use client::{
    CALLBACK, Callback, McpClient, Tokens, basic, challenge, native_metadata, register,
};
pub(crate) use engine::Engine;
pub(crate) use html::{Document, Form};
pub(crate) use query::{Bend, Query, percent_encoded};
pub(crate) use running::Running;
pub(crate) use signer::{Signer, claims, key_set, unsigned, with_assertion};
pub(crate) use test_server::{ALICE, ISSUER, MCP, PASSWORD, START, TestServer, from, request};

/// How many race at once where racing is the point.
pub(crate) const RACERS: usize = 64;

/// Makes of each case, a function of an [`Engine`], one test on each engine:
/// `code::expires::on_redis`.
macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => { $(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_memory() {
                super::$case(crate::support::Engine::Memory).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_redis() {
                super::$case(crate::support::Engine::Redis).await;
            }
        }
    )+ };
}
pub(crate) use on_both_engines;
