//! Attacks on a separate server, with bounded count and time.
//!
//! The binary is the one in `VESTIBULE_BINARY`, so that another release can be measured in the same
//! way.

pub(crate) mod connections;
pub(crate) mod signatures;
pub(crate) mod unauthenticated;

use std::{process::Command, time::Duration};

use tempfile::TempDir;

use crate::{
    Outcome, clock, context, deployment,
    process::{self, Process},
    wire::Wire,
};

/// How long a response may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server under attack, with the default limits.
pub(crate) struct Target {
    pub(crate) server: Process,
    pub(crate) issuer: String,
    _folder: TempDir,
}

impl Target {
    /// Starts the server, with this maximum number of file descriptors.
    pub(crate) fn start(descriptors: Option<u32>) -> Outcome<Self> {
        Self::start_with(descriptors, "on")
    }

    /// Starts the server without rate limits.
    pub(crate) fn without_limits() -> Outcome<Self> {
        Self::start_with(None, "off")
    }

    fn start_with(descriptors: Option<u32>, rate_limits: &str) -> Outcome<Self> {
        let binary = crate::tested()?;
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let port = process::free_port()?;
        let issuer = format!("http://localhost:{port}");
        let store = format!("file:{}", folder.path().join("data").display());
        let environment = [
            ("VESTIBULE_ISSUER", issuer.clone()),
            ("VESTIBULE_LISTEN", format!("127.0.0.1:{port}")),
            ("VESTIBULE_STORE", store),
            ("VESTIBULE_RATE_LIMITS", rate_limits.to_owned()),
        ];
        let plain = deployment::vestibule(&binary, &environment, &["serve"]);
        let command = match descriptors {
            None => plain,
            Some(most) => limited(&plain, most),
        };
        let server = Process::start(command, port, &folder.path().join("server.log"))?;
        Ok(Self {
            server,
            issuer,
            _folder: folder,
        })
    }

    /// How long a GET takes over a new connection; `None` for a timeout.
    pub(crate) async fn answers(&self, path: &str) -> Option<Duration> {
        let started = clock::now();
        let asking = async {
            let mut wire = Wire::connect(self.server.address()).await?;
            wire.send(&self.get(path)).await.map(|answer| answer.status)
        };
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        matches!(answered, Ok(Ok(200))).then(|| clock::now() - started)
    }

    /// A GET as bytes.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host()).into_bytes()
    }

    /// A POST as bytes.
    pub(crate) fn post(&self, path: &str, content: &str, body: &str) -> Vec<u8> {
        let host = self.host();
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content}\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    }

    fn host(&self) -> &str {
        self.issuer.trim_start_matches("http://")
    }
}

/// The same command in a shell that lowers the limit first.
fn limited(command: &Command, descriptors: u32) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            &format!("ulimit -n {descriptors}; exec \"$0\" \"$@\""),
        ])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Runs an attack.
pub(crate) fn run(attack: impl Future<Output = Outcome<()>>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(context("a thread"))?;
    runtime.block_on(attack)
}

/// A time in milliseconds, or a text for none.
pub(crate) fn milliseconds(time: Option<Duration>) -> String {
    time.map_or_else(
        || "none".to_owned(),
        |time| format!("{:.1}", time.as_secs_f64() * 1000.0),
    )
}
