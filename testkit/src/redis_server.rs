//! A Redis server for one test.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// How often and how many times a starting server is checked: for twenty seconds.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS: u32 = 2000;

/// A `redis-server` on a free port of 127.0.0.1, with its own folder and, by default, an
/// append-only file. It ends with this value, also if the test process is killed.
pub struct RedisServer {
    port: u16,
    folder: TempDir,
    program: String,
    /// Words before the options: the configuration file of a sentinel.
    first: Vec<String>,
    options: Vec<String>,
    /// The line of the log from which on it answers.
    ready: &'static str,
    running: Option<Running>,
}

/// The server's process, and a shell that kills the server when the test process ends: the shell's
/// input is closed then.
struct Running {
    server: Child,
    guard: Child,
}

impl RedisServer {
    /// Starts a server with persistence.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--save", ""])
    }

    /// Starts a server with these command-line options instead of those for persistence.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_program("redis-server", options)
    }

    /// Starts another program with the same options: `valkey-server`, or another version of Redis.
    pub fn start_program(program: &str, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self::begin(program, None, options, "Ready to accept connections")
    }

    /// Starts a sentinel with this configuration file, which it rewrites.
    pub fn start_sentinel(configuration: &str) -> Self {
        let ready = "Sentinel ID is";
        Self::begin("redis-server", Some(configuration), Vec::new(), ready)
    }

    fn begin(
        program: &str,
        configuration: Option<&str>,
        options: Vec<String>,
        ready: &'static str,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder for redis-server");
        let mut first = Vec::new();
        if let Some(text) = configuration {
            let file = folder.path().join("sentinel.conf");
            std::fs::write(&file, text).expect("a configuration file");
            first = vec![file.display().to_string(), "--sentinel".to_owned()];
        }
        let mut server = Self {
            port: 0,
            folder,
            program: program.to_owned(),
            first,
            options,
            ready,
            running: None,
        };
        // Another process may take the free port before the server does.
        for _ in 0..5 {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server does not start:\n{}", server.log());
    }

    /// Its URL: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs `work`, and returns the commands that the server got meanwhile, each with its first
    /// argument. Commands within scripts are not among them.
    pub async fn monitored<T>(&self, work: impl Future<Output = T>) -> (Vec<String>, T) {
        const END: &str = "the end of the monitored work";
        let mut monitor = BufReader::new(self.sent("MONITOR"));
        // Redis reports what it gets after it has said so.
        let mut begun = String::new();
        monitor.read_line(&mut begun).expect("a line");
        let result = work.await;
        let _marker = self.sent(&format!("ECHO \"{END}\""));
        let mut commands = Vec::new();
        let mut line = String::new();
        loop {
            line.clear();
            let read = monitor.read_line(&mut line).expect("a line");
            assert!(read > 0, "the monitor goes on");
            if line.contains(END) {
                return (commands, result);
            }
            if let Some((from, command)) = line.split_once("] ")
                && !from.ends_with("lua")
            {
                commands.push(named(command));
            }
        }
    }

    /// A connection over which one command was sent, with the response to it still to be read.
    fn sent(&self, command: &str) -> TcpStream {
        let mut connection =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a connection");
        let timeout = Some(Duration::from_secs(10));
        connection.set_read_timeout(timeout).expect("a timeout");
        write!(connection, "{command}\r\n").expect("sent");
        connection
    }

    /// Suspends the process (SIGSTOP): its connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Resumes the process (SIGCONT), which then answers the waiting commands.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "redis-server can be sent {signal}"
        );
    }

    /// Lets it write no file beyond its first page, until it is started again: like a full disk, but
    /// without rights to mount one. A process that does not ignore SIGXFSZ is killed by its next write.
    pub fn fill_disk(&self) {
        let id = self.id().to_string();
        let limited = Command::new("prlimit")
            .args(["--pid", &id, "--fsize=4096"])
            .status();
        assert!(
            limited.is_ok_and(|status| status.success()),
            "the files of redis-server can be limited"
        );
    }

    /// Stops it (SIGTERM), so that it saves its data.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let asked = Command::new("kill")
                .arg(running.server.id().to_string())
                .status();
            assert!(
                asked.is_ok_and(|status| status.success()),
                "redis-server can be stopped"
            );
            running.end(false);
        }
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.end(true);
        }
    }

    /// Kills it if it runs, and starts it again on the same port with the same folder.
    pub fn restart(&mut self) {
        self.kill();
        assert!(
            self.launch(),
            "redis-server does not start again:\n{}",
            self.log()
        );
    }

    /// Sends one command, its words separated by spaces, and returns the first value of the reply
    /// (an error with its `-`).
    pub fn command(&self, command: &str) -> String {
        ask(self.port, command).unwrap_or_else(|fault| panic!("{command}: {fault}"))
    }

    /// Starts the process and waits until it is ready; false if it ends or takes too long.
    fn launch(&mut self) -> bool {
        let port = self.port.to_string();
        let folder = self.folder.path();
        let log = File::create(self.log_file()).expect("a log file for redis-server");
        let server = Command::new(&self.program)
            .args(&self.first)
            .args(["--port", &port, "--bind", "127.0.0.1", "--dir"])
            .arg(folder)
            .args(&self.options)
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("its log file"))
            .stdout(log)
            .spawn();
        let missing = |fault| panic!("tests need {} (scripts/setup-test): {fault}", self.program);
        self.running = Some(Running::guarded(server.unwrap_or_else(missing)));
        let ready = self.wait();
        if !ready {
            self.kill();
        }
        ready
    }

    /// Waits for the line in the log of this process, since another server may answer on its port.
    fn wait(&mut self) -> bool {
        for _ in 0..LOOKS {
            if self.log().contains(self.ready) {
                return true;
            }
            let ended = |running: &mut Running| !matches!(running.server.try_wait(), Ok(None));
            if self.running.as_mut().is_none_or(ended) {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        false
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Whether it was not stopped.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The id of its process, while it runs.
    pub fn id(&self) -> u32 {
        let running = self.running.as_ref().expect("a running server");
        running.server.id()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn guarded(server: Child) -> Self {
        let guard = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$0\""])
            .arg(server.id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            server,
            guard: guard.expect("a shell"),
        }
    }

    /// Ends the guard first, so that it cannot kill another process with the same id later. The
    /// process may have ended already.
    fn end(mut self, kill: bool) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        if kill {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        // The other nodes of a cluster speak to a port that is 10,000 higher.
        let bus = port.checked_add(10_000);
        if bus.is_some_and(|bus| TcpListener::bind((Ipv4Addr::LOCALHOST, bus)).is_ok()) {
            return port;
        }
    }
}

/// One inline command and the first value of its reply.
fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.write_all(format!("{command}\r\n").as_bytes())?;
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    if reader.read_line(&mut head)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let head = head.trim_end();
    let Some(length) = head
        .strip_prefix('$')
        .and_then(|length| length.parse().ok())
    else {
        return Ok(head.to_owned());
    };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// A command of the monitor with its first key.
fn named(command: &str) -> String {
    let mut words = command.split('"').filter(|word| !word.trim().is_empty());
    let name = words.next().unwrap_or_default();
    let key = words.find(|word| word.starts_with("vestibule:"));
    format!("{name} {}", key.unwrap_or_default().trim())
}
