//! Log lines, on standard error.

mod fields;

use std::{
    io::{self, BufWriter, IsTerminal as _, Stderr, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use fields::Fields;
use tracing_subscriber::EnvFilter;

/// How long a line may wait for others, so that all of them are written at once.
const GATHER: Duration = Duration::from_millis(50);

/// Starts logging; `RUST_LOG` decides what, and `default` where it is not set. What was logged is
/// written out when the guard is dropped.
///
/// # Errors
/// The reason why the thread that writes could not be started.
pub(super) fn start(default: &str) -> io::Result<Log> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = io::stderr().is_terminal();
    let lines = Lines::start()?;
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .fmt_fields(Fields);
    let _ = logger.with_writer(lines.clone()).try_init();
    Ok(Log(lines))
}

/// Writes out what is left when it is dropped.
#[must_use]
pub(super) struct Log(Arc<Lines>);

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.0.buffer().flush();
    }
}

/// Lines on their way. A request that logs one pays for a copy, not for a call of the system.
struct Lines {
    buffer: Mutex<BufWriter<Stderr>>,
    /// Whether the writer was notified of them.
    told: AtomicBool,
    writer: Thread,
}

impl Lines {
    fn start() -> io::Result<Arc<Self>> {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Arc<Self>>(1);
        let writer = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                if let Ok(lines) = receiver.recv() {
                    lines.write_out();
                }
            })?;
        let buffer = Mutex::new(BufWriter::new(io::stderr()));
        let lines = Arc::new(Self {
            buffer,
            told: AtomicBool::new(false),
            writer: writer.thread().clone(),
        });
        let _ = sender.send(lines.clone());
        Ok(lines)
    }

    /// As long as the process lives.
    fn write_out(&self) -> ! {
        loop {
            thread::park();
            thread::sleep(GATHER);
            self.told.store(false, Ordering::Release);
            // Nothing is left to report a closed standard error to.
            let _ = self.buffer().flush();
        }
    }

    fn buffer(&self) -> MutexGuard<'_, BufWriter<Stderr>> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.buffer().write(line)?;
        if !self.told.swap(true, Ordering::AcqRel) {
            self.writer.unpark();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer().flush()
    }
}
