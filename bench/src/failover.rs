//! How long registration fails after a Redis failover that leaves all connections open, and what
//! `/health/ready` answers in that time.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use testkit::{Redirect, RedisServer};

use crate::{
    Outcome, clock, context,
    deployment::sealing_key,
    process::{self, Process},
};

const REGISTRATION: &str = r#"{"client_name":"Failover","redirect_uris":["http://127.0.0.1:1/cb"],"token_endpoint_auth_method":"none"}"#;
/// The maximum time until recovery.
const PATIENCE: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(100);

/// Measures `binary`, and prints one row of Markdown.
pub(crate) fn run(binary: &Path) -> Outcome<()> {
    let folder = tempfile::tempdir().map_err(context("a folder"))?;
    let pair = Pair::start()?;
    let port = process::free_port()?;
    let server = vestibule(binary, port, &pair.address.url(), folder.path())?;
    let _server = Process::start(server, port, &folder.path().join("server.log"))?;
    until(|| registers(port) == 201, "the first registration")?;
    pair.fail_over();
    println!("{}", recovery(port));
    Ok(())
}

/// A Redis server, its replica, and an address that leads to one of them.
struct Pair {
    old: RedisServer,
    new: RedisServer,
    address: Redirect,
}

impl Pair {
    fn start() -> Outcome<Self> {
        let (old, new) = (RedisServer::start(), RedisServer::start());
        new.command(&format!("REPLICAOF 127.0.0.1 {}", old.port()));
        let is_linked = || {
            let info = new.command("INFO replication");
            info.contains("master_link_status:up")
        };
        until(is_linked, "the replica")?;
        let address = Redirect::to(old.port());
        Ok(Self { old, new, address })
    }

    /// The old primary becomes a replica and keeps its connections; the address now leads to the new
    /// one.
    fn fail_over(&self) {
        let promoted = self.new.port();
        self.new.command("REPLICAOF NO ONE");
        self.old.command(&format!("REPLICAOF 127.0.0.1 {promoted}"));
        self.address.lead_to(promoted);
    }
}

/// The command that starts a server with the Redis at an address.
fn vestibule(binary: &Path, port: u16, redis: &str, folder: &Path) -> Outcome<Command> {
    let key = folder.join("sealing.key");
    std::fs::write(&key, sealing_key(binary)?).map_err(context("a sealing key"))?;
    let mut server = Command::new(binary);
    server
        .args(["serve", "--rate-limits", "off", "--registration-limit", "0"])
        .args(["--issuer", &format!("http://localhost:{port}")])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--store", redis])
        .arg("--sealing-key")
        .arg(&key);
    Ok(server)
}

/// Measures the time until registration works again; returns a row of Markdown.
fn recovery(port: u16) -> String {
    let promoted = clock::now();
    let mut refused = 0;
    let mut ready = Vec::new();
    let seconds = loop {
        let status = registers(port);
        let spent = clock::now().duration_since(promoted);
        ready.push(ask(port, "GET", "/health/ready", "").unwrap_or(0));
        if status == 201 {
            break format!("{:.1} s", spent.as_secs_f64());
        }
        refused += 1;
        if spent > PATIENCE {
            break format!("not within {} s", PATIENCE.as_secs());
        }
        thread::sleep(TICK);
    };
    ready.dedup();
    let said: Vec<_> = ready.iter().map(u16::to_string).collect();
    format!(
        "| failover of Redis | registration works again after {seconds} | refused {refused} times | ready said {} |",
        said.join(", ")
    )
}

fn until(done: impl Fn() -> bool, what: &str) -> Outcome<()> {
    let deadline = clock::now() + PATIENCE;
    while !done() {
        if clock::now() > deadline {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()));
        }
        thread::sleep(TICK);
    }
    Ok(())
}

/// The status of a registration.
pub(crate) fn registers(port: u16) -> u16 {
    ask(port, "POST", "/register", REGISTRATION).unwrap_or(0)
}

/// The status of a response of the server.
fn ask(port: u16, method: &str, path: &str, body: &str) -> io::Result<u16> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    status(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn status(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}
