//! The binary with a store file that is damaged or cannot grow: it works, or it exits with a
//! reason. It never accepts requests without storing them.

use std::{
    fs::OpenOptions,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::operator::vestibule;

const TICK: Duration = Duration::from_millis(50);
/// Ticks for one minute, for slow machines.
const TICKS: u32 = 1200;
const PAGE: u64 = 4096;

/// A server over `data` in a folder. It ends with this value.
struct Server {
    process: Child,
    port: u16,
    log: std::path::PathBuf,
}

impl Server {
    /// Starts the server, through `wrapper` if given: the beginning of an `sh` script that ends in
    /// the command.
    fn start(folder: &Path, wrapper: Option<&str>) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let issuer = format!("http://localhost:{port}");
        let listen = format!("127.0.0.1:{port}");
        let arguments = [
            "--issuer",
            &issuer,
            "--listen",
            &listen,
            "--store",
            "file:data",
            "--registration-limit",
            "0",
        ];
        let direct = vestibule(folder, &arguments);
        let mut command = match wrapper {
            None => direct,
            Some(script) => {
                let mut command = vestibule(folder, &[]);
                let program = command.get_program().to_owned();
                command = Command::new("sh");
                command
                    .current_dir(folder)
                    .args(["-c", &format!("{script}; exec \"$0\" \"$@\"")])
                    .arg(program)
                    .args(arguments);
                command
            }
        };
        let log = folder.join("log");
        let file = std::fs::File::create(&log).expect("a log");
        let errors = file.try_clone().expect("a log");
        let process = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .expect("it starts");
        Self { process, port, log }
    }

    /// Waits until the server listens or has exited.
    fn is_listening(&mut self) -> bool {
        for _ in 0..TICKS {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return true;
            }
            if self.ended().is_some() {
                return false;
            }
            sleep(TICK);
        }
        panic!("it neither listens nor exits: {}", self.output());
    }

    /// Whether it exited with success; `None` while it runs.
    fn ended(&mut self) -> Option<bool> {
        self.process
            .try_wait()
            .expect("its state")
            .map(|status| status.success())
    }

    /// The status of a response; `None` without one.
    fn ask(&self, method: &str, path: &str, body: &str) -> Option<u16> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .ok()?;
        let port = self.port;
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n");
        let request = format!(
            "{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).ok()?;
        String::from_utf8_lossy(&answer)
            .split(' ')
            .nth(1)?
            .parse()
            .ok()
    }

    fn register(&self) -> Option<u16> {
        let name = "x".repeat(150);
        let body = format!(
            r#"{{"client_name":"{name}","redirect_uris":["http://127.0.0.1:1/cb"],"token_endpoint_auth_method":"none"}}"#
        );
        self.ask("POST", "/register", &body)
    }

    fn is_ready(&self) -> bool {
        self.ask("GET", "/health/ready", "") == Some(200)
    }

    /// Stops it with SIGTERM.
    fn stop(&mut self) {
        let asked = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        assert!(asked.is_ok_and(|status| status.success()));
        self.process.wait().expect("its end");
    }

    fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Fills a store with some hundred records.
fn filled(folder: &Path) -> Server {
    let mut server = Server::start(folder, None);
    assert!(server.is_listening(), "{}", server.output());
    for _ in 0..200 {
        assert_eq!(server.register(), Some(201), "{}", server.output());
    }
    server
}

/// Damages every `step`th page from `first` on.
fn damage(file: &Path, first: u64, step: u64, offset: u64) {
    let mut file = OpenOptions::new()
        .write(true)
        .open(file)
        .expect("the store");
    let pages = file.metadata().expect("its length").len() / PAGE;
    for page in (first..pages).step_by(usize::try_from(step).expect("a number")) {
        file.seek(SeekFrom::Start(page * PAGE + offset))
            .expect("a place");
        file.write_all(&[0xa5; 64]).expect("written");
    }
}

#[test]
fn a_server_with_a_damaged_file_works_or_exits() {
    for (what, first, step, offset) in [
        ("the beginnings of all pages", 1, 1, 0),
        ("every second page", 2, 2, 8),
        ("every third page", 3, 3, 100),
        ("late pages", 40, 1, 0),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        filled(folder.path()).stop();
        damage(&folder.path().join("data/store.redb"), first, step, offset);
        let mut server = Server::start(folder.path(), None);
        if server.is_listening() {
            expect_working_or_exited(&mut server, what);
        }
        if let Some(well) = server.ended() {
            assert!(!well, "{what}: it did not end well");
            let output = server.output();
            let starts = ["vestibule: The store", "vestibule: Cannot open the store"];
            assert!(
                starts.iter().any(|start| output.contains(start)),
                "{what}: {output}"
            );
        }
    }
}

/// Expects that the server stores accepted requests, or exits within seconds and is not ready in
/// between.
fn expect_working_or_exited(server: &mut Server, what: &str) {
    for _ in 0..400 {
        if server.ended().is_some() {
            return;
        }
        if server.register() == Some(201) {
            return;
        }
        sleep(TICK);
    }
    panic!("{what}: it goes on and writes nothing: {}", server.output());
}

#[test]
fn a_removed_store_file_is_detected() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = filled(folder.path());
    assert!(server.is_ready());
    std::fs::remove_file(folder.path().join("data/store.redb")).expect("removed");
    sleep(Duration::from_secs(2));
    assert!(!server.is_ready(), "what it writes is lost");
    // Log lines are buffered briefly.
    sleep(Duration::from_secs(1));
    assert!(
        server.output().contains("was removed or replaced"),
        "{}",
        server.output()
    );
}

#[test]
fn a_server_with_a_full_disk_survives_and_is_not_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    // In blocks of 512 bytes. The signal is ignored, since it would end the process.
    let mut server = Server::start(folder.path(), Some("trap '' XFSZ; ulimit -S -f 4096"));
    assert!(server.is_listening(), "{}", server.output());
    let taken = (0..20_000)
        .find(|_| server.register() != Some(201))
        .expect("it is full at last");
    assert!(taken > 100, "{taken}: {}", server.output());
    sleep(Duration::from_secs(1));
    // A small write may still succeed.
    while server.register() == Some(201) {}
    assert_eq!(server.ended(), None, "{}", server.output());
    let lifted = Command::new("prlimit")
        .args([
            "--pid",
            &server.process.id().to_string(),
            "--fsize=unlimited",
        ])
        .status();
    assert!(
        lifted.is_ok_and(|status| status.success()),
        "prlimit (Debian: util-linux)"
    );
    expect_working_or_exited(&mut server, "a file that may grow again");
    assert_eq!(server.ended(), None, "{}", server.output());
    sleep(Duration::from_secs(2));
    assert!(server.is_ready(), "{}", server.output());
}
