//! An MCP server that people run: the official TypeScript SDK with sessions and event streams, in a
//! process of its own.

use std::process::Command;

use tempfile::TempDir;

use super::MCP;
use crate::{
    Outcome, context,
    process::{self, PACKAGES, Process},
    scenario::{self, Repeat, SESSION},
    wire::Wire,
};

const PROGRAM: &str = "support/measured.ts";

/// The running process.
pub(crate) struct Official {
    pub(crate) process: Process,
    _folder: TempDir,
}

impl Official {
    /// Starts it with the Node.js of its packages, or that of the system.
    ///
    /// # Errors
    /// When it does not start: it is part of the measurement.
    pub(crate) fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let port = process::free_port()?;
        let mut command = Command::new(process::node());
        command
            .args(["--import", "tsx", PROGRAM, &port.to_string()])
            .env("NODE_ENV", "production")
            .current_dir(PACKAGES);
        let process = Process::start(command, port, &folder.path().join("official.log"));
        let process = process.map_err(context(
            "the MCP server of the official SDK, whose packages scripts/setup-libraries installs",
        ))?;
        Ok(Self {
            process,
            _folder: folder,
        })
    }

    /// Begins as many sessions.
    pub(crate) async fn sessions(&self, count: usize) -> Outcome<Vec<String>> {
        let address = self.process.address();
        let mut wire = Wire::connect(address).await?;
        let mut sessions = Vec::new();
        while sessions.len() < count {
            let begin = scenario::initialize(&address.to_string(), MCP);
            let answer = wire.send(&begin).await?;
            let session = answer.headers(SESSION).next();
            sessions.push(session.ok_or_else(|| answer.unexpected())?.to_owned());
        }
        Ok(sessions)
    }

    /// A call of a tool in each session, without a proxy.
    pub(crate) fn calls(&self, sessions: &[String]) -> Vec<Repeat> {
        let host = self.process.address().to_string();
        calls(&host, "token", sessions)
    }
}

/// A call of a tool in each session, at `host`.
pub(crate) fn calls(host: &str, token: &str, sessions: &[String]) -> Vec<Repeat> {
    let call = |session: &String| Repeat {
        request: scenario::call(host, MCP, token, Some(session)),
        status: 200,
    };
    sessions.iter().map(call).collect()
}
