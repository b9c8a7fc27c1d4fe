//! A process of the binary, with its output.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How often and how many times a line is looked for: for a minute.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS: u32 = 3000;

/// A process that ends with this value.
pub struct Running {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// Starts a command.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts");
        let lines = Arc::default();
        collect(
            process.stdout.take().expect("its output"),
            Arc::clone(&lines),
        );
        collect(
            process.stderr.take().expect("its errors"),
            Arc::clone(&lines),
        );
        Self { process, lines }
    }

    /// Waits for a line.
    pub fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.after(0, wanted)
    }

    /// Waits for a line after the first `skipped` ones.
    pub fn after(&self, skipped: usize, wanted: impl Fn(&str) -> bool) -> String {
        for _ in 0..LOOKS {
            if let Some(line) = self.lines().iter().skip(skipped).find(|line| wanted(line)) {
                return line.clone();
            }
            thread::sleep(LOOK_EVERY);
        }
        panic!("no such line:\n{}", self.lines().join("\n"));
    }

    /// All lines so far, of both streams.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("lines").clone()
    }

    /// Sends a signal, by its name in kill(1).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.process.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "signal {name}");
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.try_wait().expect("its state").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn collect(stream: impl Read + Send + 'static, lines: Arc<Mutex<Vec<String>>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().expect("lines").push(line);
        }
    });
}
