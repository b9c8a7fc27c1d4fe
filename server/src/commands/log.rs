//! Log lines, on standard error.

use std::io::{BufWriter, IsTerminal as _};

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Starts logging; `RUST_LOG` decides what, and `default` where it is not set. What was logged is written out when the guard
/// is dropped.
///
/// A thread of its own writes, and as many lines at once as there are: no request waits for whoever reads them. Should they
/// come faster than they are read for long, lines are dropped rather than memory filled.
pub(super) fn start(default: &str) -> WorkerGuard {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    let (writer, guard) = NonBlocking::new(BufWriter::new(std::io::stderr()));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(writer).try_init();
    guard
}
