//! A bare axum route and a real MCP server in a separate process, on the same kind of runtime as the
//! server.

use std::{net::Ipv4Addr, process::Command};

use axum::{
    Router,
    body::Body,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::tools;
use crate::{
    Outcome, context,
    process::{self, Process},
    scenario::{self, Repeat, VirtualUser},
};

const DOCUMENT: &str = "/document";
const ANSWER: &str = "/answer";
/// An event stream that stays open.
pub(crate) const EVENTS: &str = "/events";
/// The MCP server.
pub(crate) const MCP: &str = "/mcp";
/// Bytes of a refresh token.
const REFRESH_TOKEN: usize = 134;

/// The running process.
pub(crate) struct Bare {
    pub(crate) process: Process,
    user: VirtualUser,
    _folder: TempDir,
}

impl Bare {
    /// Starts this program as a server with bodies of the same size as the real ones.
    pub(crate) fn start(user: &VirtualUser, document: usize, answer: usize) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let port = process::free_port()?;
        let program = std::env::current_exe().map_err(context("this program"))?;
        let mut command = Command::new(program);
        command
            .arg("bare")
            .args([usize::from(port), document, answer].map(|number| number.to_string()));
        let process = Process::start(command, port, &folder.path().join("bare.log"))?;
        Ok(Self {
            process,
            user: user.clone(),
            _folder: folder,
        })
    }

    /// A request for the document.
    pub(crate) fn get(&self) -> Repeat {
        Repeat {
            request: self.user.get(DOCUMENT),
            status: 200,
        }
    }

    /// A call of a tool of the MCP server, as a client sends it.
    pub(crate) fn call(&self) -> Repeat {
        let host = self.process.address().to_string();
        Repeat {
            request: scenario::call(&host, MCP, "token", None),
            status: 200,
        }
    }

    /// A form post of the same size as a real one.
    pub(crate) fn post(&self) -> Repeat {
        let real = self.user.refresh(&"x".repeat(REFRESH_TOKEN));
        let request = String::from_utf8_lossy(&real).replacen("/token", ANSWER, 1);
        Repeat {
            request: request.into_bytes(),
            status: 200,
        }
    }
}

/// Serves until the process is killed.
pub(crate) async fn serve(port: u16, document: usize, answer: usize) -> Outcome<()> {
    let document = body(document);
    let answer = body(answer);
    let json = |body: Bytes| ([(CONTENT_TYPE, "application/json")], body);
    let router = Router::new()
        .route(
            DOCUMENT,
            get(move || std::future::ready(json(document.clone()))),
        )
        .route(
            ANSWER,
            post(move |_form: Bytes| std::future::ready(json(answer.clone()))),
        )
        .route(EVENTS, get(async || events()))
        .route_service(MCP, tools::service());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(context("listening"))?;
    // An event stream is written in parts, which would wait for each other.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router)
        .await
        .map_err(context("serving"))
}

/// An event stream that says one thing and stays open.
fn events() -> Response {
    let first = futures_util::stream::iter([Ok::<_, std::convert::Infallible>("data: x\n\n")]);
    let events = first.chain(futures_util::stream::pending());
    (
        [(CONTENT_TYPE, "text/event-stream")],
        Body::from_stream(events),
    )
        .into_response()
}

fn body(length: usize) -> Bytes {
    vec![b'x'; length].into()
}
