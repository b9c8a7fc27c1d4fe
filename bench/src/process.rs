//! Child processes: starting, ending, and measuring them.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{Outcome, clock, context};

/// The maximum time until a process accepts connections.
const START: Duration = Duration::from_mins(2);
/// The maximum time until it stops.
const STOP: Duration = Duration::from_secs(30);
/// Linux counts the time of a process in hundredths of a second, independent of the kernel's clock
/// (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The folder of the packages that scripts/setup-libraries installs.
pub(crate) const PACKAGES: &str = "libraries";

/// A child process that listens on a port of 127.0.0.1. It ends with this value.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts `command`, with its output in the file `log`, and waits until it accepts a
    /// connection.
    pub(crate) fn start(mut command: Command, port: u16, log: &Path) -> Outcome<Self> {
        let file = File::create(log).map_err(context("a log"))?;
        let errors = file.try_clone().map_err(context("a log"))?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let name = command.get_program().display().to_string();
        let child = command.spawn().map_err(context(&name))?;
        let mut process = Self {
            child,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        };
        if process.listens_soon() {
            return Ok(process);
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        Err(format!("{name} does not listen: {log}"))
    }

    /// Waits until it accepts a connection; `false` when it has ended or takes too long.
    fn listens_soon(&mut self) -> bool {
        let deadline = clock::now() + START;
        while TcpStream::connect(self.address).is_err() {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if ended || clock::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it; returns how long that took, or `None` after half a minute.
    pub(crate) fn terminate(mut self) -> Outcome<Option<Duration>> {
        let started = clock::now();
        let status = Command::new("kill")
            .arg(self.id().to_string())
            .status()
            .map_err(context("kill"))?;
        if !status.success() {
            return Err("the process cannot be stopped".to_owned());
        }
        while clock::now() - started < STOP {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Ok(Some(clock::now() - started));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Lets a process run on these cores alone, such as "0" or "0,1", and the processes that it starts
/// from now on.
///
/// # Errors
/// Without such a core, or `taskset` of util-linux.
pub(crate) fn stay_on(cores: &str, process: u32) -> Outcome<()> {
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores])
        .arg(process.to_string())
        .stdout(Stdio::null())
        .status()
        .map_err(context("taskset"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("there are no cores {cores}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port.
pub(crate) fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(context("a free port"))?;
    Ok(listener
        .local_addr()
        .map_err(context("a free port"))?
        .port())
}

/// Node.js as its package in [`PACKAGES`], or that of the system.
pub(crate) fn node() -> PathBuf {
    let own = Path::new(PACKAGES).join("node_modules/.bin/node");
    own.canonicalize().unwrap_or_else(|_| PathBuf::from("node"))
}

/// Processor time (user and system) of a process so far, all threads together.
pub(crate) fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(proc(process, "stat")).unwrap_or_default();
    // The name in parentheses may contain anything; utime and stime are the 12th and 13th fields
    // after it.
    let fields = stat
        .rsplit_once(") ")
        .map_or("", |(_, fields)| fields)
        .split(' ');
    let ticks: u32 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    TICK * ticks
}

/// Memory of a process in MB (2²⁰ bytes): resident now, and at its peak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

/// The memory of a process.
pub(crate) fn memory(process: u32) -> Memory {
    let status = std::fs::read_to_string(proc(process, "status")).unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| {
            rest.trim_matches([':', '\t', ' ', 'k', 'B'])
                .parse::<f64>()
                .ok()
        })
        .unwrap_or(f64::NAN)
    };
    Memory {
        resident: kilobytes("VmRSS") / 1024.0,
        peak: kilobytes("VmHWM") / 1024.0,
    }
}

/// How many file descriptors a process has open.
pub(crate) fn descriptors(process: u32) -> usize {
    std::fs::read_dir(proc(process, "fd")).map_or(0, Iterator::count)
}

fn proc(process: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/{file}"))
}
