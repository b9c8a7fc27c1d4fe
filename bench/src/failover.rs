//! How long registration fails after a Redis failover that leaves all connections open, and what
//! `/health/ready` answers in that time.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    Outcome, clock, context,
    process::{self, Process},
};

const REGISTRATION: &str = r#"{"client_name":"Failover","redirect_uris":["http://127.0.0.1:1/cb"],"token_endpoint_auth_method":"none"}"#;
/// The maximum time until recovery.
const PATIENCE: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(100);

/// Measures `binary`, and prints one row of Markdown.
pub(crate) fn run(binary: &Path) -> Outcome<()> {
    let folder = tempfile::tempdir().map_err(context("a folder"))?;
    let (old, new) = (redis(folder.path(), "old")?, redis(folder.path(), "new")?);
    command(
        new.address().port(),
        &format!("REPLICAOF 127.0.0.1 {}", old.address().port()),
    )?;
    until(
        || Ok(command(new.address().port(), "INFO replication")?.contains("master_link_status:up")),
        "the replica",
    )?;
    let target = Arc::new(AtomicU16::new(old.address().port()));
    let address = redirect(Arc::clone(&target))?;

    let (port, key) = (process::free_port()?, folder.path().join("sealing.key"));
    let sealed = Command::new(binary)
        .args(["key", "seal"])
        .output()
        .map_err(context("key seal"))?;
    std::fs::write(&key, sealed.stdout).map_err(context("a sealing key"))?;
    let mut server = Command::new(binary);
    server.args([
        "serve",
        "--issuer",
        &format!("http://localhost:{port}"),
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);
    server.args([
        "--store",
        &format!("redis://127.0.0.1:{address}"),
        "--rate-limits",
        "off",
        "--registration-limit",
        "0",
    ]);
    server.arg("--sealing-key").arg(&key);
    let _server = Process::start(server, port, &folder.path().join("server.log"))?;
    until(|| Ok(registers(port) == 201), "the first registration")?;

    // The old primary becomes a replica and keeps its connections; the address now leads to the new
    // one.
    command(new.address().port(), "REPLICAOF NO ONE")?;
    command(
        old.address().port(),
        &format!("REPLICAOF 127.0.0.1 {}", new.address().port()),
    )?;
    target.store(new.address().port(), Ordering::SeqCst);
    let promoted = clock::now();
    let (mut refused, mut ready) = (0, Vec::new());
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
    println!(
        "| failover of Redis | registration works again after {seconds} | refused {refused} times | ready said {} |",
        said.join(", ")
    );
    Ok(())
}

fn redis(folder: &Path, name: &str) -> Outcome<Process> {
    let (port, data) = (process::free_port()?, folder.join(name));
    std::fs::create_dir(&data).map_err(context("a folder"))?;
    let mut server = Command::new("redis-server");
    server
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--appendonly",
            "yes",
            "--save",
            "",
            "--dir",
        ])
        .arg(&data);
    Process::start(server, port, &folder.join(format!("{name}.log")))
}

/// A port that forwards new connections to the target and keeps open ones.
fn redirect(target: Arc<AtomicU16>) -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(context("a port"))?;
    let port = listener.local_addr().map_err(context("a port"))?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) =
                TcpStream::connect((Ipv4Addr::LOCALHOST, target.load(Ordering::SeqCst)))
            else {
                continue;
            };
            let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone())
            else {
                continue;
            };
            thread::spawn(move || pass_on(from_client, server));
            thread::spawn(move || pass_on(from_server, client));
        }
    });
    Ok(port)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn until(done: impl Fn() -> Outcome<bool>, what: &str) -> Outcome<()> {
    let deadline = clock::now() + PATIENCE;
    while !done()? {
        if clock::now() > deadline {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()));
        }
        thread::sleep(TICK);
    }
    Ok(())
}

fn registers(port: u16) -> u16 {
    ask(port, "POST", "/register", REGISTRATION).unwrap_or(0)
}

/// The status of a response of the server.
fn ask(port: u16, method: &str, path: &str, body: &str) -> io::Result<u16> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\ncontent-type: application/json"
    );
    socket
        .write_all(format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The reply of Redis to a command.
fn command(port: u16, words: &str) -> Outcome<String> {
    let asked = || {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.write_all(format!("{words}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok::<_, io::Error>(answer)
    };
    asked().map_err(context(words))
}
